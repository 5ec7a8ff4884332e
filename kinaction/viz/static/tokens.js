// Tokens: the messages under way. Each kind has a shape; nobody overlaps: the later one queues
// behind, crowds lose their labels, and hundreds become lanes that flow.
import { escape, number, pathOf, tag } from "./marks.js";
import { isLost, progress } from "./film.js";
import { placeAt, routeOf, stretch } from "./routes.js";

export const CROWD = 26;
export const FLOW = 300;
const HEIGHT = 17;
const SMALL = 9;
const GAP = 3;
const TRAIL = 70;
const BACK = 4; // px a queueing token is moved back at a time

export function tokenWidth(measure, label) {
  return Math.max(17, measure.width(label, 11, 650) + 12);
}

// In a gutter there is room for one offset: the last one says how far the copy goes.
function labelThatFits(measure, label, room = Infinity) {
  for (const each of [label, label.slice(label.indexOf("–") + 1)])
    if (measure.width(each, 11, 650) + 2 <= room) return each;
  return "";
}

// The shape of a kind, centred on x, y.
export function outline(kind, x, y, width, height) {
  const [l, r, t, b] = [x - width / 2, x + width / 2, y - height / 2, y + height / 2];
  if (kind === "produce" || kind === "replicate") {
    const rx = kind === "produce" ? height / 2 : 2;
    return tag("rect", { class: "tok", x: l, y: t, width, height, rx });
  }
  return tag("path", { class: "tok", d: silhouette(kind, [l, r, t, b], y, height) });
}

function silhouette(kind, [l, r, t, b], y, height) {
  const p = height / 2.6;
  const c = height > 12 ? 4 : 2.5;
  if (kind === "ack")
    return pathOf("M", l, y, "L", l + p, t, "H", r - p, "L", r, y, "L", r - p, b, "H", l + p, "Z");
  if (kind === "consume")
    return pathOf("M", l, t, "H", r - p, "L", r, y, "L", r - p, b, "H", l, "Z");
  const upper = pathOf("M", l + c, t, "H", r - c, "L", r, t + c, "V", b - c);
  return upper + pathOf("L", r - c, b, "H", l + c, "L", l, b - c, "V", t + c, "Z");
}

// All tokens at a moment, placed so that none overlaps:
// [{flight, token, route, x, y, width, height, label, along, count}].
export function placeTokens(view, flights, nowMs, selected) {
  view.fan = fanOf(view.layout);
  const isCrowd = view.layout.mode === "compact" || flights.length > CROWD;
  const wanted = [];
  for (const flight of flights)
    for (const token of flight.tokens) {
      const route = routeOf(view, flight, token);
      if (!route) continue;
      const label =
        !isCrowd || flight.number === selected
          ? labelThatFits(view.measure, token.label, route.room)
          : "";
      const small = flight.kind === "ack" || flight.kind === "consume" ? SMALL * 1.5 : SMALL;
      const width = label
        ? Math.min(tokenWidth(view.measure, label), route.room ?? Infinity)
        : small;
      const from = route.travel[0] + (route.starts ? width / 2 : 0);
      const to = Math.max(from, route.travel[1] - (route.ends ? width / 2 + 1 : 0));
      const along = from + (to - from) * progress(flight, nowMs);
      const held = {
        flight,
        token,
        route,
        along,
        from,
        count: 1,
        isLost: isLost(flight, nowMs),
        full: { label, width },
        small,
      };
      wanted.push(moved(view, held, along));
    }
  wanted.sort(
    (one, other) =>
      other.isGutter - one.isGutter ||
      one.flight.sentMs - other.flight.sentMs ||
      one.flight.number - other.flight.number,
  );
  return settle(view, wanted);
}

// The token at a distance: between the boxes and the rows there is no room for words.
function moved(view, held, along) {
  const place = placeAt(held.route, along);
  const lane = held.route.lanes[place.leg] ?? "";
  const half = held.full.width / 2 + 1;
  const inFan =
    lane.startsWith("bus") ||
    lane.startsWith("door") ||
    (lane.startsWith("street") && (place.x - half < view.fan[0] || place.x + half > view.fan[1]));
  const label = inFan ? "" : held.full.label;
  return Object.assign(held, place, {
    along,
    label,
    width: label ? held.full.width : held.small,
    height: label ? HEIGHT : SMALL,
    isGutter: lane.startsWith("gutter"),
  });
}

// Between which x the streets are free of boxes.
export function fanOf(layout) {
  const left = layout.boxes.filter((box) => box.x < layout.x0).map((box) => box.x + box.width);
  const right = layout.boxes.filter((box) => box.x > layout.x0).map((box) => box.x);
  return [Math.max(0, ...left), Math.min(layout.width, ...right)];
}

function settle(view, wanted) {
  const placed = [];
  for (const token of wanted) {
    let along = token.along;
    let blocker = overlapped(placed, token);
    let steps = 0;
    while (blocker && along > token.from && steps++ < 24) {
      along = Math.max(token.from, along - BACK);
      moved(view, token, along);
      blocker = overlapped(placed, token);
    }
    if (!blocker) placed.push(token);
    else merge(view, placed, blocker, token);
  }
  return placed;
}

// No room at all: the token joins the one in its way, which then says how many it stands for.
function merge(view, placed, blocker, token) {
  const grown = { ...blocker, count: blocker.count + token.count };
  if (blocker.label) {
    grown.label = labelThatFits(view.measure, `×${grown.count}`, blocker.route.room);
    grown.width = Math.max(
      blocker.width,
      Math.min(tokenWidth(view.measure, grown.label), blocker.route.room ?? Infinity),
    );
    const others = placed.filter((held) => held !== blocker);
    if (overlapped(others, grown)) grown.width = blocker.width;
  }
  Object.assign(blocker, grown);
}

function overlapped(placed, token) {
  return placed.find(
    (held) =>
      Math.abs(held.x - token.x) < (held.width + token.width) / 2 + GAP &&
      Math.abs(held.y - token.y) < (held.height + token.height) / 2 + 1,
  );
}

function dataOf(points) {
  return "M" + points.map(([x, y]) => `${number(x)} ${number(y)}`).join("L");
}

function arrowhead([ux, uy], [x, y]) {
  const size = 4;
  const [dx, dy] =
    Math.abs(x - ux) > Math.abs(y - uy) ? [Math.sign(x - ux), 0] : [0, Math.sign(y - uy)];
  const [bx, by] = [x - dx * size * 1.5, y - dy * size * 1.5];
  const [px, py] = [dy * size, dx * size];
  const d = pathOf("M", x, y, "L", bx - px, by - py, "L", bx + px, by + py, "Z");
  return tag("path", { class: "tip", d });
}

function kindOf(flight) {
  return flight.kind === "error" ? "control error" : flight.kind;
}

// The lines under the tokens: dots ahead, a comet tail behind, an arrow head at the goal.
export function trailSvg(placed) {
  if (placed.length > 40) return "";
  return placed.map(trail).join("");
}

function trail({ flight, route, along, isLost: gone }) {
  const behind = dataOf(stretch(route, Math.max(0, along - TRAIL), along));
  const tail = tag("path", { class: "trail", d: behind });
  if (gone) return tag("g", { class: kindOf(flight) }, tail);
  const ahead = tag("path", { class: "ahead", d: dataOf(stretch(route, along, route.length)) });
  const [before, goal] = route.points.slice(-2);
  return tag("g", { class: kindOf(flight) }, ahead + tail + arrowhead(before, goal));
}

export function tokenSvg(placed, selected) {
  return placed.map((held) => oneToken(held, selected)).join("");
}

function oneToken(held, selected) {
  const { flight, token, x, y, width, height, count, isLost: gone } = held;
  const words = count > 1 ? `${count} messages, first: ${flight.words}` : flight.words;
  const about = {
    class: ["token", kindOf(flight), flight.number === selected && "chosen", gone && "gone"]
      .filter(Boolean)
      .join(" "),
    role: "button",
    tabindex: "-1",
    "data-key": `message:${flight.number}`,
    "data-part": token.key,
    "aria-label": gone ? `${words}, lost` : words,
  };
  const kind = flight.kind === "error" ? "control" : flight.kind;
  const shape = gone
    ? tag("circle", { class: "tok", cx: x, cy: y, r: 8 })
    : outline(kind, x, y, width, height);
  return tag("g", about, tag("title", {}, escape(words)) + shape + tokenText(held));
}

function tokenText({ x, y, width, label, count, isLost: gone }) {
  const cross = pathOf("M", x - 5, y - 5, "l", 10, 10, "m", 0, -10, "l", -10, 10);
  if (gone) return tag("path", { class: "cross", d: cross });
  if (label) return tag("text", { class: "toktext", x, y: y + 4 }, escape(label));
  if (count < 2) return "";
  return tag("text", { class: "m end halo", x: x - width / 2 - 2, y: y + 4 }, `×${count}`);
}

// Hundreds in flight: a lane becomes a band, as wide as it is busy.
export function flowSvg(view, flights, keep) {
  const bands = new Map();
  for (const flight of flights) {
    if (keep.has(flight.number)) continue;
    const token = flight.tokens[0];
    const route = routeOf(view, flight, token);
    if (!route) continue;
    const name = `${flight.kind}/${flight.source}/${flight.target}/${token.key}`;
    const band = bands.get(name) ?? { flight, route, count: 0 };
    band.count += 1;
    bands.set(name, band);
  }
  return [...bands.values()].map(bandSvg).join("");
}

function bandSvg({ flight, route, count }) {
  const style = `stroke-width:${number(Math.min(12, 2 + 2 * Math.log2(count)))}px`;
  const d = dataOf(stretch(route, ...route.travel));
  const title = tag("title", {}, escape(`${count} × ${flight.words}`));
  return tag("g", { class: kindOf(flight) }, title + tag("path", { class: "flow", style, d }));
}

// Who keeps a token when lanes flow: the selected, the lost and the oldest.
export function keptOf(flights, nowMs, selected) {
  const kept = new Set(
    flights
      .filter((flight) => flight.number === selected || isLost(flight, nowMs))
      .map((flight) => flight.number),
  );
  if (flights.length) kept.add(flights[0].number);
  return kept;
}
