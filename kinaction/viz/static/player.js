// The widget's door: anywidget calls render; an exported page does so with a model of its own.
import { View } from "./view.js";

export function render({ model, el }) {
  let timer = 0;
  const pending = {};
  const host = {
    get step() {
      return model.get("step");
    },
    get speed() {
      return model.get("speed");
    },
    get selected() {
      return model.get("selected");
    },
    get canAct() {
      return model.get("can_act");
    },
    // Synced when it rests: a burst of steps is one message.
    changed(values) {
      Object.assign(pending, values);
      clearTimeout(timer);
      timer = setTimeout(() => flush(), 120);
    },
    command(order) {
      flush();
      model.set(
        "command",
        JSON.stringify({ ...order, nonce: (host.nonce = (host.nonce ?? 0) + 1) }),
      );
      model.save_changes();
    },
  };
  const flush = () => {
    let isNew = false;
    for (const [name, value] of Object.entries(pending)) {
      if (model.get(name) !== value) isNew = true;
      model.set(name, value);
      delete pending[name];
    }
    if (isNew) model.save_changes();
  };
  const view = new View(el, host);
  el.kinaction = view;
  const load = () =>
    view.load(bytesOf(model.get("trace"))).then(() => model.get("playing") && view.play());
  const listeners = {
    "change:trace": load,
    "change:step": () =>
      view.film &&
      model.get("step") !== view.film.seq &&
      (view.pause(), view.go(view.film.indexOfSeq(model.get("step")))),
    "change:playing": () => view.film && (model.get("playing") ? view.play() : view.pause()),
    "change:speed": () => view.film && view.setSpeed(model.get("speed"), false),
    "change:selected": () =>
      view.film &&
      model.get("selected") !== view.selected &&
      view.select(model.get("selected") || view.selected),
    "change:answer": () =>
      model.get("answer") && view.say(model.get("answer").replace(/^\d+ /, "")),
  };
  for (const [name, act] of Object.entries(listeners)) model.on(name, act);
  const ready = load();
  el.kinactionReady = ready;
  return () => {
    clearTimeout(timer);
    for (const [name, act] of Object.entries(listeners)) model.off(name, act);
    view.dispose();
  };
}

function bytesOf(trace) {
  return trace instanceof DataView
    ? new Uint8Array(trace.buffer, trace.byteOffset, trace.byteLength)
    : new Uint8Array(trace);
}

export default { render };
