// The inspector: what is known of what is selected, and what can be done to it.
import { escape, tag } from "./marks.js";
import { isLost } from "./film.js";
import { clockText, lifeOf } from "./labels.js";
import { lifeList, lifeStrip } from "./life.js";

const NOTHING = {
  head: "Nothing is selected",
  facts: [],
  hint: "Select a record, a message or a broker to see its life and what can be done to it.",
};
const MOST_FACTS = { wide: 17, narrow: 6 };
const BESIDE_STRIP = 28 + 150 + 200 + 38; // px that the panel's other parts take

export function chosen(film, selected) {
  const [kind, rest = ""] = split(selected, ":");
  if (kind === "record") {
    const at = rest.lastIndexOf("/");
    return { kind, key: rest.slice(0, at), offset: Number(rest.slice(at + 1)) };
  }
  if (kind === "message")
    return { kind, id: Number(rest), flight: film.byNumber.get(Number(rest)) };
  if (kind === "broker" || kind === "actor" || kind === "column") return { kind, id: rest };
  return { kind: "" };
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

// What the panel says: {head, facts: [[name, text]], life, hint}.
export function contents(view, selected) {
  const what = chosen(view.film, selected);
  if (what.kind === "record") return recordContents(view, what);
  if (what.kind === "message" && what.flight) return messageContents(what.flight);
  if (what.kind === "broker") return brokerContents(view, Number(what.id));
  if (what.kind === "column")
    return { head: view.titles[what.id] ?? what.id, facts: columnFacts(view, what.id) };
  if (what.kind === "actor") return { head: view.names[what.id] ?? what.id, facts: [] };
  return NOTHING;
}

function recordContents({ film, titles }, { key, offset }) {
  const life = lifeOf(film, key, offset);
  const head = `record ${offset} of ${titles[key] ?? key}`;
  if (!life) return { head, facts: [], hint: "Nothing is known of how it came here." };
  const [named, text] = life.record ?? ["", ""];
  const facts = life.record
    ? [
        ["key", named],
        ["value", text],
      ]
    : [];
  if (life.last > life.first) facts.push(["batch", `offsets ${life.first} to ${life.last}`]);
  return { head, facts, life };
}

function messageContents(flight) {
  const facts = [
    ["message", String(flight.number)],
    ["sent", clockText(flight.sentMs)],
    ["arrives", arrival(flight)],
  ];
  return { head: flight.words, facts: facts.concat(flight.fields) };
}

function arrival({ fate, gotMs, sentMs }) {
  if (fate === "arrives") return `${clockText(gotMs)}, after ${gotMs - sentMs} ms`;
  return fate === "open" ? "still under way" : "never: it is lost";
}

function brokerContents(view, id) {
  const row = view.scene[`row/${id}`];
  const tapes = Object.entries(view.scene)
    .filter(([key]) => key.startsWith("tape/") && key.endsWith(`/${id}`))
    .map(([, tape]) => tape);
  const leads = tapes.filter((tape) => tape.mark === "leader").length;
  const facts = [
    ["status", row ? row.status : "absent"],
    ["replicas", String(tapes.length)],
    ["leads", String(leads)],
  ];
  if (row?.duties.length) facts.push(["duty", row.duties.join(", ")]);
  return { head: `broker ${id}`, facts };
}

function columnFacts(view, key) {
  const column = view.scene[`col/${key}`];
  if (!column) return [];
  return [
    ["state", column.text],
    ["high watermark", String(column.hw)],
    ["log end", String(column.top)],
  ];
}

// The panel as HTML, for a class of width: "wide", "narrow" or "".
export function panelHtml(view, acts, width) {
  const { head, facts, life, hint } = contents(view, view.selected);
  const seq = view.film.seq;
  const room = view.width - BESIDE_STRIP;
  const strip = life && !width ? lifeStrip(life, seq, room, view.measure) : "";
  const told = facts.slice(0, strip ? 4 : width ? MOST_FACTS[width] : 12);
  const list = told.map(([name, text]) => `<dt>${escape(name)}</dt><dd>${escape(text)}</dd>`);
  const who =
    tag("p", { class: "head" }, escape(head)) +
    (hint ? tag("p", { class: "hint" }, escape(hint)) : "") +
    (list.length ? tag("dl", {}, list.join("")) : "");
  const about = {
    class: "strip",
    width: room,
    height: 62,
    role: "group",
    "aria-label": "its life",
  };
  const middle = strip ? tag("svg", about, strip) : life ? lifeList(life, seq) : "";
  const buttons = acts.map((act, at) => buttonHtml(view, act, at)).join("");
  return (
    tag("div", { class: strip ? "who slim" : "who" }, who) +
    middle +
    tag("div", { class: "acts" }, `${buttons}<code class="twin"></code>`)
  );
}

function buttonHtml(view, act, at) {
  const title = codeOf(view, act);
  const about = { type: "button", "data-act": String(at), class: act.do, title };
  return tag("button", about, escape(act.label));
}

// What can be done now: [{do, label, code, id}]. `acts` come from Python: no cluster is known here.
export function actions(view, selected, nowMs, index) {
  const { film } = view;
  const what = chosen(film, selected);
  const flying = film.inFlight(index, nowMs, 0).filter((flight) => !isLost(flight, nowMs));
  const made = [];
  const add = (kind, id, noun) => {
    for (const act of film.data.acts.filter((held) => held.for === kind))
      made.push({ ...act, id, label: act.label.replace("{it}", noun) });
  };
  if (what.kind === "message" && flying.some((flight) => flight.number === what.id))
    add("message", what.id, "it");
  if (what.kind === "record") {
    const about = flying.filter((flight) => isAbout(flight, what)).pop();
    if (about) add("message", about.number, nounOf(about));
  }
  if (what.kind === "broker") add(statusOf(view, what.id), Number(what.id), `b${what.id}`);
  add("moment", null, "");
  return made;
}

function isAbout(flight, { key, offset }) {
  return flight.tokens.some((token) => token.key === key && token.offset === offset);
}

function statusOf(view, id) {
  const status = view.scene[`row/${id}`]?.status;
  return status === "running" || status === "paused" ? status : "offline";
}

function nounOf(flight) {
  return { ack: "the ack", replicate: "the copy" }[flight.kind] ?? "it";
}

// The line of code that does what a button does.
export function codeOf(view, act) {
  const { data, seq } = view.film;
  const fork = `other = ${data.of}.fork(at=${seq})`;
  if (act.for === "moment") return fork;
  const call = act.code.replace("{id}", String(act.id));
  return `${fork}; other.${call}; other.run(seconds=${data.run_on_ms / 1000})`;
}
