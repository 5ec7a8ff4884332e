// The film: a scene folded forth and back by reversible patches, and the messages in flight.

export async function unpack(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

export class Film {
  constructor(data) {
    this.data = data;
    this.scene = { ...data.first };
    this.at = -1; // index of the last step that is folded in; -1: none
    this.steps = data.steps.map(([seq, atMs, node, isQuiet, words, patches]) => ({
      seq,
      atMs,
      node,
      isQuiet: !!isQuiet,
      words,
      patches,
    }));
    this.flights = data.flights.map(
      ([
        number,
        kind,
        api,
        source,
        target,
        sentMs,
        gotMs,
        sentSeq,
        receivedSeq,
        fate,
        cut,
        tokens,
        words,
        fields,
      ]) => ({
        number,
        kind,
        api,
        source,
        target,
        sentMs,
        gotMs,
        sentSeq,
        receivedSeq,
        fate,
        cut,
        words,
        fields,
        tokens: tokens.map(([key, offset, label]) => ({ key, offset, label })),
      }),
    );
    this.byNumber = new Map(this.flights.map((flight) => [flight.number, flight]));
    this.longestMs = this.flights.reduce(
      (most, flight) => Math.max(most, flight.gotMs - flight.sentMs),
      0,
    );
    this.startMs = this.steps.length ? this.steps[0].atMs : 0;
    this.endMs = this.steps.length ? this.steps[this.steps.length - 1].atMs : 0;
    this.busy = busySpans(this.flights, this.steps);
  }

  get step() {
    return this.at >= 0 ? this.steps[this.at] : null;
  }

  get seq() {
    return this.at >= 0
      ? this.steps[this.at].seq
      : (this.steps[0]?.seq ?? this.data.plan.total) - 1;
  }

  // Fold forth or back until step `index` is the last one in; the keys that changed.
  seek(index) {
    const goal = Math.max(-1, Math.min(this.steps.length - 1, index));
    const touched = new Set();
    while (this.at < goal) this.fold(this.steps[++this.at].patches, touched, true);
    while (this.at > goal) this.fold(this.steps[this.at--].patches, touched, false);
    return touched;
  }

  fold(patches, touched, isForth) {
    for (let each = 0; each < patches.length; each++) {
      const [key, before, after] = patches[isForth ? each : patches.length - 1 - each];
      const value = isForth ? after : before;
      if (value === null) delete this.scene[key];
      else this.scene[key] = value;
      touched.add(key);
    }
  }

  // The scene as text, the same for the same moment: what tests compare.
  frozen() {
    return JSON.stringify(
      Object.keys(this.scene)
        .sort()
        .map((key) => [key, this.scene[key]]),
    );
  }

  indexOfSeq(seq) {
    const found = lastIndex(this.steps, (step) => step.seq <= seq);
    return Math.max(-1, found);
  }

  indexAt(atMs) {
    return lastIndex(this.steps, (step) => step.atMs <= atMs);
  }

  // The next step with something to see, in this direction; else the first or last one.
  nextLoud(from, way, count = 1) {
    let at = from;
    for (let left = count; left > 0; left--) {
      let next = at + way;
      while (next >= 0 && next < this.steps.length && this.steps[next].isQuiet) next += way;
      if (next < 0) return 0;
      if (next >= this.steps.length) return this.steps.length - 1;
      at = next;
    }
    return at;
  }

  // The messages under way when step `index` is the last and it is `nowMs`; a lost one stays
  // for `keepMs`. In a still, the step that drops one shows it dropped.
  inFlight(index, nowMs, keepMs, isStill = true) {
    const seq = index >= 0 ? this.steps[index].seq : this.seq;
    const first =
      lastIndex(this.flights, (flight) => flight.sentMs < nowMs - this.longestMs - keepMs) + 1;
    const found = [];
    for (let at = first; at < this.flights.length && this.flights[at].sentMs <= nowMs; at++) {
      const flight = this.flights[at];
      if (flight.sentSeq > seq) continue;
      const isDropped = flight.fate === "lost" && flight.receivedSeq >= 0;
      flight.isCut = isStill && isDropped && seq >= flight.receivedSeq;
      if (
        flight.fate === "arrives"
          ? flight.receivedSeq > seq || flight.gotMs > nowMs
          : nowMs <= this.endOf(flight) + keepMs || (isDropped && seq === flight.receivedSeq)
      )
        found.push(flight);
    }
    return found;
  }

  endOf(flight) {
    return flight.sentMs + ((flight.gotMs - flight.sentMs) * flight.cut) / 1000;
  }
}

// How far a message has come, 0 to 1; a lost one stops where it was cut.
export function progress(flight, nowMs) {
  if (flight.isCut) return flight.cut / 1000;
  const whole = Math.max(1, flight.gotMs - flight.sentMs);
  const done = (nowMs - flight.sentMs) / whole;
  return Math.max(
    0,
    Math.min(
      flight.fate === "arrives" ? 1 : flight.fate === "open" ? 0.9 : flight.cut / 1000,
      done,
    ),
  );
}

export function isLost(flight, nowMs) {
  return flight.fate === "lost" && progress(flight, nowMs) >= flight.cut / 1000;
}

function lastIndex(items, isBefore) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(items[middle])) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// Stretches of virtual time in which there is something to see: messages under way, and loud steps.
function busySpans(flights, steps) {
  const spans = flights.map((flight) => [flight.sentMs, flight.gotMs]);
  for (const step of steps) if (!step.isQuiet) spans.push([step.atMs, step.atMs]);
  spans.sort((one, other) => one[0] - other[0]);
  const joined = [];
  for (const [from, to] of spans) {
    const last = joined[joined.length - 1];
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

// Real time to virtual time: `speed` virtual ms in a real ms; a stretch with nothing to see takes
// at most 0.8 s.
export class Clock {
  constructor(film, speed) {
    this.film = film;
    this.speed = speed;
    this.quietMs = 800;
  }

  // The virtual time after `realMs` more, and whether a quiet stretch is being skipped.
  after(nowMs, realMs) {
    let left = realMs;
    let now = nowMs;
    let isSkipping = false;
    while (left > 0 && now < this.film.endMs) {
      const gap = this.quietGap(now);
      const stop = gap ? gap[1] : this.busyEnd(now);
      const speed = gap ? Math.max(this.speed, (gap[1] - gap[0]) / this.quietMs) : this.speed;
      isSkipping = !!gap && speed > this.speed * 1.5;
      const need = (stop - now) / speed;
      if (need >= left) return { now: now + left * speed, isSkipping };
      now = stop;
      left -= Math.max(need, 1e-6);
      if (stop >= this.film.endMs) break;
    }
    return { now: Math.min(now, this.film.endMs), isSkipping };
  }

  quietGap(now) {
    const at = lastIndex(this.film.busy, (span) => span[0] <= now);
    const before = at >= 0 ? this.film.busy[at] : null;
    if (before && now < before[1]) return null;
    const next = this.film.busy[at + 1];
    const from = before ? before[1] : this.film.startMs;
    return next ? [from, next[0]] : [from, this.film.endMs];
  }

  busyEnd(now) {
    const at = lastIndex(this.film.busy, (span) => span[0] <= now);
    return this.film.busy[at][1];
  }
}
