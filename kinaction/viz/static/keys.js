// Keys: the whole player without a mouse. In the stage, arrows walk the grid; elsewhere they step.

const PLAIN = {
  " ": (view) => view.press("play"),
  Home: (view) => view.press("home"),
  End: (view) => view.press("end"),
  "[": (view) => view.goTick(-1),
  "]": (view) => view.goTick(1),
  m: (view, keys) => keys.walkMessages(),
  w: (view, keys) => keys.why(),
  Escape: (view) => view.selected && view.select(view.selected),
  PageUp: (view) => view.step(-1, 10),
  PageDown: (view) => view.step(1, 10),
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Keys {
  constructor(view) {
    this.view = view;
  }

  onKey(event) {
    if (!this.view.film || event.altKey || event.metaKey) return;
    this.keep(event);
    const target = event.target;
    const isControl = target.matches("button, select, input, .moment");
    if (isControl && (event.key === " " || event.key === "Enter" || target.matches("select"))) {
      if (target.matches("g.moment"))
        this.done(event, () => target.dispatchEvent(new MouseEvent("click", { bubbles: true })));
      return;
    }
    const inStage = this.view.svg.contains(target);
    if (ARROWS[event.key]) this.done(event, () => this.arrow(event, inStage));
    else if (inStage && event.key === "Enter" && target.dataset.key)
      this.done(event, () => this.view.pick(target.dataset.key));
    else if (PLAIN[event.key] && !event.ctrlKey)
      this.done(event, () => PLAIN[event.key](this.view, this));
    else if (event.key.length === 1 && !event.ctrlKey) this.letter(event);
  }

  // A letter is never the notebook's: there "d d" deletes the cell and "x" cuts it. (JupyterLab's
  // data-lm-suppress-shortcuts does not help where a shortcut's selector fits the focused element.)
  keep(event) {
    if (event.key.length === 1 && !event.ctrlKey) event.stopPropagation();
  }

  done(event, act) {
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  letter(event) {
    const act = this.view.acts?.find((held) => held.key === event.key);
    if (act) this.done(event, () => this.view.act(act));
  }

  arrow(event, inStage) {
    const [dx, dy] = ARROWS[event.key];
    if (inStage) this.walk(dx, dy, event.ctrlKey);
    else if (dx) this.view.step(dx, event.shiftKey ? 10 : 1);
  }

  // The grid: up and down between brokers, left and right between offsets, ctrl between
  // partitions. Left of a row's first cell stands its broker.
  walk(dx, dy, isColumn) {
    const { view } = this;
    const brokers = [...view.svg.querySelectorAll('.hit[data-key^="broker:"]')];
    const cells = [...view.svg.querySelectorAll('.tape .hit[data-key^="record:"]')].map(placeOf);
    const at = brokers.indexOf(document.activeElement);
    if (at >= 0) return this.walkBrokers(brokers, cells, at, dx, dy);
    if (!cells.length) return brokers[0]?.focus();
    const here = cells.find((cell) => cell.element === document.activeElement);
    if (!here) return this.focus(cells[cells.length - 1]);
    const found = this.nextCell(cells, here, dx, dy, isColumn);
    if (found) return this.focus(found);
    const row = `broker:${here.broker}`;
    if (dx < 0) brokers.find((held) => held.dataset.key === row)?.focus();
    return null;
  }

  walkBrokers(brokers, cells, at, dx, dy) {
    const broker = Number(brokers[at].dataset.key.slice(7));
    const first = dx > 0 && cells.find((cell) => cell.broker === broker);
    if (first) this.focus(first);
    else brokers[at + dy]?.focus();
  }

  nextCell(cells, here, dx, dy, isColumn) {
    const keys = this.view.layout.slots.map((slot) => slot.key);
    const wanted = {
      column: isColumn ? keys[keys.indexOf(here.column) + dx] : here.column,
      offset: isColumn ? null : here.offset + dx,
    };
    const rows = this.view.layout.brokers;
    for (
      let at = rows.indexOf(here.broker) + dy;
      at >= 0 && at < rows.length;
      at += dy || rows.length
    ) {
      const row = cells.filter((cell) => cell.column === wanted.column && cell.broker === rows[at]);
      const found =
        wanted.offset === null
          ? row[row.length - 1]
          : row.find((cell) => cell.offset === wanted.offset);
      if (found) return found;
    }
    return null;
  }

  focus(cell) {
    cell.element.focus();
  }

  // The messages in flight, the oldest first.
  walkMessages() {
    const tokens = [...this.view.svg.querySelectorAll(".token")].sort(
      (one, other) => numberOf(one) - numberOf(other),
    );
    if (!tokens.length) return this.view.say("No message is under way.");
    const at = tokens.indexOf(document.activeElement);
    tokens[(at + 1) % tokens.length].focus();
    return null;
  }

  // Why: the moment before this one in the life of the selected record.
  why() {
    const moments = [...this.view.root.querySelectorAll(".insp .moment")].map((held) =>
      Number(held.dataset.seq),
    );
    const before = moments.filter((seq) => seq < this.view.film.seq).pop();
    if (before === undefined) this.view.say("Select a record to ask why.");
    else {
      this.view.pause();
      this.view.go(this.view.film.indexOfSeq(before));
    }
  }
}

function numberOf(token) {
  return Number(token.dataset.key.slice(8));
}

function placeOf(element) {
  const [record, broker] = element.dataset.key.split("@");
  const at = record.lastIndexOf("/");
  return {
    element,
    column: record.slice(7, at),
    offset: Number(record.slice(at + 1)),
    broker: Number(broker),
  };
}
