// Marks: the shapes that marks.py writes too, and how they become live SVG:
// ["rect", cls, x, y, w, h, rx] ["line", cls, x1, y1, x2, y2] ["path", cls, d]
// ["circle", cls, cx, cy, r]
// ["star", cls, cx, cy, r] ["text", cls, x, y, words] ["cell", cls, x, y, w, offset]

export const REGULAR = 400;
export const BOLD = 650;

export function number(value) {
  return String(Math.floor(value * 10 + 0.5) / 10);
}

export function pathOf(...parts) {
  let text = "";
  for (const part of parts) {
    if (typeof part === "string") text += part;
    else text += (text === "" || /[a-zA-Z]$/.test(text) ? "" : " ") + number(part);
  }
  return text;
}

export function starPath(x, y, radius) {
  const points = [];
  for (let at = 0; at < 10; at++) {
    const reach = at % 2 === 0 ? radius : radius * 0.45;
    points.push(
      at ? "L" : "M",
      x + reach * Math.sin((Math.PI * at) / 5),
      y - reach * Math.cos((Math.PI * at) / 5),
    );
  }
  return pathOf(...points, "Z");
}

// Text widths, by the tables that Python sends: the wider of two fonts.
export function makeMeasure(metrics) {
  const width = (text, size = 11, weight = REGULAR) => {
    const table = metrics[weight];
    let sum = 0;
    for (const character of text) sum += table[character] ?? metrics.unknown;
    return (sum * size) / 1000;
  };
  const fitted = (text, room, size = 11, weight = REGULAR) => {
    if (width(text, size, weight) <= room) return text;
    let kept = [...text];
    while (kept.length && width(kept.join("") + "…", size, weight) > room) kept.pop();
    return kept.length ? kept.join("").trimEnd() + "…" : "";
  };
  return { width, fitted };
}

export function escape(text) {
  const named = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return String(text).replace(/[&<>"]/g, (found) => named[found]);
}

// An element as text: numbers are rounded, words escaped, undefined attributes left out.
export function tag(name, attributes, body = null) {
  let text = `<${name}`;
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined || value === "" || value === false) continue;
    if (value === true) text += ` ${key}`;
    else text += ` ${key}="${typeof value === "number" ? number(value) : escape(value)}"`;
  }
  return body === null ? `${text}/>` : `${text}>${body}</${name}>`;
}

// `labelOf(offset)` names a cell for a screen reader; `keyOf(offset)` is what selects it.
export function toSvg(marks, labelOf = null, keyOf = null) {
  return marks.map((mark) => element(mark, labelOf, keyOf)).join("");
}

function element([kind, cls, ...at], labelOf, keyOf) {
  const [x, y] = at;
  switch (kind) {
    case "text":
      return tag("text", { class: cls, x, y }, escape(at[2]));
    case "spans":
      return tag("text", { class: cls, x, y }, spans(at[2]));
    case "rect":
      return tag("rect", { class: cls, x, y, width: at[2], height: at[3], rx: at[4] });
    case "circle":
      return tag("circle", { class: cls, cx: x, cy: y, r: at[2] });
    case "line":
      return tag("path", { class: cls, d: pathOf("M", x, y, "L", at[2], at[3]) });
    case "star":
      return tag("path", { class: cls, d: starPath(...at) });
    case "cell":
      return cell(cls, at, labelOf, keyOf);
    default:
      return tag("path", { class: cls, d: at[0] });
  }
}

export function spans(parts) {
  return parts.map(([cls, words]) => tag("tspan", { class: cls }, escape(words))).join("");
}

function cell(cls, [x, y, width, offset], labelOf, keyOf) {
  const [name, ...rest] = cls.split(" ");
  const dim = rest.includes("dim") ? " dim" : "";
  const wide = { x: x + 0.7, width: width - 1.4 };
  const box = tag("rect", { class: cls, ...wide, y: y + 0.8, height: 20.4, rx: 2.5 });
  const bar = { class: `commit${dim}`, ...wide, y: y + 18.2, height: 3, rx: 1 };
  const digits = tag("text", { class: `ct${dim}`, x: x + width / 2, y: y + 14.5 }, offset);
  const inner = box + digits + (name === "cell" ? tag("rect", bar) : "");
  if (!labelOf) return inner;
  const button = { class: "hit", role: "button", tabindex: "-1" };
  return tag("g", { ...button, "data-key": keyOf(offset), "aria-label": labelOf(offset) }, inner);
}
