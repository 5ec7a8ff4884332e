// A record's life: as a strip with evenly spaced moments, the wait drawn as a wait; or as a list.
import { escape, tag } from "./marks.js";
import { clockText, lasting } from "./labels.js";

const LEAST_SPACING = 60;
const MARGINS = 84;
const BETWEEN = 10;
const DULL = [/^ack reaches/, /^ack sent/, /^fetched/, /^fetched/, /^fetched/, /^appended/];
const Y = 24;

// The strip as SVG; "" where it does not fit.
export function lifeStrip(whole, seq, width, measure) {
  const room = whole.wait ? widest(whole.wait[1], measure) + BETWEEN : 0;
  const { moments, wait } = shortened(whole, width - room, measure);
  const each = spacing(moments, width - room);
  if (each < LEAST_SPACING || moments.length < 2) return "";
  const after = (at) => (wait && at > wait[0] ? room : 0);
  const xs = moments.map((_, at) => MARGINS / 2 + each * at + after(at));
  const lines = moments.map((moment, at) => {
    if (!at || (wait && at - 1 === wait[0])) return "";
    return line(moment.seq <= seq ? "past" : "ahead", xs[at - 1], xs[at]);
  });
  const gap = wait ? waitSvg(moments, wait, xs, measure, room) : "";
  const dots = moments.map((moment, at) => momentSvg(moment, xs[at], seq, measure, each));
  return lines.join("") + gap + dots.join("");
}

function line(cls, from, to) {
  return tag("path", { class: cls, d: `M${from.toFixed(1)} ${Y}H${to.toFixed(1)}` });
}

function words(cls, x, y, text) {
  return tag("text", { class: cls, x, y }, escape(text));
}

// How wide words are on two lines.
function widest(text, measure) {
  return Math.max(...wrapped(text, measure, Infinity).map((each) => measure.width(each)));
}

function waitSvg(moments, [at, reason], xs, measure, room) {
  const middle = (xs[at] + xs[at + 1]) / 2;
  const [upper, lower] = wrapped(reason, measure, room);
  return (
    line("wait", xs[at], xs[at + 1]) +
    words("wt b mid", middle, Y - 10, lasting(moments[at + 1].atMs - moments[at].atMs)) +
    words("mid", middle, Y + 20, upper) +
    words("mid", middle, Y + 34, lower)
  );
}

function spacing(moments, width) {
  return (width - MARGINS) / Math.max(1, moments.length - 1);
}

// The moments whose words have room: what says least goes first, never one beside the wait.
function shortened({ moments, wait }, width, measure) {
  const isBeside = (at) => !!wait && (at === wait[0] || at === wait[0] + 1);
  let kept = moments.map((moment, at) => ({ ...moment, beside: isBeside(at) }));
  for (const dull of DULL) {
    if (kept.every(({ words }) => widest(words, measure) + 4 <= spacing(kept, width))) break;
    const at = kept.findLastIndex((moment) => dull.test(moment.words) && !moment.beside);
    if (at >= 0) kept = kept.filter((_, each) => each !== at);
  }
  const first = kept.findIndex((moment) => moment.beside);
  return { moments: kept, wait: wait && [first, wait[1]] };
}

function momentSvg(moment, x, seq, measure, room) {
  const isPast = moment.seq <= seq;
  const isNow = moment.seq === seq;
  const [upper, lower] = wrapped(moment.words, measure, room - 4);
  const muted = isPast ? "mid" : "mid m";
  const time = isPast ? words("m mid", x, Y - 11, (moment.atMs / 1000).toFixed(3)) : "";
  const dot = { class: isNow ? "now" : isPast ? "past" : "future", cx: x, cy: Y };
  const about = {
    class: "moment",
    role: "button",
    tabindex: "0",
    "data-seq": String(moment.seq),
    "aria-label": `${clockText(moment.atMs)}: ${moment.words}; go there`,
  };
  return tag(
    "g",
    about,
    tag("rect", { class: "pad", x: x - room / 2, y: 0, width: room, height: 62 }) +
      tag("circle", { ...dot, r: isNow ? 7 : 5 }) +
      time +
      words(muted, x, Y + 20, upper) +
      words(muted, x, Y + 34, lower),
  );
}

// Two lines: as even as the words allow, each cut to the room.
export function wrapped(text, measure, room) {
  const parts = text.split(" ");
  let best = [text, ""];
  let least = measure.width(text);
  for (let at = 1; at < parts.length; at++) {
    const lines = [parts.slice(0, at).join(" "), parts.slice(at).join(" ")];
    const most = Math.max(...lines.map((each) => measure.width(each)));
    if (most < least) [best, least] = [lines, most];
  }
  return best.map((each) => measure.fitted(each, room));
}

export function lifeList({ moments, wait }, seq) {
  const lines = moments.map((moment, at) => {
    const time = moment.seq <= seq ? (moment.atMs / 1000).toFixed(3) : "…";
    const told = escape(moment.words);
    const body = tag("span", {}, time) + (moment.seq === seq ? `<b>${told}</b>` : told);
    const about = { type: "button", class: "moment", "data-seq": String(moment.seq) };
    const item = tag("li", {}, tag("button", about, body));
    if (!wait || wait[0] !== at) return item;
    const gap = `${lasting(moments[at + 1].atMs - moment.atMs)}: ${wait[1]}`;
    return item + tag("li", { class: "wt b" }, escape(gap));
  });
  return tag("ol", { class: "life" }, lines.join(""));
}
