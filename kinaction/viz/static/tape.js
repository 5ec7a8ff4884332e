// One replica's log as a tape: the very marks of tape.py.
import { BOLD, REGULAR, pathOf } from "./marks.js";

export function tapeMarks(place, tape, readers, selected) {
  const { slot, y } = place;
  const marks = [["line", "base", slot.tape, y + 22.5, place.end, y + 22.5]];
  const dim = tape.dead ? " dim" : "";
  for (
    let offset = Math.max(place.lo, tape.start);
    offset < Math.min(tape.end, place.lo + slot.cells);
    offset++
  )
    marks.push(["cell", classOf(offset, tape) + dim, place.x(offset), y, slot.cell, offset]);
  if (place.lo <= tape.end && tape.end <= place.lo + slot.cells)
    marks.push([
      "path",
      "leo" + dim,
      pathOf("M", place.x(tape.end) - 3, y - 2, "h", 3.5, "v", 26, "h", -3.5),
    ]);
  const isLeader = tape.mark === "leader";
  if (
    !isLeader &&
    !tape.dead &&
    !place.layout.is_still &&
    place.lo <= tape.hw &&
    tape.hw < place.column.hw
  ) {
    const x = place.x(tape.hw);
    marks.push(["line", "hwold", x, y - 2, x, y + 24]);
  }
  if (place.lo <= selected && selected < place.lo + slot.cells) {
    const cls = tape.start <= selected && selected < tape.end ? "sel" : "ghost";
    marks.push(["rect", cls, place.x(selected) - 0.5, y - 0.5, slot.cell + 1, 23, 3]);
  }
  return marks.concat(isLeader ? underLeader(place, readers) : under(place, tape));
}

function classOf(offset, tape) {
  if (tape.only[0] <= offset && offset < tape.only[1]) return "only";
  return offset < tape.hw ? "cell" : "open";
}

function under(place, tape) {
  const weight = tape.bad ? BOLD : REGULAR;
  const room = place.end - place.slot.tape + 3;
  const { short } = tape;
  const isBehind = short.endsWith(" behind");
  const forms = [tape.text, short].slice(place.layout.is_narrow ? 1 : 0);
  forms.push(
    isBehind
      ? `−${short.slice(0, -" behind".length)}`
      : place.measure.fitted(short, room, 11, weight),
  );
  const words = forms.find((form) => place.measure.width(form, 11, weight) <= room) ?? "";
  const cls = tape.bad ? "err b" : "m";
  return words ? [["text", cls, place.slot.tape - 2, place.y + 36, words]] : [];
}

function underLeader(place, readers) {
  const { y, slot, measure } = place;
  const hw = place.column.hw;
  const x = place.x(hw);
  const limit = place.layout.is_still ? slot.x + slot.width - 2 : place.end;
  const marks = [["line", "hw", x, y - 3, x, y + 39]];
  const [atHw, others] = readersInView(place, readers);
  const taken = [[x - 1, x + 1]];
  const width = measure.width(`HW ${hw}`, 11, BOLD);
  if (x + 4 + width <= limit) {
    marks.push(["text", "b", x + 4, y + 36, `HW ${hw}`]);
    taken.push([x + 1, x + 7 + width]);
    return marks.concat(readerMarks(place, atHw.concat(others), taken, limit));
  }
  marks.push(...readerMarks(place, atHw, taken, limit));
  marks.push(...labelLeft(place, taken, limit));
  return marks.concat(readerMarks(place, others, taken, limit));
}

// The high watermark's label on the other side; only its number where that is all that fits.
function labelLeft(place, taken, limit) {
  const { hw } = place.column;
  const right = Math.min(...taken.map((span) => span[0])) - 3;
  let width = 0;
  for (const label of [`HW ${hw}`, String(hw)]) {
    width = place.measure.width(label, 11, BOLD);
    if (right - width < place.slot.tape - 2) continue;
    taken.push([right - width - 3, right + 3]);
    return [["text", "b end", right, place.y + 36, label]];
  }
  const x = place.x(hw) + 4;
  if (x + width > limit || taken.length > 2) return [];
  taken.push([x - 3, x + width + 3]);
  return [["text", "b", x, place.y + 36, String(hw)]];
}

function readersInView(place, readers) {
  const names = new Map();
  for (const [name, offset] of readers)
    if (place.lo <= offset && offset <= place.lo + place.slot.cells)
      names.set(offset, [...(names.get(offset) ?? []), name]);
  const found = [...names.keys()]
    .sort((one, other) => other - one)
    .map((offset) => [offset, names.get(offset).join(",")]);
  const hw = place.column.hw;
  return [found.filter(([offset]) => offset === hw), found.filter(([offset]) => offset !== hw)];
}

function readerMarks(place, found, taken, limit) {
  return found.flatMap(([offset, name]) => reader(place, offset, name, taken, limit));
}

function reader(place, offset, name, taken, limit) {
  const x = place.x(offset);
  const y = place.y + 24;
  const width = place.measure.width(name, 11, BOLD);
  for (const isLeft of [true, false]) {
    const span = isLeft ? [x - 15 - width, x - 1] : [x + 1, x + 15 + width];
    if (span[0] < place.slot.tape - 4 || span[1] > limit || meets(span, taken)) continue;
    taken.push(span);
    return isLeft
      ? [
          ["path", "reader", pathOf("M", x - 1.5, y + 1, "v", 9, "h", -9, "z")],
          ["text", "rd b end", x - 12, y + 12, name],
        ]
      : [
          ["path", "reader", pathOf("M", x + 1.5, y + 1, "v", 9, "h", 9, "z")],
          ["text", "rd b", x + 13, y + 12, name],
        ];
  }
  const side = x - 8 >= place.slot.tape ? -1 : 1;
  const corner = pathOf("M", x + 1.5 * side, y + 1, "v", 6, "h", 6 * side, "z");
  const span = side < 0 ? [x - 8, x - 1] : [x + 1, x + 8];
  return meets(span, taken) ? [] : [["path", "reader", corner]];
}

function meets(span, taken) {
  return taken.some((other) => span[0] < other[1] && other[0] < span[1]);
}

export function compactTapeMarks(place, tape) {
  if (!tape) return [];
  const { slot, layout } = place;
  const y = place.row + layout.tape + (layout.tape_height - 14) / 2;
  const end = place.lo + slot.cells;
  const dim = tape.dead ? " dim" : "";
  const marks = [["line", "base", slot.tape, y + 13.5, place.end, y + 13.5]];
  const only = tape.only[1] > tape.only[0] ? tape.only : [tape.end, tape.end];
  const committed = Math.min(tape.hw, only[0]);
  for (const [cls, first, last] of [
    ["cell", tape.start, committed],
    ["open", committed, only[0]],
    ["only", only[0], only[1]],
  ]) {
    const left = Math.max(first, place.lo);
    const right = Math.min(last, end);
    if (right <= left) continue;
    const width = (right - left) * slot.cell;
    marks.push(["rect", cls + dim, place.x(left), y + 1, width, 12, 2]);
    if (cls === "cell") marks.push(["rect", "commit" + dim, place.x(left), y + 10, width, 3, 1]);
  }
  if (place.lo <= place.column.hw && place.column.hw <= end) {
    const x = place.x(place.column.hw);
    marks.push(["line", tape.mark === "leader" ? "hw" : "hwthin", x, y - 1, x, y + 15]);
  }
  if (place.lo <= tape.end && tape.end <= end)
    marks.push([
      "path",
      "leo" + dim,
      pathOf("M", place.x(tape.end) - 2, y - 1, "h", 2.5, "v", 16, "h", -2.5),
    ]);
  return marks;
}
