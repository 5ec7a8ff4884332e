"""The lenses in Chromium: no text on another in any usual font, and the kill line can be moved."""

import json
from pathlib import Path

import pytest

from kinaction.cluster.tables import TABLES
from kinaction.viz.lenses import svg as words
from kinaction.viz.lenses.acks import acks_lens
from kinaction.viz.lenses.life import life
from kinaction.viz.lenses.timeline import timeline
from kinaction.viz.states import state_diagram
from tests.viz.lenses.sample import acks_runs, three_guarantees
from tests.viz.lenses.stories import random_run

pytestmark = pytest.mark.tier("browser")
HEADS = ("at most once\nproducer: acks=0\nconsumer: commits, then processes",
         "at least once\nproducer: acks=all", "idempotent")
LINT = """() => {
  const found = [];
  const shrunk = (b) => ({l: b.left + .5, r: b.right - .5, t: b.top + 3, b: b.bottom - 3});
  const hit = (p, q) => p.l < q.r && q.l < p.r && p.t < q.b && q.t < p.b;
  for (const svg of document.querySelectorAll("svg")) {
    const page = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter((t) => t.textContent.trim())
      .map((t) => ({words: t.textContent, box: t.getBoundingClientRect(),
                    size: parseFloat(getComputedStyle(t).fontSize)}));
    for (const t of texts) {
      if (t.box.right > page.right + 1 || t.box.left < page.left - 1) found.push(`OUT ${t.words}`);
      if (t.size < 11) found.push(`SMALL ${t.words}`);
    }
    texts.forEach((one, at) => texts.slice(at + 1).forEach((other) => {
      if (hit(shrunk(one.box), shrunk(other.box))) found.push(`${one.words} | ${other.words}`);
    }));
  }
  return found;
}"""


def pictures(width):
    runs = acks_runs()
    made = [timeline(three_guarantees(), titles=HEADS, width=width), acks_lens(runs, width=width),
            life(runs[2].trace, "trams", 0, 2)]
    made += [timeline([random_run(seed)], width=width) for seed in (4, 11, 18)]
    return [*made, *(state_diagram(table) for table in TABLES.values())]


@pytest.fixture(scope="module")
def browser(chromium):
    return chromium


@pytest.mark.parametrize("font", ["Inter", "DejaVu Sans"])
@pytest.mark.parametrize("width", [560, 960, 1400])
def test_no_text_on_another_in_any_font(browser, width, font, tmp_path):
    page = browser.new_page(viewport={"width": 1500, "height": 900})
    for index, picture in enumerate(pictures(width)):
        file = tmp_path / f"{index}.html"
        svg = picture.svg.replace("Inter,", f'"{font}",', 1)
        file.write_text(f"<!doctype html><body style='margin:0'>{svg}", "utf-8")
        page.goto(file.as_uri())
        assert page.evaluate(LINT) == [], repr(picture)
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_follow_the_readers_theme(browser, theme, tmp_path):
    page = browser.new_page(color_scheme=theme)
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html>{acks_lens(acks_runs()).svg}", "utf-8")
    page.goto(file.as_uri())
    fill = page.evaluate("getComputedStyle(document.querySelector('.page')).fill")
    assert fill == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 27)"}[theme]
    page.close()


LIVE = """<!doctype html><body><div id="here"></div><script type="module">
MODULE
const held = DATA;
const model = { get: (name) => held[name], set: (name, given) => { held[name] = given; },
  save_changes: () => { window.saved = structuredClone(held.chosen); }, on() {} };
lens.render({ model, el: document.getElementById("here") });
window.ready = true;
</script>"""


@pytest.fixture
def live(browser, tmp_path):
    """Opens the live face of a picture without a notebook: its module, its data, a bare model."""
    opened = []

    def show(picture, module):
        code = (Path(words.__file__).parents[1] / "static" / module).read_text("utf-8")
        held = {name: getattr(picture.widget, name) for name in ("svg", "data")}
        html = LIVE.replace("MODULE", code.replace("export default", "const lens =")).replace(
            "DATA", json.dumps(held).replace("</", "<\\/"))
        file = tmp_path / "live.html"
        file.write_text(html, "utf-8")
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.on("pageerror", lambda error: opened.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_function("window.ready")
        return page

    yield show
    assert not opened


def test_the_kill_line_moves_by_keys_and_tells(live):
    run = acks_runs()[1]
    page = live(acks_lens(acks_runs()), "acks.js")
    lines = page.locator("[role=slider]")
    assert lines.count() == 3
    line = lines.nth(1)
    line.focus()
    page.keyboard.press("Home")
    first = run.bands[0][0]
    assert page.evaluate("window.saved") == {
        "run": "acks=1", "at_ms": 0, "verdict": first.verdict, "text": first.text}
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert line.get_attribute("aria-valuenow") == "3"
    told = page.locator("[role=status]").text_content()
    assert told.startswith("acks=1, leader killed at 3 ms: LOST, acked, yet lost.")
    assert page.locator(".state").nth(1).locator(".verdict text").last.text_content() == "LOST"
    page.keyboard.press("End")
    assert page.locator(".state").nth(1).locator(".verdict text").last.text_content() == "SURVIVES"
    assert page.locator(".state").nth(1).locator("rect.full").count() == 3
    page.close()


def test_the_kill_line_can_be_dragged(live):
    page = live(acks_lens(acks_runs()), "acks.js")
    box = page.locator("[role=slider]").nth(2).locator("rect").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 5, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.up()
    saved = page.evaluate("window.saved")
    assert saved["run"] == "acks=all"
    assert saved["text"] == "resent, recognised: once"
    page.close()


def test_a_transition_runs_along_its_edge(live):
    quorum = TABLES["quorum"]
    page = live(state_diagram(quorum, "leader", last=("candidate", "majority granted")),
                "states.js")
    page.wait_for_function(
        "document.querySelector('[data-node=leader]').classList.contains('current')")
    assert page.locator("[data-edge].last").count() == 1
    assert page.locator(".mover").count() == 0
    page.close()
