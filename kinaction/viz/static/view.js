// The view: one player on the page. What the notebook knows is synced when it rests.
import { makeMeasure } from "./marks.js";
import { Clock, Film, unpack } from "./film.js";
import { Scenery } from "./scenery.js";
import { Timeline } from "./timeline.js";
import { CROWD, FLOW, flowSvg, keptOf, placeTokens, tokenSvg, trailSvg } from "./tokens.js";
import { actions, codeOf, panelHtml } from "./inspector.js";
import { clockText } from "./labels.js";
import { isStill, pagerHtml, shellHtml, themeOf } from "./shell.js";
import { Drive, SPOKEN_MS } from "./drive.js";
import { Keys } from "./keys.js";


// `host`: {step, speed, selected, canAct, changed(values), command(order)}
export class View extends Drive {
  constructor(element, host) {
    super();
    this.host = host;
    // Of the page, not of this module: a notebook loads it once for each of its players.
    globalThis.kinactionPlayers = (globalThis.kinactionPlayers ?? 0) + 1;
    this.name = `kinaction-${globalThis.kinactionPlayers}`;
    this.root = document.createElement("div");
    this.root.className = "kinaction";
    this.root.dataset.lmSuppressShortcuts = "true";
    this.root.style.setProperty("--hatch", `url(#${this.name}-hatch)`);
    this.root.innerHTML = shellHtml();
    element.appendChild(this.root);
    this.part = (selector) => this.root.querySelector(selector);
    this.svg = this.part(".stage");
    this.scenery = new Scenery(this.svg, this.name);
    this.nowMs = 0;
    this.page = 0;
    this.opened = "";
    this.selected = host.selected ?? "";
    this.isPlaying = false;
    this.isSeen = true;
    this.spokenAt = -Infinity;
    this.saidAt = -Infinity;
    this.undo = [];
    this.keys = new Keys(this);
    this.watch();
  }

  async load(bytes) {
    const data = await unpack(bytes);
    this.film = new Film(data);
    this.plan = data.plan;
    this.names = data.names;
    this.titles = Object.fromEntries(data.plan.columns.map((column) => [column.key, column.title]));
    this.metadataKeys = new Set(
      data.plan.columns.filter((column) => column.is_metadata).map((column) => column.key),
    );
    this.leadersOnly = data.plan.leaders_only;
    this.measure = makeMeasure(data.metrics);
    this.timeline = new Timeline(this.film, this.measure, this.titles, this.name);
    this.usual = data.usual_ms / data.flight_ms;
    this.clock = new Clock(this.film, this.host.speed > 0 ? this.host.speed : this.usual);
    this.part(".title").textContent = data.title;
    this.fillSpeeds();
    const seq = this.host.step;
    this.film.seek(seq >= 0 ? this.film.indexOfSeq(seq) : 0);
    this.nowMs = this.film.step?.atMs ?? 0;
    this.resize(true);
    if (performance.now() - this.saidAt > SPOKEN_MS) this.narrate(true);
  }

  get scene() {
    return this.film.scene;
  }

  watch() {
    const listen = (target, kind, act, options) => {
      target.addEventListener(kind, act, options);
      this.undo.push(() => target.removeEventListener(kind, act, options));
    };
    listen(this.root, "click", (event) => this.onClick(event));
    listen(this.root, "keydown", (event) => this.keys.onKey(event));
    listen(this.part(".speed"), "change", (event) =>
      this.setSpeed(Number(event.target.value), true),
    );
    listen(this.part(".time"), "pointerdown", (event) => this.onScrub(event, true));
    listen(
      this.part(".time"),
      "pointermove",
      (event) => event.buttons && this.onScrub(event, false),
    );
    listen(this.part(".time"), "pointerup", () => this.sync());
    listen(this.root, "pointerover", (event) => this.onHover(event));
    const resized = new ResizeObserver(() => this.film && this.resize(false));
    resized.observe(this.root);
    const seen = new IntersectionObserver((entries) => {
      this.isSeen = entries[entries.length - 1].isIntersecting;
      if (this.isSeen && this.isPlaying) this.tick(performance.now(), true);
    });
    seen.observe(this.root);
    const themed = new MutationObserver(() => this.paint());
    themed.observe(document.body, {
      attributes: true,
      attributeFilter: ["data-jp-theme-light", "class", "style"],
    });
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    listen(scheme, "change", () => this.paint());
    this.undo.push(
      () => resized.disconnect(),
      () => seen.disconnect(),
      () => themed.disconnect(),
    );
    this.paint();
  }

  paint() {
    this.root.dataset.theme = themeOf(this.root);
  }

  dispose() {
    this.isPlaying = false;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.undo.forEach((act) => act());
    this.root.remove();
  }

  // ---- layout
  resize(isForced) {
    const width = Math.floor(this.root.clientWidth);
    const layouts = this.film.data.layouts;
    const widths = Object.keys(layouts)
      .filter((name) => !name.includes("/"))
      .map(Number)
      .sort((one, other) => one - other);
    const fit = widths.filter((each) => each <= Math.max(width + 2, widths[0])).pop();
    const held =
      layouts[`${fit}/${this.opened}`] ??
      layouts[`${this.openWidth(fit)}/${this.opened}`] ??
      layouts[`${fit}/${this.page}`] ??
      layouts[String(fit)];
    if (!isForced && held === this.layout && width === this.width) return;
    this.width = width;
    this.layout = held;
    this.root.classList.toggle("wide", fit >= 1151);
    this.root.classList.toggle("narrow", fit < 680);
    this.part(".pager").innerHTML = pagerHtml(held);
    this.timeline.resize(Math.max(300, width - 30), fit < 680);
    const time = this.part(".time");
    time.setAttribute("width", this.timeline.width);
    time.setAttribute("height", this.timeline.height);
    time.innerHTML = this.timeline.svg();
    this.drawAll();
  }

  openWidth(fit) {
    if (!this.opened) return fit;
    const open = Object.keys(this.film.data.layouts)
      .filter((name) => name.endsWith(`/${this.opened}`))
      .map((name) => Number(name.split("/")[0]));
    return open.filter((each) => each <= fit).pop() ?? open[0];
  }

  // ---- drawing
  drawAll() {
    this.scenery.all(this);
    this.drawMoving();
    this.drawTime();
    this.drawInspector();
  }

  draw(touched, isEased) {
    this.scenery.some(this, touched, isEased);
    for (const box of this.layout.boxes) this.scenery.actor(this, box);
    this.drawMoving();
    this.drawTime();
  }

  flights() {
    const keepMs = 600 * this.clock.speed;
    const isStill = !this.isPlaying;
    const kept = isStill ? Math.max(keepMs, 1) : keepMs;
    return this.film.inFlight(this.film.at, this.nowMs, kept, isStill);
  }

  drawMoving() {
    const flights = this.flights();
    const selected = this.selected.startsWith("message:") ? Number(this.selected.slice(8)) : -1;
    const still = isStill() ? (flight) => flight.sentMs + (flight.gotMs - flight.sentMs) / 2 : null;
    let shown = flights;
    let flow = "";
    if (flights.length > FLOW) {
      const kept = keptOf(flights, this.nowMs, selected);
      flow = flowSvg(this, flights, kept);
      shown = flights.filter((flight) => kept.has(flight.number));
    }
    const placed = still
      ? shown
          .flatMap((flight) => placeTokens(this, [flight], still(flight), selected))
          .slice(0, CROWD)
      : placeTokens(this, shown, this.nowMs, selected);
    this.placed = placed;
    this.fill(".flows", flow);
    this.fill(".trails", trailSvg(placed));
    this.fill(".tokens", tokenSvg(placed, selected));
  }

  fill(selector, html) {
    const part = this.svg.querySelector(selector);
    if (!part || part.held === html) return;
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const key = focused?.dataset.key;
    part.held = html;
    part.innerHTML = html;
    if (key) part.querySelector(`[data-key="${key}"]`)?.focus();
  }

  drawTime() {
    const { film } = this;
    const step = film.step;
    this.part(".clock").textContent = clockText(this.nowMs) + (this.isSkipping ? " ⋯" : "");
    this.part(".count").textContent = `step ${film.seq} of ${film.data.plan.total - 1}`;
    const x = this.timeline.x(this.nowMs);
    this.part(".playhead")?.setAttribute("transform", `translate(${x.toFixed(1)} 0)`);
    this.part(".past")?.setAttribute("width", Math.max(0, x).toFixed(1));
    const time = this.part(".time");
    time.setAttribute("aria-valuemin", film.startMs);
    time.setAttribute("aria-valuemax", film.endMs);
    time.setAttribute("aria-valuenow", Math.round(this.nowMs));
    time.setAttribute("aria-valuetext", `${clockText(this.nowMs)}, step ${film.seq}`);
  }

  // ---- selection
  select(key) {
    this.selected = this.selected === key ? "" : key;
    this.layout.slots.forEach((slot) => this.scenery.column(this, slot, false));
    this.drawMoving();
    this.drawInspector();
    this.host.changed({ selected: this.selected });
  }

  drawInspector() {
    const panel = this.part(".insp");
    const width = ["wide", "narrow"].find((name) => this.root.classList.contains(name)) ?? "";
    this.acts = actions(this, this.selected, this.nowMs, this.film.at);
    const html = panelHtml(this, this.acts, width);
    if (this.panel === html) return;
    const focused = panel.contains(document.activeElement) ? document.activeElement.dataset : {};
    this.panel = html;
    panel.innerHTML = html;
    if (focused.act) panel.querySelector(`[data-act="${focused.act}"]`)?.focus();
    if (focused.seq) panel.querySelector(`[data-seq="${focused.seq}"]`)?.focus();
  }

  onHover(event) {
    const button = event.target.closest?.("[data-act]");
    if (button)
      this.part(".twin").textContent = codeOf(this, this.acts[Number(button.dataset.act)]);
  }

  act(act) {
    const code = codeOf(this, act);
    this.pause();
    this.part(".twin").textContent = code;
    if (!this.host.canAct) {
      this.say(`In a notebook with its kernel this runs: ${code}`);
      return;
    }
    this.say(`${code} …`);
    const about =
      act.for === "message" ? { message: act.id } : act.for === "moment" ? {} : { node: act.id };
    const { seq, data } = this.film;
    const asked = { do: act.do, ...about, ms: 1000, at: seq, run_ms: data.run_on_ms, code };
    this.host.command(asked);
  }

  // ---- events
  onClick(event) {
    const target = event.target.closest("[data-do],[data-act],[data-seq],[data-key]");
    if (!target || !this.root.contains(target)) return;
    const { do: what, act, seq, key, by } = target.dataset;
    if (act !== undefined) this.act(this.acts[Number(act)]);
    else if (seq !== undefined) {
      this.pause();
      this.go(this.film.indexOfSeq(Number(seq)));
    } else if (what === "page") this.turn(this.page + Number(by));
    else if (what === "close") this.open("");
    else if (what) this.press(what);
    else if (key) this.pick(key);
  }

  pick(key) {
    const plain = key.split("@")[0];
    if (plain.startsWith("column:") && this.layout.mode !== "full") this.open(plain.slice(7));
    else this.select(plain);
  }

  press(what) {
    if (what === "play") return this.isPlaying ? this.pause() : this.play();
    this.pause();
    if (what === "home") this.go(0);
    else if (what === "end") this.go(this.film.steps.length - 1);
    else this.step(what === "back" ? -1 : 1);
    return null;
  }

  turn(page) {
    this.page = page;
    this.opened = "";
    this.resize(true);
  }

  open(key) {
    this.opened = this.opened === key ? "" : key;
    this.resize(true);
  }

  onScrub(event, isFirst) {
    const box = this.part(".time").getBoundingClientRect();
    this.pause();
    if (isFirst) this.part(".time").setPointerCapture?.(event.pointerId);
    const index = this.film.indexAt(this.timeline.msAt(event.clientX - box.left));
    const touched = this.film.seek(Math.max(0, index));
    this.nowMs = this.film.step?.atMs ?? this.film.startMs;
    this.draw(touched, false);
    this.narrate(true);
    this.drawInspector();
  }
}
