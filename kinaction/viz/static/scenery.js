// The scenery: the stage's live SVG. Redraws what a patch touched, eases what moved, names everything.
import { toSvg } from "./marks.js";
import { actorMarks, columnMarks, frameMarks, groupMarks, rowMarks } from "./stage.js";
import { heatMarks } from "./heat.js";
import { lasting, lifeOf } from "./inspector.js";

export class Scenery {
  constructor(svg, name) {
    this.svg = svg;
    this.name = name;
  }

  // `view`: {layout, scene, plan, titles, measure, film, names, selected, nowMs}
  all(view) {
    const { layout } = view;
    this.svg.setAttribute("width", layout.width);
    this.svg.setAttribute("height", layout.height);
    this.svg.setAttribute("viewBox", `0 0 ${layout.width} ${layout.height}`);
    const groups = (cls, keys) => keys.map((key) => `<g class="${cls}" data-part="${cls}/${key}"></g>`).join("");
    this.svg.innerHTML = `<defs><pattern id="${this.name}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hb" d="M0 0h7v7h-7z"/><path class="hl" d="M0 0v7"/></pattern></defs>`
      + `<g class="ways">${toSvg(frameMarks(layout))}</g>${groups("row", layout.mode === "heat" ? ["all"] : layout.brokers)}${groups("col", layout.slots.map((slot) => slot.key))}`
      + `${groups("act", layout.boxes.map((box) => box.key))}<g data-part="group"></g><g class="flows"></g><g class="trails"></g><g class="tokens"></g>`;
    this.parts = new Map([...this.svg.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    if (layout.mode === "heat") this.put("row/all", toSvg(heatMarks(view)));
    layout.brokers.forEach((_, at) => this.row(view, at));
    layout.slots.forEach((slot) => this.column(view, slot, false));
    layout.boxes.forEach((box) => this.actor(view, box));
    this.put("group", toSvg(groupMarks(view)));
    this.describe(view);
  }

  // Redraw what these keys of the scene touch.
  some(view, keys, isEased) {
    if (view.layout.mode === "heat") {
      if (keys.size) this.put("row/all", toSvg(heatMarks(view)));
      view.layout.boxes.forEach((box) => this.actor(view, box));
      return;
    }
    const columns = new Set();
    for (const key of keys) {
      const [part, rest] = [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)];
      if (part === "row") this.row(view, view.layout.brokers.indexOf(Number(rest)), isEased);
      else if (part === "col" || part === "read") columns.add(rest);
      else if (part === "tape") columns.add(rest.slice(0, rest.lastIndexOf("/")));
      else if (key === "group") this.put("group", toSvg(groupMarks(view)));
    }
    for (const slot of view.layout.slots) if (columns.has(slot.key)) this.column(view, slot, isEased);
    if (view.isPlaying) return;
    view.layout.brokers.forEach((_, at) => this.row(view, at, false));
    this.describe(view);
  }

  put(part, html) {
    const element = this.parts.get(part);
    if (element && element.innerHTML !== html) element.innerHTML = html;
  }

  row(view, at, isEased) {
    const { layout } = view;
    if (layout.mode === "heat" || at < 0) return;
    const broker = layout.brokers[at];
    const [panel, ...rest] = rowMarks(layout, view.scene, at);
    const lines = rest.filter(([kind]) => kind !== "text");
    const words = rest.filter(([kind]) => kind === "text");
    const part = this.parts.get(`row/${broker}`);
    const was = part.querySelector(".panel")?.classList.contains("dead");
    const box = `<rect class="focus" x="${layout.x0 + 3}" y="${layout.rows[at] + 3}" width="${layout.head - 8}" height="${layout.row_height - 6}" rx="6"/>`;
    this.put(`row/${broker}`, `${toSvg([panel, ...lines])}<g class="hit" role="button" tabindex="-1" data-key="broker:${broker}" aria-label="${rowLabel(view, broker)}">${box}${toSvg(words)}</g>`);
    if (isEased && was === false && panel[1].includes("dead")) ease(part.querySelector(".panel"), [{ opacity: 0 }, { opacity: 1 }], 300);
  }

  column(view, slot, isEased) {
    if (view.layout.mode === "heat") return;
    const part = this.parts.get(`col/${slot.key}`);
    const before = isEased ? snapshot(part) : null;
    const selected = view.selected.startsWith(`record:${slot.key}/`) ? Number(view.selected.slice(view.selected.lastIndexOf("/") + 1)) : -1;
    const { head, tapes } = columnMarks(view, slot, selected);
    const texts = head.filter(([kind]) => kind === "text");
    const rest = head.filter(([kind]) => kind !== "text");
    const hit = `<g class="hit" role="button" tabindex="-1" data-key="column:${slot.key}" aria-label="${columnLabel(view, slot.key)}"><rect class="focus" x="${slot.x + 1}" y="2" width="${Math.max(20, slot.width - 4)}" height="36" rx="6"/>${toSvg(texts)}</g>`;
    const bodies = tapes.map((marks, at) => {
      const broker = view.layout.brokers[at];
      return `<g class="tape">${toSvg(marks, (offset) => cellLabel(view, slot.key, broker, offset), (offset) => `record:${slot.key}/${offset}@${broker}`)}</g>`;
    });
    const html = hit + toSvg(rest) + bodies.join("");
    if (part.innerHTML === html) return;
    const focused = part.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    part.innerHTML = html;
    if (focused) part.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    if (before) easeMoved(part, before);
  }

  actor(view, box) {
    const actor = [...view.plan.left, ...view.plan.right].find((held) => held.key === box.key);
    const marks = actorMarks(view, actor, box, view.nowMs);
    const words = marks.filter(([kind]) => kind === "text").map((mark) => mark[4]).join(", ");
    this.put(`act/${box.key}`, `<g class="hit" role="button" tabindex="-1" data-key="actor:${box.key}" aria-label="${words.replace(/"/g, "")}">${toSvg(marks)}</g>`);
  }

  describe(view) {
    const { layout, plan } = view;
    const states = layout.brokers.slice(0, 6).map((broker) => rowLabel(view, broker)).join(". ");
    this.svg.setAttribute("aria-label", `${plan.brokers.length} brokers as rows, ${plan.columns.length} partitions as columns. ${states}`);
  }
}

export function rowLabel(view, broker) {
  const row = view.scene[`row/${broker}`];
  const tapes = view.layout.slots.map((slot) => [slot.key, view.scene[`tape/${slot.key}/${broker}`]]).filter(([, tape]) => tape);
  const inIsr = tapes.filter(([key]) => view.scene[`col/${key}`]?.isr.includes(broker)).length;
  const status = !row ? "not there yet" : row.status === "running" ? "running" : `${row.status} for ${lasting(Math.max(0, Math.floor(view.nowMs - row.since)))}`;
  const duties = row?.duties.length ? `, ${row.duties.join(" and ")}` : "";
  return `broker ${broker}, ${status}${duties}; ${tapes.length} replicas, ${inIsr} in the ISR`;
}

export function columnLabel(view, key) {
  const column = view.scene[`col/${key}`];
  return `${view.titles[key]}: ${column ? `${column.text}; high watermark ${column.hw}, log end ${column.top}` : "not made yet"}`;
}

export function cellLabel(view, key, broker, offset) {
  const tape = view.scene[`tape/${key}/${broker}`];
  const state = !tape ? "not there" : offset >= tape.only[0] && offset < tape.only[1] ? "only here, endangered" : offset < tape.hw ? "committed" : "appended, not known committed";
  const record = lifeOf(view.film, key, offset)?.record;
  return `broker ${broker}, ${view.titles[key]}, offset ${offset}: ${state}${record ? `; key ${record[0]}` : ""}`;
}

// Where things stood before a redraw, to ease what moved.
function snapshot(part) {
  const x = (selector) => [...part.querySelectorAll(selector)].map((held) => held.getBBox().x);
  const star = part.querySelector(".lead");
  return { hw: x(".hw"), dots: x(".hwthin")[0], star: star?.getBBox().y, cells: new Set([...part.querySelectorAll(".tape .hit")].map((held) => held.dataset.key)) };
}

function easeMoved(part, before) {
  for (const cell of part.querySelectorAll(".tape .hit"))
    if (!before.cells.has(cell.dataset.key)) {
      cell.classList.add("fresh");
      ease(cell, [{ opacity: 0 }, { opacity: 1 }], 120, "ease-out");
    }
  const line = part.querySelector(".hw");
  if (line && before.hw.length) slide(line, before.hw[0] - line.getBBox().x, 0, 240);
  for (const dots of part.querySelectorAll(".hwthin")) if (before.dots !== undefined) slide(dots, before.dots - dots.getBBox().x, 0, 240);
  const star = part.querySelector(".lead");
  if (star && before.star !== undefined) slide(star, 0, before.star - star.getBBox().y, 400);
}

function slide(element, dx, dy, ms) {
  if (Math.abs(dx) + Math.abs(dy) < 1) return;
  ease(element, [{ transform: `translate(${dx}px, ${dy}px)` }, { transform: "translate(0, 0)" }], ms, "ease-in-out");
}

function ease(element, frames, ms, easing = "ease-out") {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || !element.animate) return;
  element.animate(frames, { duration: ms, easing });
}
