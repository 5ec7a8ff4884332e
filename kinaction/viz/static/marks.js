// Marks: the shapes that marks.py writes too, and how they become live SVG.
// ["rect", cls, x, y, w, h, rx] ["line", cls, x1, y1, x2, y2] ["path", cls, d] ["circle", cls, cx, cy, r]
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
    points.push(at ? "L" : "M", x + reach * Math.sin((Math.PI * at) / 5), y - reach * Math.cos((Math.PI * at) / 5));
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
  return String(text).replace(/[&<>"]/g, (found) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[found]);
}

// `labelOf(offset)` names a cell for a screen reader; `keyOf(offset)` is what selects it.
export function toSvg(marks, labelOf = null, keyOf = null) {
  return marks.map((mark) => element(mark, labelOf, keyOf)).join("");
}

function element([kind, cls, ...at], labelOf, keyOf) {
  switch (kind) {
    case "text":
      return `<text class="${cls}" x="${number(at[0])}" y="${number(at[1])}">${escape(at[2])}</text>`;
    case "spans":
      return `<text class="${cls}" x="${number(at[0])}" y="${number(at[1])}">${at[2].map(([own, words]) => `<tspan class="${own}">${escape(words)}</tspan>`).join("")}</text>`;
    case "rect":
      return `<rect class="${cls}" x="${number(at[0])}" y="${number(at[1])}" width="${number(at[2])}" height="${number(at[3])}" rx="${at[4]}"/>`;
    case "circle":
      return `<circle class="${cls}" cx="${number(at[0])}" cy="${number(at[1])}" r="${at[2]}"/>`;
    case "line":
      return `<path class="${cls}" d="${pathOf("M", at[0], at[1], "L", at[2], at[3])}"/>`;
    case "star":
      return `<path class="${cls}" d="${starPath(...at)}"/>`;
    case "cell":
      return cell(cls, at, labelOf, keyOf);
    default:
      return `<path class="${cls}" d="${at[0]}"/>`;
  }
}

function cell(cls, [x, y, width, offset], labelOf, keyOf) {
  const names = cls.split(" ");
  const dim = names.includes("dim") ? " dim" : "";
  const box = `<rect class="${cls}" x="${number(x + 0.75)}" y="${number(y + 0.75)}" width="${number(width - 1.5)}" height="20.5" rx="2.5"/>`;
  const bar = names[0] === "cell" ? `<rect class="commit${dim}" x="${number(x + 0.75)}" y="${number(y + 18.25)}" width="${number(width - 1.5)}" height="3" rx="1"/>` : "";
  const digits = `<text class="ct${dim}" x="${number(x + width / 2)}" y="${number(y + 14.5)}">${offset}</text>`;
  if (!labelOf) return box + digits + bar;
  return `<g class="hit" role="button" tabindex="-1" data-key="${keyOf(offset)}" aria-label="${escape(labelOf(offset))}">${box}${digits}${bar}</g>`;
}
