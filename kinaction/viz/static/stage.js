// The stage: from a scene and a layout to marks, the very ones of stage.py.
import { BOLD, REGULAR, pathOf } from "./marks.js";
import { compactTapeMarks, tapeMarks } from "./tape.js";

const ABSENT = { duties: [], status: "absent", since: 0 };
const SHORT_DUTY = { controller: "control", coordinator: "group" };

export function frameMarks(layout) {
  if (layout.mode === "heat" || layout.is_still || !layout.rows.length) return [];
  const marks = [];
  const top = layout.rows[0];
  const bottom = layout.rows[layout.rows.length - 1];
  const lanes = [...new Set([layout.east, layout.west])].sort((one, other) => one - other);
  const sides = [...new Set(layout.boxes.map((box) => box.x))].sort((one, other) => one - other);
  for (const x of sides) {
    const bus = busOf(layout, x);
    const edge = x < layout.x0 ? layout.x0 : layout.x1;
    marks.push(["line", "lane", bus, top + layout.east, bus, bottom + layout.west]);
    for (const row of layout.rows)
      for (const lane of lanes) marks.push(["line", "lane", bus, row + lane, edge, row + lane]);
  }
  for (const box of layout.boxes) {
    const edge = box.x < layout.x0 ? box.x + box.width : box.x;
    for (const door of doorsOf(layout, box))
      marks.push(["line", "lane", edge, door, busOf(layout, box.x), door]);
  }
  return marks;
}

export function busOf(layout, x) {
  return x < layout.x0 ? layout.left_bus : layout.right_bus;
}

export function doorsOf(layout, box) {
  if (box.height >= layout.west + 8) return [box.y + layout.east, box.y + layout.west];
  return [box.y + box.height / 2];
}

export function rowMarks(layout, scene, at) {
  const broker = layout.brokers[at];
  const y = layout.rows[at];
  const row = scene[`row/${broker}`] ?? ABSENT;
  const gone = row.status === "offline" || row.status === "absent";
  const panel = row.status === "offline" ? "panel dead" : "panel";
  const marks = [["rect", panel, layout.x0, y, layout.x1 - layout.x0, layout.row_height, 8]];
  if (!gone && !layout.is_still)
    for (const lane of [...new Set([layout.east, layout.west])].sort((one, other) => one - other))
      marks.push(["line", "lane", layout.x0, y + lane, layout.x1, y + lane]);
  if (row.status === "offline" && !layout.is_still)
    for (const x of deadDoors(layout))
      marks.push([
        "path",
        "cross",
        pathOf("M", x - 5, y + layout.east - 5, "l", 10, 10, "m", 0, -10, "l", -10, 10),
      ]);
  return marks.concat(header(layout, row, broker, y));
}

function deadDoors(layout) {
  const isLeft = layout.boxes.some((box) => box.x < layout.x0);
  const isRight = layout.boxes.some((box) => box.x > layout.x0);
  return [...(isLeft ? [layout.x0] : []), ...(isRight ? [layout.x1] : [])];
}

function header(layout, row, broker, y) {
  const x = layout.x0 + (layout.is_narrow ? 6 : 8);
  const name = layout.is_narrow ? `b${broker}` : `broker ${broker}`;
  const gone = row.status === "offline" || row.status === "absent";
  const base = layout.row_height >= 60 ? y + layout.tape + 8 : y + 17;
  const marks = [["text", gone ? "t13 b m" : "t13 b", x, base, name]];
  if (row.status !== "running") {
    const words = row.status === "absent" ? "not yet" : row.status;
    if (!layout.is_narrow || layout.row_height >= 60)
      marks.push([
        "text",
        row.status === "offline" ? "err b" : "m",
        x,
        base + (layout.row_height >= 60 ? 16 : 13),
        words,
      ]);
    return marks;
  }
  const most = layout.row_height < 60 ? 1 : 2;
  const first = layout.row_height < 60 ? 13 : 16;
  row.duties.slice(0, most).forEach((duty, line) => {
    const cls = duty === "cut off" ? "err b" : "m";
    const words = layout.is_narrow ? (SHORT_DUTY[duty] ?? duty) : duty;
    marks.push(["text", cls, x, base + first + 14 * line, words]);
  });
  return marks;
}

// `view` is {layout, scene, titles, measure, leadersOnly}
export function columnMarks(view, slot, selected = -1) {
  const { layout, scene } = view;
  let column = scene[`col/${slot.key}`];
  const marks = head(view, slot, column);
  if (!column) return { head: marks, tapes: [] };
  let tapes = layout.brokers.map((broker) => scene[`tape/${slot.key}/${broker}`] ?? null);
  if (view.leadersOnly) {
    tapes = tapes.map((tape) =>
      tape && ["leader", "was", "elected"].includes(tape.mark) ? tape : null,
    );
    column = { ...column, isr: [] };
  }
  marks.push(...rail(layout, slot, column, tapes));
  const lo = windowOf(slot, column);
  const placed = (row) => ({
    layout,
    slot,
    column,
    row,
    lo,
    measure: view.measure,
    y: row + layout.tape,
    end: slot.tape + slot.cells * slot.cell,
    x: (offset) => slot.tape + (offset - lo) * slot.cell,
  });
  if (slot.is_compact)
    return {
      head: marks,
      tapes: tapes.map((tape, at) => compactTapeMarks(placed(layout.rows[at]), tape)),
    };
  marks.push(...highWatermark(layout, slot, column, tapes, lo));
  const names = scene[`read/${slot.key}`] ?? [];
  return {
    head: marks,
    tapes: tapes.map((tape, at) =>
      tape ? tapeMarks(placed(layout.rows[at]), tape, names, selected) : [],
    ),
  };
}

export function windowOf(slot, column) {
  return Math.max(0, Math.min(column.top + 1 - slot.cells, column.hw - 1));
}

function head(view, slot, column) {
  const room = slot.width - 8;
  const marks = [
    ["text", "t13 b", slot.x + 4, 16, view.measure.fitted(view.titles[slot.key], room, 13, BOLD)],
  ];
  if (column) {
    const weight = column.bad ? BOLD : REGULAR;
    const forms = [column.text, column.short, column.tiny].slice(view.layout.is_narrow ? 1 : 0);
    const words =
      forms.find((form) => view.measure.width(form, 11, weight) <= room) ??
      view.measure.fitted(column.tiny, room, 11, weight);
    marks.push(["text", column.bad ? "err b" : "m", slot.x + 4, 31, words]);
  }
  return marks;
}

function rail(layout, slot, column, tapes) {
  const members = layout.brokers
    .map((_, at) => at)
    .filter((at) => column.isr.includes(layout.brokers[at]) && tapes[at]);
  const marks = [];
  const middle = layout.tape + layout.tape_height / 2;
  if (members.length > 1) {
    const last = members[members.length - 1];
    const parts = ["M", slot.rail, layout.rows[members[0]] + middle];
    for (let at = members[0] + 1; at < last; at++) {
      if (members.includes(at) || !tapes[at]) continue;
      const y = layout.rows[at] + middle;
      parts.push("V", y - 20, "l", -4, 8, "V", y + 12, "l", 4, 8);
    }
    marks.push(["path", "rail", pathOf(...parts, "V", layout.rows[last] + middle)]);
  }
  tapes.forEach((tape, at) => {
    if (tape)
      marks.push(
        ...railMark(
          slot.rail,
          layout.rows[at] + middle,
          tape,
          column.isr.includes(layout.brokers[at]),
          slot.is_compact,
        ),
      );
  });
  return marks;
}

function railMark(x, y, tape, isIn, isSmall) {
  if (tape.mark === "leader") return [["star", "lead", x, y, isSmall ? 7 : 8.5]];
  if (tape.mark === "elected")
    return [
      ["circle", "elect", x, y, isSmall ? 8 : 10],
      ["star", "erf", x, y, isSmall ? 5 : 6.5],
    ];
  const ring = tape.dead && isIn ? [["circle", "elect", x, y, 8]] : [];
  if (tape.mark === "was") return [...ring, ["star", "exlead", isIn ? x : x + 3, y, 6]];
  if (isIn) return [...ring, ["circle", "isr", x, y, 4.5]];
  return [["circle", "out", x + 3, y, 4]];
}

function highWatermark(layout, slot, column, tapes, lo) {
  const hosts = tapes.map((_, at) => at).filter((at) => tapes[at]);
  const x = slot.tape + (column.hw - lo) * slot.cell;
  const marks = [];
  if (!hosts.length) return marks;
  for (let at = hosts[0]; at <= hosts[hosts.length - 1]; at++) {
    const y = layout.rows[at] + layout.tape;
    const top = at > hosts[0] ? layout.rows[at - 1] + layout.tape + 41 : y - 2;
    marks.push(["line", "hwthin", x, top, x, y + 24]);
  }
  return marks;
}

export function actorMarks(view, actor, box, nowMs) {
  const { layout, scene, measure } = view;
  const seen = scene[`actor/${box.key}`] ?? { status: "absent", lines: [] };
  const marks = [
    [
      "rect",
      seen.status === "offline" ? "actor dead" : "actor",
      box.x,
      box.y,
      box.width,
      box.height,
      8,
    ],
  ];
  if (layout.is_narrow)
    return [
      ...marks,
      [
        "text",
        "t13 b mid",
        box.x + box.width / 2,
        box.y + Math.min(box.height / 2 + 5, 22),
        actor.short,
      ],
    ];
  marks.push([
    "text",
    "t12 b",
    box.x + 8,
    box.y + Math.min(20, box.height / 2 + 4),
    measure.fitted(actor.name, box.width - 9, 12, BOLD),
  ]);
  const lines = seen.lines.filter((line) => !line[2] || nowMs - line[2] >= 500);
  lines.every(([words, style, since], at) => {
    const y = box.y + 38 + 16 * at;
    if (y > box.y + box.height - 5) return false;
    const weight = style.split(" ").includes("b") ? BOLD : REGULAR;
    marks.push([
      "text",
      style,
      box.x + 8,
      y,
      measure.fitted(words.replaceAll("{t}", seconds(nowMs - since)), box.width - 9, 11, weight),
    ]);
    return true;
  });
  return marks;
}

export function seconds(ms) {
  const whole = Math.floor(ms);
  return whole >= 1000
    ? `${Math.floor(whole / 1000)}.${Math.floor((whole % 1000) / 100)} s`
    : `${whole} ms`;
}

export function groupMarks(view) {
  const { layout, scene } = view;
  const group = scene.group;
  const boxes = layout.boxes.filter((box) => box.x > layout.x1);
  if (!group || !boxes.length || boxes.length > 2 || layout.brokers.length < 3) return [];
  const { x, width } = boxes[0];
  const top = boxes[0].y + boxes[0].height;
  const isPair = boxes.length === 2;
  const bottom = isPair ? boxes[1].y : layout.rows[layout.rows.length - 1] + layout.row_height;
  const middle = x + width / 2;
  if (layout.is_narrow) return isPair ? [["line", "group", middle, top, middle, bottom]] : [];
  const lines = groupLines(view.measure, group, width + 2, layout.is_still);
  const height = 15 * lines.length;
  if (bottom - top < height + 8) return [];
  const start = isPair ? (top + bottom - height) / 2 : top + 14;
  const marks = [["line", "group", middle, top, middle, start - 4]];
  if (isPair) marks.push(["line", "group", middle, start + height + 4, middle, bottom]);
  return marks.concat(
    lines.map(([style, words], at) => ["text", style, x + 6, start + 11 + 15 * at, words]),
  );
}

function groupLines(measure, group, room, isStill) {
  const lines = [["m", "group"]];
  const name = group[0];
  const first = measure.fitted(name, room, 11, BOLD);
  if (first !== name) {
    const marks = ["_", "-", ".", " "].map((mark) =>
      first.length > 1 ? name.slice(0, first.length - 1).lastIndexOf(mark) : -1,
    );
    const cut = Math.max(...marks) + 1 || first.length - 1;
    lines.push(["b", name.slice(0, cut)], ["b", measure.fitted(name.slice(cut), room, 11, BOLD)]);
  } else lines.push(["b", name]);
  if (group.length > 1 && !isStill)
    lines.push(["m", measure.fitted(group.slice(1).join(", "), room)]);
  return lines;
}
