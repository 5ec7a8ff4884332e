// Labels: what a screen reader hears of rows, columns and cells; and how times are written.

export function clockText(ms, digits = 3) {
  return `${(ms / 1000).toFixed(digits)} s`;
}

export function lasting(ms) {
  return ms >= 1000 ? `${(ms / 1000).toFixed(3)} s` : `${ms} ms`;
}

export function rowLabel(view, broker) {
  const row = view.scene[`row/${broker}`];
  const keys = view.layout.slots.map((slot) => slot.key);
  const hosted = keys.filter((key) => view.scene[`tape/${key}/${broker}`]);
  const inIsr = hosted.filter((key) => view.scene[`col/${key}`]?.isr.includes(broker));
  const duties = row?.duties.length ? `, ${row.duties.join(" and ")}` : "";
  const counts = `${hosted.length} replicas, ${inIsr.length} in the ISR`;
  return `broker ${broker}, ${status(view, row)}${duties}; ${counts}`;
}

function status(view, row) {
  if (!row) return "not there yet";
  if (row.status === "running") return "running";
  return `${row.status} for ${lasting(Math.max(0, Math.floor(view.nowMs - row.since)))}`;
}

export function columnLabel(view, key) {
  const column = view.scene[`col/${key}`];
  if (!column) return `${view.titles[key]}: not made yet`;
  const ends = `high watermark ${column.hw}, log end ${column.top}`;
  return `${view.titles[key]}: ${column.text}; ${ends}`;
}

export function cellLabel(view, key, broker, offset) {
  const tape = view.scene[`tape/${key}/${broker}`];
  const record = lifeOf(view.film, key, offset)?.record;
  const where = `broker ${broker}, ${view.titles[key]}, offset ${offset}`;
  return `${where}: ${stateOf(tape, offset)}${record ? `; key ${record[0]}` : ""}`;
}

function stateOf(tape, offset) {
  if (!tape) return "not there";
  if (offset >= tape.only[0] && offset < tape.only[1]) return "only here, endangered";
  return offset < tape.hw ? "committed" : "appended, not known committed";
}

// The life of a record: {first, last, moments, wait, record}; null where nothing is known.
export function lifeOf(film, key, offset) {
  const held = film.data.lives[key] ?? [];
  const found = held.find(([first, last]) => first <= offset && offset <= last);
  if (!found) return null;
  const [first, last, moments, wait, records] = found;
  const told = moments.map(([atMs, seq, words]) => ({ atMs, seq, words }));
  return { first, last, moments: told, wait, record: records[offset - first] };
}
