// The scenery: the stage's live SVG. Redraws what a patch touched, eases what moved.
import { tag, toSvg } from "./marks.js";
import { actorMarks, columnMarks, frameMarks, groupMarks, rowMarks } from "./stage.js";
import { heatMarks } from "./heat.js";
import { cellLabel, columnLabel, rowLabel } from "./labels.js";

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
    this.svg.innerHTML = this.hatch() + this.groups(layout);
    const parts = [...this.svg.querySelectorAll("[data-part]")];
    this.parts = new Map(parts.map((part) => [part.dataset.part, part]));
    this.drawn = new Map();
    if (layout.mode === "heat") this.put("row/all", toSvg(heatMarks(view)));
    layout.brokers.forEach((_, at) => this.row(view, at));
    layout.slots.forEach((slot) => this.column(view, slot, false));
    layout.boxes.forEach((box) => this.actor(view, box));
    this.put("group", toSvg(groupMarks(view)));
    this.describe(view);
  }

  hatch() {
    const about = {
      id: `${this.name}-hatch`,
      width: 7,
      height: 7,
      patternUnits: "userSpaceOnUse",
      patternTransform: "rotate(45)",
    };
    const lines = tag("path", { class: "hb", d: "M0 0h7v7h-7z" });
    const stripe = tag("path", { class: "hl", d: "M0 0v7" });
    return tag("defs", {}, tag("pattern", about, lines + stripe));
  }

  groups(layout) {
    const named = (cls, keys) =>
      keys.map((key) => tag("g", { class: cls, "data-part": `${cls}/${key}` }, "")).join("");
    return (
      tag("g", { class: "ways" }, toSvg(frameMarks(layout))) +
      named("row", layout.mode === "heat" ? ["all"] : layout.brokers) +
      named(
        "col",
        layout.slots.map((slot) => slot.key),
      ) +
      named(
        "act",
        layout.boxes.map((box) => box.key),
      ) +
      tag("g", { "data-part": "group" }, "") +
      ["flows", "trails", "tokens"].map((name) => tag("g", { class: name }, "")).join("")
    );
  }

  // Redraw what these keys of the scene touch.
  some(view, keys, isEased) {
    if (view.layout.mode === "heat") {
      if (keys.size) this.put("row/all", toSvg(heatMarks(view)));
      return;
    }
    const columns = new Set();
    for (const key of keys) {
      const cut = key.indexOf("/");
      const [part, rest] = [key.slice(0, cut), key.slice(cut + 1)];
      if (part === "row") this.row(view, view.layout.brokers.indexOf(Number(rest)), isEased);
      else if (part === "col" || part === "read") columns.add(rest);
      else if (part === "tape") columns.add(rest.slice(0, rest.lastIndexOf("/")));
      else if (key === "group") this.put("group", toSvg(groupMarks(view)));
    }
    for (const slot of view.layout.slots)
      if (columns.has(slot.key)) this.column(view, slot, isEased);
    if (view.isPlaying) return;
    view.layout.brokers.forEach((_, at) => this.row(view, at, false));
    this.describe(view);
  }

  // Writes a part anew if it is another; whether it was.
  put(part, html) {
    const element = this.parts.get(part);
    if (!element || this.drawn.get(part) === html) return false;
    this.drawn.set(part, html);
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    element.innerHTML = html;
    const key = focused?.dataset.key;
    if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
    return true;
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
    const box = {
      x: layout.x0 + 3,
      y: layout.rows[at] + 3,
      width: layout.head - 8,
      height: layout.row_height - 6,
    };
    const header = this.button(`broker:${broker}`, rowLabel(view, broker), box, words);
    this.put(`row/${broker}`, toSvg([panel, ...lines]) + header);
    if (isEased && was === false && panel[1].includes("dead"))
      ease(part.querySelector(".panel"), [{ opacity: 0 }, { opacity: 1 }], 300);
  }

  button(key, label, box, marks) {
    const about = { class: "hit", role: "button", tabindex: "-1", "data-key": key };
    const focus = box ? tag("rect", { class: "focus", ...box, rx: 6 }) : "";
    return tag("g", { ...about, "aria-label": label }, focus + toSvg(marks));
  }

  column(view, slot, isEased) {
    if (view.layout.mode === "heat") return;
    const part = this.parts.get(`col/${slot.key}`);
    const before = isEased ? snapshot(part) : null;
    const { head, tapes } = columnMarks(view, slot, selectedIn(view, slot.key));
    const texts = head.filter(([kind]) => kind === "text");
    const rest = head.filter(([kind]) => kind !== "text");
    const box = { x: slot.x + 1, y: 2, width: Math.max(20, slot.width - 4), height: 36 };
    const title = this.button(`column:${slot.key}`, columnLabel(view, slot.key), box, texts);
    const bodies = tapes.map((marks, at) => {
      const broker = view.layout.brokers[at];
      const labelOf = (offset) => cellLabel(view, slot.key, broker, offset);
      const keyOf = (offset) => `record:${slot.key}/${offset}@${broker}`;
      return tag("g", { class: "tape" }, toSvg(marks, labelOf, keyOf));
    });
    const isNew = this.put(`col/${slot.key}`, title + toSvg(rest) + bodies.join(""));
    if (isNew && before) easeMoved(part, before);
  }

  actor(view, box) {
    const actor = [...view.plan.left, ...view.plan.right].find((held) => held.key === box.key);
    const marks = actorMarks(view, actor, box, view.nowMs);
    const words = marks.filter(([kind]) => kind === "text").map((mark) => mark[4]);
    this.put(`act/${box.key}`, this.button(`actor:${box.key}`, words.join(", "), null, marks));
  }

  describe(view) {
    const { layout, plan } = view;
    const rows = layout.brokers.slice(0, 6).map((broker) => rowLabel(view, broker));
    const [height, width] = [plan.brokers.length, plan.columns.length];
    const what = `${height} brokers as rows, ${width} partitions as columns`;
    this.svg.setAttribute("aria-label", `${what}. ${rows.join(". ")}`);
  }
}

function selectedIn(view, key) {
  const { selected } = view;
  if (!selected.startsWith(`record:${key}/`)) return -1;
  return Number(selected.slice(selected.lastIndexOf("/") + 1));
}

// Where things stood before a redraw, to ease what moved.
function snapshot(part) {
  const left = (selector) => part.querySelector(selector)?.getBBox().x;
  const cells = [...part.querySelectorAll(".tape .hit")].map((held) => held.dataset.key);
  return {
    line: left(".hw"),
    dots: left(".hwthin"),
    star: part.querySelector(".lead")?.getBBox().y,
    cells: new Set(cells),
  };
}

function easeMoved(part, before) {
  for (const cell of part.querySelectorAll(".tape .hit")) {
    if (before.cells.has(cell.dataset.key)) continue;
    cell.classList.add("fresh");
    ease(cell, [{ opacity: 0 }, { opacity: 1 }], 120, "ease-out");
  }
  for (const [selector, was] of [
    [".hw", before.line],
    [".hwthin", before.dots],
  ])
    for (const line of part.querySelectorAll(selector))
      if (was !== undefined) slide(line, was - line.getBBox().x, 0, 240);
  const star = part.querySelector(".lead");
  if (star && before.star !== undefined) slide(star, 0, before.star - star.getBBox().y, 400);
}

function slide(element, dx, dy, ms) {
  if (Math.abs(dx) + Math.abs(dy) < 1) return;
  const frames = [{ transform: `translate(${dx}px, ${dy}px)` }, { transform: "translate(0, 0)" }];
  ease(element, frames, ms, "ease-in-out");
}

function ease(element, frames, ms, easing = "ease-out") {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || !element.animate) return;
  element.animate(frames, { duration: ms, easing });
}
