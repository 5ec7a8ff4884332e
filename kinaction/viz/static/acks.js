// The acks lens, alive: a kill line on every strip, moved by pointer or keys. It knows no Kafka:
// bands, places and sentences come as data, computed with the picture.
const NS = "http://www.w3.org/2000/svg";
const WORDS = { lost: "LOST", survives: "SURVIVES", twice: "TWICE", unknown: "UNKNOWN" };
const STYLES = { lost: "lost", survives: "ok", twice: "twice", unknown: "unknown" };

function make(name, attributes, parent) {
  const made = document.createElementNS(NS, name);
  for (const [key, held] of Object.entries(attributes)) made.setAttribute(key, held);
  parent.appendChild(made);
  return made;
}

const bandAt = (strip, ms) =>
  strip.bands.find(([from, to]) => from <= ms && ms < to) || strip.bands[strip.bands.length - 1];

const heldAt = (strip, ms) =>
  strip.held.filter(([from]) => from <= ms).map(([, held]) => held).pop() || [];

function told(strip, ms) {
  const [, , verdict, text, sentence] = bandAt(strip, ms);
  const words = text.startsWith(verdict) ? text : `${WORDS[verdict]}, ${text}`;
  return `${strip.name}, leader killed at ${ms} ms: ${words}. ${sentence}`;
}

function showState(svg, index, strip, ms) {
  const state = svg.querySelectorAll(".state")[index];
  const [, , verdict, , sentence] = bandAt(strip, ms);
  const slots = state.querySelectorAll("rect.slot, rect.full");
  state.querySelectorAll("text.celltext").forEach((label) => label.remove());
  heldAt(strip, ms).flatMap(([, cached, flushed]) => [cached, flushed]).forEach((there, at) => {
    const slot = slots[at];
    if (!slot) return;
    slot.setAttribute("class", there ? "full" : "slot");
    if (!there) return;
    const middle = Number(slot.getAttribute("x")) + 20;
    const label = make("text", { class: "celltext b", x: middle,
      y: Number(slot.getAttribute("y")) + 14 }, state);
    label.textContent = strip.label;
  });
  const box = state.querySelector(".verdict");
  if (!box) return;
  box.querySelector("rect").setAttribute("class", STYLES[verdict]);
  const word = [...box.querySelectorAll("text")].pop();
  word.textContent = WORDS[verdict];
  [...box.children].forEach((part) => {
    if (part.tagName !== "rect" && part.tagName !== "title" && part !== word) part.remove();
  });
  make("g", {}, box).innerHTML = strip.glyphs[verdict];
  box.appendChild(word);
  writeSentence(state, sentence);
}

function writeSentence(state, sentence) {
  const lines = [...state.querySelectorAll("text.why")];
  if (!lines.length) return;
  const first = lines[0];
  const [x, y] = ["x", "y"].map((name) => Number(first.getAttribute(name)));
  const room = first.ownerSVGElement.viewBox.baseVal.width - x - 18;
  lines.slice(1).forEach((line) => line.remove());
  first.textContent = "";
  let line = first;
  let row = 0;
  for (const word of sentence.split(" ")) {
    const before = line.textContent;
    line.textContent = before ? `${before} ${word}` : word;
    if (before && line.getComputedTextLength() > room) {
      line.textContent = before;
      row += 1;
      line = make("text", { x, y: y + 16 * row, class: "why" }, state);
      line.textContent = word;
    }
  }
}

function addLine(svg, strip, index, choose) {
  const group = make("g", { class: "killer", role: "slider", tabindex: "0",
    "aria-label": `${strip.name}: kill the leader at`, "aria-valuemin": 0,
    "aria-valuemax": strip.last }, svg);
  const line = make("line", { class: "kill", y1: strip.top, y2: strip.bottom }, group);
  const grip = make("circle", { class: "grip", r: 5, cy: strip.bottom }, group);
  const area = make("rect", { x: strip.left, y: strip.top, width: strip.right - strip.left,
    height: strip.bottom - strip.top, fill: "transparent" }, group);
  const x = (ms) => strip.left + ((strip.right - strip.left) * ms) / Math.max(strip.last, 1);
  let at = strip.at;

  const move = (ms, isDone) => {
    at = Math.max(0, Math.min(strip.last, Math.round(ms)));
    for (const name of ["x1", "x2"]) line.setAttribute(name, x(at));
    grip.setAttribute("cx", x(at));
    group.setAttribute("aria-valuenow", at);
    group.setAttribute("aria-valuetext", told(strip, at));
    if (isDone !== null) {
      showState(svg, index, strip, at);
      choose(strip, at, isDone);
    }
  };
  const drag = (event, isDone) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const along = (event.clientX - box.left) * scale - strip.left;
    move((along / (strip.right - strip.left)) * strip.last, isDone);
  };
  area.addEventListener("pointerdown", (event) => {
    area.setPointerCapture(event.pointerId);
    group.focus();
    drag(event, false);
  });
  area.addEventListener("pointermove", (event) => event.buttons && drag(event, false));
  area.addEventListener("pointerup", (event) => drag(event, true));
  group.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: strip.last,
      PageDown: at - 5, PageUp: at + 5 }[event.key];
    if (event.key.length === 1 && !event.ctrlKey) event.stopPropagation(); // never the notebook's
    if (way === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move(way, true);
  });
  move(at, null);
}

function render({ model, el }) {
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  const holder = document.createElement("div");
  holder.innerHTML = model.get("svg");
  const svg = holder.querySelector("svg");
  svg.setAttribute("role", "group");
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");
  status.style.cssText = "margin:6px 17px;font-size:13px;min-height:2.8em;" +
    "color:var(--jp-ui-font-color1,inherit)";
  status.textContent = "Drag along a band, or use the arrow keys: when does the leader die?";
  const choose = (strip, ms, isDone) => {
    status.textContent = told(strip, ms);
    if (!isDone) return;
    const [, , verdict, text] = bandAt(strip, ms);
    model.set("chosen", { run: strip.name, at_ms: ms, verdict, text });
    model.save_changes();
  };
  model.get("data").strips.forEach((strip, index) => {
    if (strip.bands.length) addLine(svg, strip, index, choose);
  });
  el.replaceChildren(holder, status);
}

export default { render };
