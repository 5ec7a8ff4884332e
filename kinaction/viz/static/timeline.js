// The timeline: how much happens when, what happened, how each partition did; and the playhead.
import { BOLD, REGULAR, escape, pathOf, spans, tag } from "./marks.js";

const BIN = 4;
const BASE = 44;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 30000, 60000];
const MOST_STRIPS = 4;
const BIGGEST = 26;

export class Timeline {
  constructor(film, measure, titles, name) {
    this.film = film;
    this.measure = measure;
    this.titles = titles;
    this.name = name; // unique on the page: for the clip
  }

  resize(width, isNarrow) {
    this.width = width;
    this.isNarrow = isNarrow;
    this.strips = strips(this.film);
    const names = this.strips.map(({ key, words }) =>
      this.measure.fitted(words ?? this.titles[key], 150),
    );
    this.left = Math.max(16, ...names.map((words) => this.measure.width(words) + 10));
    this.right = width - 8;
    this.names = names;
    this.height = 49 + 13 * this.strips.length + 14;
  }

  x(ms) {
    const { startMs, endMs } = this.film;
    return this.left + ((this.right - this.left) * (ms - startMs)) / Math.max(1, endMs - startMs);
  }

  msAt(x) {
    const { startMs, endMs } = this.film;
    return (
      startMs +
      Math.max(0, Math.min(1, (x - this.left) / (this.right - this.left))) * (endMs - startMs)
    );
  }

  svg() {
    const bars = this.bars();
    const wide = { x: this.left, width: this.right - this.left };
    const ahead = this.strips.map((_, at) =>
      tag("rect", { class: "sahead", ...wide, y: 50 + 13 * at, height: 4 }),
    );
    const blank = { class: "blank", ...wide, y: 48, height: 13 * this.strips.length };
    const strips = this.strips.map((strip, at) => this.strip(strip, 49 + 13 * at));
    const past = tag("path", { class: "dens", d: bars }) + strips.join("");
    const names = this.names.map((words, at) =>
      tag("text", { class: "m end", x: this.left - 6, y: 56 + 13 * at }, escape(words)),
    );
    return [
      this.clip(),
      tag("path", { class: "densahead", d: bars }),
      ...ahead,
      tag("g", { "clip-path": `url(#${this.name}-past)` }, tag("rect", blank) + past),
      ...names,
      this.axis(),
      this.ticks(),
      this.playhead(),
    ].join("");
  }

  clip() {
    const rect = tag("rect", { class: "past", x: 0, y: 0, width: 0, height: this.height });
    return tag("clipPath", { id: `${this.name}-past` }, rect);
  }

  playhead() {
    const line = tag("path", { d: `M0 19V${this.height - 15}` });
    const knob = tag("path", { class: "knob", d: "M-6 17.5h12v6l-6 6l-6-6z" });
    return tag("g", { class: "playhead" }, line + knob);
  }

  bars() {
    const count = Math.max(1, Math.floor((this.right - this.left) / BIN));
    const bins = new Array(count).fill(0);
    for (const step of this.film.steps)
      bins[Math.min(count - 1, Math.floor((this.x(step.atMs) - this.left) / BIN))] += 1;
    const most = Math.max(1, ...bins);
    return bins
      .map((held, at) => {
        if (!held) return "";
        const height = Math.max(1.5, BIGGEST * Math.sqrt(held / most));
        return pathOf("M", this.left + BIN * at, BASE, "v", -height, "h", 3, "v", height, "z");
      })
      .join("");
  }

  strip({ spans }, y) {
    return spans.map((span) => this.span(span, y)).join("");
  }

  span([from, to, kind], y) {
    const [x, right] = [this.x(from), this.x(to)];
    if (kind === "none") {
      const d = pathOf("M", x + 2, y + 3, "H", Math.max(right, x + 3));
      return tag("path", { class: "snone", d });
    }
    const height = kind === "ok" ? 6 : 3;
    const width = Math.max(1, right - x);
    return tag("rect", { class: `s${kind}`, x, y: y + (6 - height) / 2, width, height });
  }

  axis() {
    const { startMs, endMs } = this.film;
    const span = Math.max(1, endMs - startMs);
    const most = Math.max(2, Math.floor((this.right - this.left) / (this.isNarrow ? 80 : 64)));
    let step = STEPS.find((each) => span / each <= most) ?? 60000;
    while (span / step > most) step *= 2;
    const y = this.height - 3;
    let made = "";
    for (let at = Math.ceil(startMs / step) * step; at <= endMs; at += step) {
      const words = step >= 100 ? `${Number((at / 1000).toFixed(1))} s` : `${at} ms`;
      const half = this.measure.width(words) / 2;
      const x = this.x(at);
      const cls = x + half > this.right ? "m end" : x - half < this.left - 8 ? "m" : "m mid";
      made += tag("text", { class: cls, x, y }, words);
    }
    return made;
  }

  // Marks of the events; those within 6 px are one; words where they fit, what matters most first.
  ticks() {
    const groups = [];
    for (const [atMs, , label, isBad, rank] of this.film.data.ticks) {
      const x = this.x(atMs);
      const near = groups.find((group) => Math.abs(group.x - x) < 6);
      if (near) {
        near.count += 1;
        if (rank < near.rank || (rank === near.rank && isBad && !near.isBad))
          Object.assign(near, { label, isBad, rank });
      } else groups.push({ x, label, isBad, rank, count: 1 });
    }
    const taken = [];
    const labels = [...groups]
      .sort((one, other) => one.rank - other.rank || one.x - other.x)
      .filter((group) => {
        const words =
          group.count > 1 && group.rank > 1 ? `${group.label} ×${group.count}` : group.label;
        const width = this.measure.width(words, 11, BOLD);
        for (const isRight of [true, false]) {
          const span = isRight
            ? [group.x - 6, group.x + 9 + width]
            : [group.x - 9 - width, group.x + 6];
          if (
            span[0] < 0 ||
            span[1] > this.width ||
            taken.some((held) => span[0] < held[1] + 8 && held[0] - 8 < span[1])
          )
            continue;
          taken.push(span);
          Object.assign(group, { words, isRight });
          return true;
        }
        return false;
      });
    return (
      groups.map((group) => tick(group, labels.includes(group), this.height)).join("") +
      (this.isNarrow ? "" : this.trouble(taken))
    );
  }

  // The longest trouble in words, as near to its time as the ticks' words allow.
  trouble(taken) {
    const words = this.film.data.trouble;
    const sizes = words.map(([cls, part]) => {
      const weight = cls.split(" ").includes("b") ? BOLD : REGULAR;
      return this.measure.width(part, 11, weight);
    });
    const half = sizes.reduce((sum, size) => sum + size, 0) / 2 + 8;
    const middle = this.x(this.film.data.trouble_ms);
    const off = ([left, right]) => Math.abs(left + right - 2 * middle);
    const gaps = gapsOf(taken, this.left, this.right)
      .filter(([left, right]) => right - left >= 2 * half)
      .sort((one, other) => off(one) - off(other));
    if (!words.length || !gaps.length) return "";
    const x = Math.min(Math.max(middle, gaps[0][0] + half), gaps[0][1] - half);
    return tag("text", { class: "mid", x, y: 14 }, spans(words));
  }
}

function gapsOf(taken, left, right) {
  const sorted = [...taken].sort((one, other) => one[0] - other[0]);
  const edges = [[left, left], ...sorted, [right, right]];
  return edges.slice(1).map((edge, at) => [edges[at][1], edge[0]]);
}

function tick({ x, isBad, words, isRight, rank }, hasWords, height) {
  const cross = pathOf("M", x - 4, 6, "l", 8, 8, "m", 0, -8, "l", -8, 8);
  const corner = pathOf("M", x - 3.5, 6, "h", 7, "l", -3.5, 7, "z");
  const glyph = tag("path", isBad ? { class: "cross", d: cross } : { class: "isr", d: corner });
  const d = pathOf("M", x, 16, "V", height - 15);
  const line = rank === 0 ? tag("path", { class: isBad ? "tickbad" : "tickline", d }) : "";
  if (!hasWords) return line + glyph;
  const cls = `${isBad ? "err " : ""}b${isRight ? "" : " end"}`;
  const place = { class: cls, x: isRight ? x + 9 : x - 9, y: 14 };
  return line + glyph + tag("text", place, escape(words));
}

// At most four strips: the three worst and how many others; the others as one where they are fine.
function strips(film) {
  const all = Object.entries(film.data.spans).map(([key, spans]) => ({ key, spans }));
  if (all.length <= MOST_STRIPS) return all;
  const trouble = ({ spans }) =>
    spans.reduce((sum, [from, to, kind]) => sum + (kind === "ok" ? 0 : to - from), 0);
  const worst = [...all].sort((one, other) => trouble(other) - trouble(one));
  const rest = worst.slice(3);
  const others = { key: "", words: `${rest.length} others`, spans: merged(rest) };
  return [...all.filter((strip) => worst.indexOf(strip) < 3), others];
}

const WORSE = ["ok", "wait", "none"];

// Several strips as one: at each moment as bad as the worst of them.
function merged(strips) {
  const all = strips.flatMap(({ spans }) => spans);
  const edges = [...new Set(all.flatMap(([from, to]) => [from, to]))].sort((a, b) => a - b);
  return edges.slice(1).map((to, at) => {
    const held = all.filter((span) => span[0] < to && span[1] > edges[at]);
    const kinds = held.map(([, , kind]) => WORSE.indexOf(kind));
    return [edges[at], to, WORSE[Math.max(0, ...kinds)]];
  });
}
