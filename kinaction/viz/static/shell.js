// The shell: the fixed parts of the player's page, and which theme they take.
import { starPath, tag } from "./marks.js";
import { outline } from "./tokens.js";

const ICONS = {
  home: "M2 2h2v10H2zM13 2v10L5 7z",
  back: "M10 2v10L3 7z",
  play: "M3 1.5v11l9.5-5.5z",
  pause: "M3 2h3v10H3zM8 2h3v10H8z",
  step: "M4 2v10l7-5z",
  end: "M10 2h2v10h-2zM1 2v10l8-5z",
};
const BUTTONS = [
  ["home", "to the start"],
  ["back", "step back"],
  ["play", "play"],
  ["step", "step"],
  ["end", "to the end"],
];
const KINDS = ["produce", "replicate", "ack", "consume", "control"];

export function icon(name, size = 13) {
  const box = { width: size, height: size, viewBox: "0 0 14 14", "aria-hidden": "true" };
  return tag("svg", box, tag("path", { d: ICONS[name] }));
}

export function shellHtml() {
  const kinds = KINDS.map(kindKey).join("");
  return `<div class="bar"><p class="title"></p><div class="keys">${kinds}</div></div>
<div class="say">
  <div class="btns">${BUTTONS.map(transport).join("")}</div>
  <div class="when"><b class="clock"></b><span class="count"></span></div>
  <p class="words" role="status" aria-live="polite"></p>
  <select class="speed" aria-label="speed"></select>
</div>
<div class="stagebox">
  <div class="pager"></div>
  <svg class="stage" role="group" tabindex="0"></svg>
</div>
<div class="legend">${markKeys()}</div>
<div class="tl"><svg class="time" role="slider" tabindex="0" aria-label="time"></svg></div>
<div class="insp"></div>`;
}

function transport([name, words]) {
  const about = { type: "button", class: `t-${name}`, "data-do": name, title: words };
  return tag("button", { ...about, "aria-label": words }, icon(name, name === "play" ? 16 : 13));
}

function key(body, words) {
  const box = { width: 18, height: 14, viewBox: "0 0 18 14", "aria-hidden": "true" };
  return tag("span", { class: "key" }, tag("svg", box, body) + words);
}

function kindKey(kind) {
  const width = kind === "ack" || kind === "consume" ? 15 : 10;
  return key(tag("g", { class: `${kind} mini` }, outline(kind, 9, 7, width, 10)), kind);
}

function markKeys() {
  const cell = { x: 2, y: 1, width: 14, height: 12, rx: 2.5 };
  const dot = { cx: 9, cy: 7 };
  const bar = tag("rect", { class: "commit", x: 2, y: 10, width: 14, height: 3, rx: 1 });
  return [
    key(tag("path", { class: "isr", d: starPath(9, 7, 7) }), "leader"),
    key(tag("circle", { class: "isr", ...dot, r: 4.5 }), "in the ISR"),
    key(tag("circle", { class: "out", ...dot, r: 4 }), "out of it"),
    key(tag("rect", { class: "cell", ...cell }) + bar, "committed"),
    key(tag("rect", { class: "open", ...cell }), "appended only"),
    key(tag("path", { class: "hw", d: "M9 0V14" }), "high watermark"),
    key(tag("path", { class: "leo", d: "M6 1h4v12h-4" }), "log end"),
    key(tag("path", { class: "reader", d: "M13 2v10h-10z" }), "reads next"),
  ].join("");
}

// Light or dark: JupyterLab says so; elsewhere the page's background does.
export function themeOf(element) {
  const said = document.body.dataset.jpThemeLight;
  if (said !== undefined) return said === "false" ? "dark" : "light";
  for (let held = element.parentElement; held; held = held.parentElement) {
    const found = getComputedStyle(held).backgroundColor.match(/[\d.]+/g);
    if (!found || (found.length > 3 && Number(found[3]) < 0.5)) continue;
    const [red, green, blue] = found.map(Number);
    return 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? "dark" : "light";
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function isStill() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// "1/50 ×": how fast virtual time goes.
export function speedText(speed) {
  return speed >= 1 ? `${Number(speed.toFixed(1))} ×` : `1/${Math.round(1 / speed)} ×`;
}

export function pagerHtml(layout) {
  const { page, pages, opened } = layout;
  const button = (words, about) => tag("button", { type: "button", ...about }, words);
  const close = opened ? button("fold it again", { "data-do": "close" }) : "";
  if (pages < 2) return close;
  const turn = (by, words, mark, isLast) =>
    button(mark, {
      "data-do": "page",
      "data-by": String(by),
      "aria-label": words,
      disabled: isLast,
    });
  const where = tag("span", {}, `columns ${page + 1} of ${pages}`);
  return (
    turn(-1, "columns before", "‹", page === 0) +
    where +
    turn(1, "columns after", "›", page >= pages - 1) +
    close
  );
}
