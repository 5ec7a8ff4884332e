// The timeline: how much happens when, what happened, how each partition did; and the playhead.
import { BOLD, escape, number, pathOf } from "./marks.js";

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
    const names = this.strips.map(({ key, words }) => this.measure.fitted(words ?? this.titles[key], 150));
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
    return startMs + (Math.max(0, Math.min(1, (x - this.left) / (this.right - this.left))) * (endMs - startMs));
  }

  svg() {
    const bars = this.bars();
    return `<clipPath id="${this.name}-past"><rect class="past" x="0" y="0" width="0" height="${this.height}"/></clipPath>`
      + `<path class="densahead" d="${bars}"/>` + this.strips.map((_, at) => `<rect class="sahead" x="${number(this.left)}" y="${50 + 13 * at}" width="${number(this.right - this.left)}" height="4"/>`).join("")
      + `<g clip-path="url(#${this.name}-past)"><rect class="blank" x="${number(this.left)}" y="48" width="${number(this.right - this.left)}" height="${13 * this.strips.length}"/><path class="dens" d="${bars}"/>${this.strips.map((strip, at) => this.strip(strip, 49 + 13 * at)).join("")}</g>`
      + this.names.map((words, at) => `<text class="m end" x="${number(this.left - 6)}" y="${56 + 13 * at}">${escape(words)}</text>`).join("")
      + this.axis() + this.ticks() + `<g class="playhead"><path d="M0 16V${this.height - 15}"/><path class="knob" d="M-6 4h12v7l-6 6l-6-6z"/></g>`;
  }

  bars() {
    const count = Math.max(1, Math.floor((this.right - this.left) / BIN));
    const bins = new Array(count).fill(0);
    for (const step of this.film.steps) bins[Math.min(count - 1, Math.floor((this.x(step.atMs) - this.left) / BIN))] += 1;
    const most = Math.max(1, ...bins);
    return bins.map((held, at) => {
      if (!held) return "";
      const height = Math.max(1.5, BIGGEST * Math.sqrt(held / most));
      return pathOf("M", this.left + BIN * at, BASE, "v", -height, "h", 3, "v", height, "z");
    }).join("");
  }

  strip({ spans }, y) {
    return spans.map(([from, to, kind]) => {
      const [left, right] = [this.x(from), this.x(to)];
      if (kind === "none") return `<path class="snone" d="M${number(left + 2)} ${y + 3}H${number(Math.max(right, left + 3))}"/>`;
      const height = kind === "ok" ? 6 : 3;
      return `<rect class="s${kind}" x="${number(left)}" y="${number(y + (6 - height) / 2)}" width="${number(Math.max(1, right - left))}" height="${height}"/>`;
    }).join("");
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
      made += `<text class="${cls}" x="${number(x)}" y="${y}">${words}</text>`;
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
        if (rank < near.rank || (rank === near.rank && isBad && !near.isBad)) Object.assign(near, { label, isBad, rank });
      } else groups.push({ x, label, isBad, rank, count: 1 });
    }
    const taken = [];
    const labels = [...groups].sort((one, other) => one.rank - other.rank || one.x - other.x).filter((group) => {
      const words = group.count > 1 && group.rank > 1 ? `${group.label} ×${group.count}` : group.label;
      const width = this.measure.width(words, 11, BOLD);
      for (const isRight of [true, false]) {
        const span = isRight ? [group.x - 6, group.x + 9 + width] : [group.x - 9 - width, group.x + 6];
        if (span[0] < 0 || span[1] > this.width || taken.some((held) => span[0] < held[1] + 8 && held[0] - 8 < span[1])) continue;
        taken.push(span);
        Object.assign(group, { words, isRight });
        return true;
      }
      return false;
    });
    return groups.map((group) => tick(group, labels.includes(group), this.height)).join("") + (this.isNarrow ? "" : this.trouble(taken));
  }

  trouble(taken) {
    const words = this.film.data.trouble;
    const size = words.reduce((sum, [cls, part]) => sum + this.measure.width(part, 11, cls.split(" ").includes("b") ? BOLD : 400), 0);
    const edges = [[this.left, this.left], ...taken.sort((one, other) => one[0] - other[0]), [this.right, this.right]];
    const middle = this.x(this.film.data.trouble_ms);
    const gaps = edges.slice(1).map((edge, at) => [edges[at][1], edge[0]]).sort((one, other) => Math.abs(one[0] + one[1] - 2 * middle) - Math.abs(other[0] + other[1] - 2 * middle));
    const found = words.length && gaps.find(([left, right]) => right - left >= size + 16);
    if (found) {
      const x = Math.min(Math.max(middle, found[0] + size / 2 + 8), found[1] - size / 2 - 8);
      return `<text class="mid" x="${number(x)}" y="14">${words.map(([cls, part]) => `<tspan class="${cls}">${escape(part)}</tspan>`).join("")}</text>`;
    }
    return "";
  }
}

function tick({ x, isBad, words, isRight, rank }, hasWords, height) {
  const glyph = isBad ? `<path class="cross" d="${pathOf("M", x - 4, 6, "l", 8, 8, "m", 0, -8, "l", -8, 8)}"/>`
    : `<path class="isr" d="${pathOf("M", x - 3.5, 6, "h", 7, "l", -3.5, 7, "z")}"/>`;
  const line = rank === 0 ? `<path class="${isBad ? "tickbad" : "tickline"}" d="M${number(x)} 16V${height - 15}"/>` : "";
  if (!hasWords) return line + glyph;
  const cls = `${isBad ? "err " : ""}b${isRight ? "" : " end"}`;
  return `${line}${glyph}<text class="${cls}" x="${number(isRight ? x + 9 : x - 9)}" y="14">${escape(words)}</text>`;
}

// At most four strips: the three worst and how many others; the others as one where they are fine.
function strips(film) {
  const all = Object.entries(film.data.spans).map(([key, spans]) => ({ key, spans }));
  if (all.length <= MOST_STRIPS) return all;
  const trouble = ({ spans }) => spans.reduce((sum, [from, to, kind]) => sum + (kind === "ok" ? 0 : to - from), 0);
  const worst = [...all].sort((one, other) => trouble(other) - trouble(one));
  const rest = worst.slice(3);
  const kinds = rest.some((strip) => trouble(strip) > 0) ? "wait" : "ok";
  const others = { key: "", words: `${rest.length} others`, spans: [[film.startMs, film.endMs, kinds]] };
  return [...all.filter((strip) => worst.indexOf(strip) < 3), others];
}
