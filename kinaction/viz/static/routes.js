// Routes: the right-angled way of a message. Data runs east, answers west, replication north-south.
// A route is {points, travel: [from, to] (px of it that a token uses), lanes: a name for each leg,
// starts, ends: whether it begins or ends at an actor; room: the widest token, in a gutter}.
import { busOf, doorsOf, windowOf } from "./stage.js";

const STOP = 10; // a token stops this far before a tape, so that it covers no digits

export function routesOf(view, flight) {
  return flight.tokens.map((token) => routeOf(view, flight, token)).filter(Boolean);
}

export function routeOf(view, flight, token) {
  const { layout } = view;
  if (layout.mode === "heat") return null;
  const from = layout.brokers.indexOf(flight.source);
  const to = layout.brokers.indexOf(flight.target);
  if (from >= 0 && to >= 0) return between(view, from, to, token);
  if (to >= 0) return intoRow(view, boxOf(view, flight.source), to, token);
  if (from >= 0) return outOfRow(view, boxOf(view, flight.target), from, token);
  return null;
}

function boxOf(view, node) {
  const actor = [...view.plan.left, ...view.plan.right].find((held) => held.nodes.includes(node));
  return actor && view.layout.boxes.find((box) => box.key === actor.key);
}

// From an actor along the street into a row, and down to its tape.
function intoRow(view, box, row, token) {
  if (!box) return null;
  const { layout } = view;
  const isLeft = box.x < layout.x0;
  const lane = layout.rows[row] + (isLeft ? layout.east : layout.west);
  const doors = doorsOf(layout, box);
  const door = isLeft ? doors[0] : doors[doors.length - 1];
  const points = [[isLeft ? box.x + box.width : box.x, door]];
  const lanes = [`door/${box.key}`];
  if (Math.abs(door - lane) > 0.5) {
    const bus = busOf(layout, box.x);
    points.push([bus, door], [bus, lane]);
    lanes.push(`bus/${isLeft ? "l" : "r"}`, `street/${row}/${isLeft ? "e" : "w"}`);
  } else lanes[0] = `street/${row}/${isLeft ? "e" : "w"}`;
  return finish(view, points, lanes, row, lane, token, isLeft ? layout.x0 + 4 : layout.x1 - 4);
}

function finish(view, points, lanes, row, lane, token, edge) {
  const x = anchor(view, token);
  if (x === null) {
    points.push([edge, lane]);
    return { ...route(points, lanes, 0, 0), starts: true };
  }
  const tape = view.layout.rows[row] + view.layout.tape - 1;
  points.push([x, lane], [x, tape]);
  lanes.push(`drop/${row}`);
  return { ...route(points, lanes, 0, Math.min(STOP, tape - lane)), starts: true };
}

// From a row's tape up to its street and out to an actor.
function outOfRow(view, box, row, token) {
  if (!box) return null;
  const { layout } = view;
  const isLeft = box.x < layout.x0;
  const lane = layout.rows[row] + (isLeft ? layout.west : layout.east);
  const doors = doorsOf(layout, box);
  const door = isLeft ? doors[doors.length - 1] : doors[0];
  const x = anchor(view, token);
  const points = [];
  const lanes = [];
  let before = 0;
  if (x === null) points.push([isLeft ? layout.x0 + 4 : layout.x1 - 4, lane]);
  else {
    const tape = layout.rows[row] + layout.tape - 1;
    points.push([x, tape], [x, lane]);
    lanes.push(`drop/${row}`);
    before = Math.min(STOP, tape - lane);
  }
  lanes.push(`street/${row}/${isLeft ? "w" : "e"}`);
  const end = isLeft ? box.x + box.width : box.x;
  if (Math.abs(door - lane) > 0.5) {
    const bus = busOf(layout, box.x);
    points.push([bus, lane], [bus, door]);
    lanes.push(`bus/${isLeft ? "l" : "r"}`, `door/${box.key}`);
  }
  points.push([end, door]);
  return { ...route(points, lanes, before, 0), ends: true };
}

// Between two rows: along the gutter of the column, or of the metadata log, or around the rows.
function between(view, from, to, token) {
  const { layout } = view;
  const slot =
    layout.slots.find((held) => held.key === token.key) ??
    layout.slots.find((held) => view.metadataKeys.has(held.key));
  const middle = layout.tape + layout.tape_height / 2;
  if (!slot || (slot.is_compact && !token.key)) return aroundRows(layout, from, to);
  const ends = [from, to].map((row) => tapeEnd(view, slot, row));
  const points = [
    [ends[0] + 3, layout.rows[from] + middle],
    [slot.gutter, layout.rows[from] + middle],
    [slot.gutter, layout.rows[to] + middle],
    [Math.max(ends[1] + 2, slot.tape), layout.rows[to] + middle],
  ];
  const lanes = [`in/${slot.key}`, `gutter/${slot.key}`, `in/${slot.key}`];
  const first = Math.abs(points[1][0] - points[0][0]);
  const last = Math.abs(points[3][0] - points[2][0]);
  const room = slot.x + slot.width - (slot.tape + slot.cells * slot.cell) - 1;
  return { ...route(points, lanes, first, last), room };
}

// Without a column for it: out of the row, along the bus on the left, and in again.
function aroundRows(layout, from, to) {
  const [start, goal] = [layout.rows[from] + layout.west, layout.rows[to] + layout.east];
  const [edge, bus] = [layout.x0 + 2, layout.left_bus];
  const points = [
    [edge, start],
    [bus, start],
    [bus, goal],
    [edge, goal],
  ];
  const side = Math.abs(edge - bus);
  return route(points, ["bus/l", "bus/l", "bus/l"], side, side);
}

function tapeEnd(view, slot, row) {
  const { layout, scene } = view;
  const column = scene[`col/${slot.key}`];
  const tape = scene[`tape/${slot.key}/${layout.brokers[row]}`];
  const lo = column ? windowOf(slot, column) : 0;
  const end = tape ? tape.end : lo;
  return slot.tape + Math.max(0, Math.min(slot.cells, end - lo)) * slot.cell;
}

// The middle of the cell that a token aims at; null where its column is not in view.
function anchor(view, token) {
  const slot = view.layout.slots.find((held) => held.key === token.key);
  if (!slot) return null;
  const column = view.scene[`col/${slot.key}`];
  if (!column) return slot.tape + slot.cell / 2;
  const offset = token.offset >= 0 ? token.offset : column.top;
  const at = Math.max(0, Math.min(slot.cells - 1, offset - windowOf(slot, column)));
  return slot.tape + (at + 0.5) * slot.cell;
}

function route(points, lanes, before, after) {
  let length = 0;
  for (let at = 1; at < points.length; at++) length += distance(points[at - 1], points[at]);
  return { points, lanes, length, travel: [before, Math.max(before, length - after)] };
}

function distance([ax, ay], [bx, by]) {
  return Math.abs(ax - bx) + Math.abs(ay - by);
}

// The place at `along` px: x, y, the leg, the direction of travel.
export function placeAt(way, along) {
  let left = Math.max(0, Math.min(way.length, along));
  for (let leg = 0; leg < way.points.length - 1; leg++) {
    const [ax, ay] = way.points[leg];
    const [bx, by] = way.points[leg + 1];
    const size = distance(way.points[leg], way.points[leg + 1]);
    if (left <= size || leg === way.points.length - 2) {
      const part = size ? left / size : 0;
      return { x: ax + (bx - ax) * part, y: ay + (by - ay) * part, leg };
    }
    left -= size;
  }
  return { x: way.points[0][0], y: way.points[0][1], leg: 0 };
}

// The part of a route between two distances, as points.
export function stretch(way, from, to) {
  const first = placeAt(way, from);
  const last = placeAt(way, to);
  const points = [[first.x, first.y]];
  for (let leg = first.leg + 1; leg <= last.leg; leg++) points.push(way.points[leg]);
  points.push([last.x, last.y]);
  return points;
}
