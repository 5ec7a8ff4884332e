// The inspector: the life of the selected record, the fields of the selected message, what can be done to it.
import { escape, number } from "./marks.js";
import { isLost } from "./film.js";

export function chosen(film, selected) {
  const [kind, rest = ""] = split(selected, ":");
  if (kind === "record") {
    const at = rest.lastIndexOf("/");
    return { kind, key: rest.slice(0, at), offset: Number(rest.slice(at + 1)) };
  }
  if (kind === "message") return { kind, flight: film.byNumber.get(Number(rest)), id: Number(rest) };
  if (kind === "broker" || kind === "actor" || kind === "column") return { kind, id: rest };
  return { kind: "" };
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

export function lifeOf(film, key, offset) {
  const found = (film.data.lives[key] ?? []).find(([first, last]) => first <= offset && offset <= last);
  if (!found) return null;
  const [first, last, moments, wait, records] = found;
  return { first, last, moments: moments.map(([atMs, seq, words]) => ({ atMs, seq, words })), wait, record: records[offset - first] };
}

// What the panel says: {head, facts: [[name, text]], life, hint}.
export function contents(view, selected) {
  const { film, titles } = view;
  const what = chosen(film, selected);
  if (what.kind === "record") {
    const life = lifeOf(film, what.key, what.offset);
    const facts = life?.record ? [["key", life.record[0]], ["value", life.record[1]]] : [];
    if (life && life.last > life.first) facts.push(["batch", `offsets ${life.first} to ${life.last}`]);
    return { head: `record ${what.offset} of ${titles[what.key] ?? what.key}`, facts, life, hint: life ? "" : "Nothing is known of how it came here." };
  }
  if (what.kind === "message" && what.flight) {
    const { flight } = what;
    const end = flight.fate === "arrives" ? `${clockText(flight.gotMs)}, after ${flight.gotMs - flight.sentMs} ms` : flight.fate === "open" ? "still under way" : "never: it is lost";
    return { head: flight.words, facts: [["message", String(flight.number)], ["sent", clockText(flight.sentMs)], ["arrives", end], ...flight.fields], life: null, hint: "" };
  }
  if (what.kind === "broker") return brokerContents(view, Number(what.id));
  if (what.kind === "column") return { head: titles[what.id] ?? what.id, facts: columnFacts(view, what.id), life: null, hint: "" };
  if (what.kind === "actor") return { head: view.names[what.id] ?? what.id, facts: [], life: null, hint: "" };
  return { head: "Nothing is selected", facts: [], life: null, hint: "Select a record, a message or a broker to see its life and what can be done to it." };
}

function brokerContents(view, id) {
  const row = view.scene[`row/${id}`];
  const tapes = Object.entries(view.scene).filter(([key]) => key.startsWith("tape/") && key.endsWith(`/${id}`)).map(([, tape]) => tape);
  const leads = tapes.filter((tape) => tape.mark === "leader").length;
  return { head: `broker ${id}`, facts: [["status", row ? row.status : "absent"], ["replicas", String(tapes.length)], ["leads", String(leads)], ...(row?.duties.length ? [["duty", row.duties.join(", ")]] : [])], life: null, hint: "" };
}

function columnFacts(view, key) {
  const column = view.scene[`col/${key}`];
  if (!column) return [];
  return [["state", column.text], ["high watermark", String(column.hw)], ["log end", String(column.top)]];
}

export function clockText(ms, digits = 3) {
  return `${(ms / 1000).toFixed(digits)} s`;
}

export function lasting(ms) {
  return ms >= 1000 ? `${(ms / 1000).toFixed(3)} s` : `${ms} ms`;
}

// The life as a strip: moments evenly spaced, the wait drawn as a wait. "" where it does not fit.
export function lifeStrip(whole, seq, width, measure) {
  const { moments, wait } = shortened(whole, width);
  const each = spacing(moments, wait, width);
  if (each < LEAST_SPACING || moments.length < 2) return "";
  const xs = moments.map((_, at) => 42 + each * (at + (wait && at > wait[0] ? 1.4 : 0)));
  const y = 24;
  let lines = "";
  for (let at = 1; at < moments.length; at++) {
    if (wait && at - 1 === wait[0]) continue;
    lines += `<path class="${moments[at].seq <= seq ? "past" : "ahead"}" d="M${number(xs[at - 1])} ${y}H${number(xs[at])}"/>`;
  }
  if (wait) {
    const [at, reason] = wait;
    const middle = (xs[at] + xs[at + 1]) / 2;
    const [upper, lower] = wrapped(reason, measure, each * 2 - 12);
    lines += `<path class="wait" d="M${number(xs[at])} ${y}H${number(xs[at + 1])}"/><text class="wt b mid" x="${number(middle)}" y="${y - 10}">${lasting(moments[at + 1].atMs - moments[at].atMs)}</text>`
      + `<text class="mid" x="${number(middle)}" y="${y + 20}">${escape(upper)}</text><text class="mid" x="${number(middle)}" y="${y + 34}">${escape(lower)}</text>`;
  }
  return lines + moments.map((moment, at) => momentSvg(moment, xs[at], y, seq, measure, each)).join("");
}

const LEAST_SPACING = 66;

function spacing(moments, wait, width) {
  return (width - 84) / Math.max(1, moments.length - 1 + (wait ? 1.4 : 0));
}

// The moments that have room: what says least goes first, never one beside the wait.
function shortened({ moments, wait }, width) {
  let kept = moments.map((moment, at) => ({ ...moment, beside: !!wait && (at === wait[0] || at === wait[0] + 1) }));
  for (const dull of [/^ack reaches/, /^ack sent/, /^fetched/, /^fetched/, /^fetched/]) {
    if (spacing(kept, wait, width) >= LEAST_SPACING) break;
    const at = kept.findLastIndex((moment) => dull.test(moment.words) && !moment.beside);
    if (at >= 0) kept = kept.filter((_, each) => each !== at);
  }
  const first = kept.findIndex((moment) => moment.beside);
  return { moments: kept, wait: wait && [first, wait[1]] };
}

function momentSvg(moment, x, y, seq, measure, room) {
  const isPast = moment.seq <= seq;
  const [upper, lower] = wrapped(moment.words, measure, room - 4);
  const muted = isPast ? "" : " m";
  const time = isPast ? `<text class="m mid" x="${number(x)}" y="${y - 11}">${(moment.atMs / 1000).toFixed(3)}</text>` : "";
  return `<g class="moment" role="button" tabindex="0" data-seq="${moment.seq}" aria-label="${escape(`${clockText(moment.atMs)}: ${moment.words}; go there`)}">`
    + `<rect class="pad" x="${number(x - room / 2)}" y="0" width="${number(room)}" height="62"/><circle class="${isPast ? (moment.seq === seq ? "now" : "past") : "future"}" cx="${number(x)}" cy="${y}" r="${moment.seq === seq ? 7 : 5}"/>${time}`
    + `<text class="mid${muted}" x="${number(x)}" y="${y + 20}">${escape(upper)}</text><text class="mid${muted}" x="${number(x)}" y="${y + 34}">${escape(lower)}</text></g>`;
}

// Two lines: as even as the words allow, each cut to the room.
export function wrapped(words, measure, room) {
  const parts = words.split(" ");
  let best = [words, ""];
  let least = measure.width(words);
  for (let at = 1; at < parts.length; at++) {
    const lines = [parts.slice(0, at).join(" "), parts.slice(at).join(" ")];
    const most = Math.max(...lines.map((line) => measure.width(line)));
    if (most < least) [best, least] = [lines, most];
  }
  return best.map((line) => measure.fitted(line, room));
}

export function lifeList(life, seq) {
  const { moments, wait } = life;
  return `<ol class="life">${moments.map((moment, at) => {
    const isPast = moment.seq <= seq;
    const line = `<li><button type="button" class="moment" data-seq="${moment.seq}"><span>${isPast ? (moment.atMs / 1000).toFixed(3) : "…"}</span>${moment.seq === seq ? `<b>${escape(moment.words)}</b>` : escape(moment.words)}</button></li>`;
    const gap = wait && wait[0] === at ? `<li class="wt b">${lasting(moments[at + 1].atMs - moment.atMs)}: ${escape(wait[1])}</li>` : "";
    return line + gap;
  }).join("")}</ol>`;
}

// What can be done now: [{do, label, code, id}]. `acts` come from Python: the widget knows no cluster.
export function actions(view, selected, nowMs, index) {
  const { film } = view;
  const what = chosen(film, selected);
  const acts = film.data.acts;
  const flying = film.inFlight(index, nowMs, 0).filter((flight) => !isLost(flight, nowMs));
  const made = [];
  const add = (kind, id, noun) => {
    for (const act of acts.filter((held) => held.for === kind)) made.push({ ...act, id, label: act.label.replace("{it}", noun) });
  };
  if (what.kind === "message" && flying.some((flight) => flight.number === what.id)) add("message", what.id, "it");
  if (what.kind === "record") {
    const about = flying.filter((flight) => flight.tokens.some((token) => token.key === what.key && token.offset === what.offset));
    if (about.length) add("message", about[about.length - 1].number, `the ${nounOf(about[about.length - 1])}`);
  }
  if (what.kind === "broker") add(statusOf(view, what.id), Number(what.id), `b${what.id}`);
  add("moment", null, "");
  return made;
}

function statusOf(view, id) {
  const status = view.scene[`row/${id}`]?.status;
  return status === "running" ? "running" : status === "paused" ? "paused" : "offline";
}

function nounOf(flight) {
  return { ack: "ack", produce: "request", consume: "answer", replicate: "copy" }[flight.kind] ?? "message";
}

// The line of code that a button is.
export function codeOf(view, act, index) {
  const isLast = index >= view.film.steps.length - 1;
  const call = act.code.replace("{id}", String(act.id)).replace("{seq}", String(view.film.seq));
  if (act.for === "moment") return `other = cluster.${call}`;
  return isLast ? `cluster.${call}` : `cluster.fork(at=${view.film.seq}).${call}`;
}
