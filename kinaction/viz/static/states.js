// A state diagram, alive: the last transition runs along its edge, then the state lights up.
const NS = "http://www.w3.org/2000/svg";
const FLIGHT_MS = 700;

function light(svg, current) {
  svg.querySelectorAll("[data-node]").forEach((node) => {
    node.classList.toggle("current", node.dataset.node === current);
  });
}

function run(svg, moved, done) {
  const edge = [...svg.querySelectorAll("[data-edge]")].find((each) => each.dataset.edge === moved);
  svg.querySelectorAll("[data-edge]").forEach((each) => each.classList.toggle("last", each === edge));
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!edge || calm) return done();
  const path = edge.querySelector("path");
  const mover = document.createElementNS(NS, "circle");
  mover.setAttribute("r", 6);
  mover.setAttribute("class", "mover");
  edge.appendChild(mover);
  const begin = performance.now();
  const step = (now) => {
    const part = Math.min(1, (now - begin) / FLIGHT_MS);
    const point = path.getPointAtLength(part * path.getTotalLength());
    mover.setAttribute("cx", point.x);
    mover.setAttribute("cy", point.y);
    if (part < 1) return requestAnimationFrame(step);
    mover.remove();
    return done();
  };
  return requestAnimationFrame(step);
}

function render({ model, el }) {
  const show = () => {
    el.innerHTML = model.get("svg");
    const svg = el.querySelector("svg");
    const { current, moved } = model.get("data");
    if (!moved) return light(svg, current);
    light(svg, moved.split("->")[0]);
    return run(svg, moved, () => light(svg, current));
  };
  model.on("change:data", show);
  show();
}

export default { render };
