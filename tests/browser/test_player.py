"""The exported player in Chromium: plays, steps, steps back, by keyboard, any width and theme."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kinaction.viz import to_html
from tests.viz.sample import TOPIC, sample

THEMES = ("light", "dark")
SIZES = ((560, 1000), (960, 740), (1400, 640))
PLAYER = "document.getElementById('kinaction-player').kinaction"
Opens = Callable[..., Any]
LINT = (Path(__file__).parent / "lint.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return to_html(sample(), tmp_path_factory.mktemp("player") / "player.html", first_seq=20)


@pytest.fixture
def opens(chromium: Any, page_file: Path) -> Iterator[Opens]:
    """Opens the player at a width and theme; fails on any console error or request."""
    contexts, troubles = [], []

    def open_page(width: int = 960, height: int = 740, theme: str = "light", **more: Any) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda told: told.type == "error" and troubles.append(told.text))
        page.on("request",
                lambda asked: asked.url.startswith("http") and troubles.append(asked.url))
        page.goto(page_file.as_uri())
        page.wait_for_function("document.getElementById('kinaction-player')?.kinactionReady")
        page.evaluate("document.getElementById('kinaction-player').kinactionReady")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not troubles


def go(page: Any, seq: int) -> None:
    page.evaluate(f"{PLAYER}.go({PLAYER}.film.indexOfSeq({seq}))")
    settled(page)


def settled(page: Any) -> None:
    """All easing is over: what is on the page is the moment's still."""
    page.evaluate(
        "Promise.all(document.getAnimations().map((held) => held.finished.catch(() => 0)))")


def seq(page: Any) -> int:
    return int(page.evaluate(f"{PLAYER}.film.seq"))


def stage(page: Any) -> str:
    text = page.locator(".stage").inner_html()
    return re.sub(r' class="hit fresh"', ' class="hit"', text)


def test_it_opens_at_the_first_shown_step_and_draws_it(opens: Opens) -> None:
    page = opens()
    assert seq(page) == 20
    assert page.locator(".stage .row").count() == 3
    assert page.locator(".stage .col").count() == 4
    assert "kinaction_helloworld on three brokers" in page.locator(".title").inner_text()


def test_it_plays_and_rests(opens: Opens) -> None:
    page = opens()
    page.get_by_role("button", name="play").click()
    page.wait_for_function(f"{PLAYER}.film.seq > 24")
    assert page.get_by_role("button", name="pause").count() == 1
    page.get_by_role("button", name="pause").click()
    rested = seq(page)
    page.wait_for_timeout(150)
    assert seq(page) == rested


def test_it_plays_to_the_end_and_skips_what_is_quiet(opens: Opens) -> None:
    page = opens()
    go(page, 640)
    page.evaluate(f"{PLAYER}.setSpeed(1, true)")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="play").click()
    page.wait_for_function(f"!{PLAYER}.isPlaying")
    assert seq(page) == sample()[-1].seq


def test_stepping_back_gives_the_same_stage_byte_for_byte(opens: Opens) -> None:
    page = opens()
    go(page, 380)
    page.get_by_role("button", name="step", exact=True).click()
    settled(page)
    seen = []
    for _ in range(25):
        seen.append((seq(page), page.evaluate(f"{PLAYER}.film.frozen()"), stage(page)))
        page.get_by_role("button", name="step", exact=True).click()
        settled(page)
    assert seen[-1][0] > seen[0][0] + 20
    for number, scene, drawn in reversed(seen):
        page.get_by_role("button", name="step back").click()
        settled(page)
        assert seq(page) == number
        assert page.evaluate(f"{PLAYER}.film.frozen()") == scene, f"the scene of step {number}"
        assert stage(page) == drawn, f"the stage of step {number}"


def test_a_redraw_by_patches_equals_a_redraw_of_everything(opens: Opens) -> None:
    page = opens()
    for number in range(380, 440, 3):
        go(page, number)
        by_patches = stage(page)
        page.evaluate(f"{PLAYER}.resize(true)")
        assert stage(page) == by_patches, f"step {number}"


def test_the_keyboard_drives_it(opens: Opens) -> None:
    page = opens()
    page.locator(".time").focus()
    start = seq(page)
    page.keyboard.press("ArrowRight")
    assert seq(page) > start
    page.keyboard.press("ArrowLeft")
    assert seq(page) == start
    page.keyboard.press("Shift+ArrowRight")
    assert seq(page) >= start + 10
    page.keyboard.press("End")
    assert seq(page) == sample()[-1].seq
    page.keyboard.press("[")
    fenced = page.evaluate(f"{PLAYER}.film.data.ticks.at(-1)[1]")
    assert seq(page) == fenced
    page.keyboard.press("Home")
    assert seq(page) == 20
    page.keyboard.press(" ")
    page.wait_for_function(f"{PLAYER}.isPlaying")
    page.keyboard.press(" ")
    page.wait_for_function(f"!{PLAYER}.isPlaying")


def test_tab_visits_transport_stage_timeline_inspector_actions(opens: Opens) -> None:
    page = opens()
    go(page, 431)
    page.evaluate(f"{PLAYER}.select('record:{TOPIC}-0/21')")
    page.evaluate("document.activeElement.blur()")
    visited = []
    for _ in range(20):
        page.keyboard.press("Tab")
        visited.append(page.evaluate(
            "(document.activeElement.closest('.say,.stagebox,.tl,.insp')?.className ?? '')"
            " + ' ' + (document.activeElement.dataset.act !== undefined ? 'act' : '')").strip())
    order = [name for name in dict.fromkeys(visited) if name]
    assert order == ["say", "stagebox", "tl", "insp", "insp act"]


def test_arrows_walk_the_cells_and_enter_selects(opens: Opens) -> None:
    page = opens()
    go(page, 431)
    page.locator(".stage").focus()
    page.keyboard.press("ArrowRight")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert "partition 2, offset 10" in page.evaluate(focused)
    page.keyboard.press("ArrowLeft")
    assert "offset 9: appended, not known committed; key alert" in page.evaluate(focused)
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused).startswith("broker 1,")
    page.keyboard.press("Control+ArrowLeft")
    assert "partition 1" in page.evaluate(focused)
    page.keyboard.press("Enter")
    assert "record" in page.locator(".insp .head").inner_text()
    assert "partition 1" in page.locator(".insp .head").inner_text()
    page.keyboard.press("Escape")
    assert page.locator(".insp .head").inner_text() == "Nothing is selected"


def test_the_life_of_a_record_shows_its_wait_and_leads_there(opens: Opens) -> None:
    page = opens()
    go(page, 431)
    page.locator(f'[data-key="record:{TOPIC}-0/21@1"]').click()
    panel = page.locator(".insp")
    assert "record 21 of partition 0" in panel.inner_text()
    assert "6.936 s" in panel.inner_text()
    assert "dead but in the ISR" in panel.inner_text().replace("\n", " ")
    assert page.locator(".stage .sel").count() == 2
    assert page.locator(".stage .ghost").count() == 1
    page.locator(".insp .moment").first.click()
    assert page.evaluate(f"{PLAYER}.nowMs") == 6000


def test_a_message_can_be_chosen_and_its_button_says_the_code(opens: Opens) -> None:
    page = opens()
    go(page, 431)
    page.locator(".stage").focus()
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    number = page.evaluate(f"Number({PLAYER}.selected.split(':')[1])")
    page.get_by_role("button", name="drop it").click()
    code = f"other = cluster.fork(at=431); other.drop(message={number}); other.run(seconds=40)"
    assert page.locator(".twin").inner_text() == code
    assert code in page.locator(".words").inner_text()


def test_a_broker_can_be_chosen(opens: Opens) -> None:
    page = opens()
    go(page, 431)
    page.locator('[data-key="broker:2"]').click()
    assert page.locator(".acts").get_by_role("button", name="restart b2").count() == 1
    page.locator('[data-key="broker:1"]').click()
    assert page.locator(".acts").get_by_role("button", name="kill b1").count() == 1


def test_scrubbing_moves_time(opens: Opens) -> None:
    page = opens()
    box = page.locator(".time").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 30)
    middle = page.evaluate(f"{PLAYER}.nowMs")
    assert 3000 < middle < 12000
    page.mouse.click(box["x"] + box["width"] - 10, box["y"] + 30)
    assert page.evaluate(f"{PLAYER}.nowMs") > middle


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_it_fits_its_width_and_axe_finds_nothing(
    opens: Opens, artefacts: Path, width: int, height: int, theme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")
    page = opens(width, height, theme)
    go(page, 431)
    page.evaluate(f"{PLAYER}.select('record:{TOPIC}-0/21')")
    page.screenshot(path=artefacts / f"player_{width}_{theme}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".kinaction").get_attribute("data-theme") == theme
    found = axe.Axe().run(page).response["violations"]
    assert not found, [(held["id"], [node["html"][:120] for node in held["nodes"]])
                       for held in found]


@pytest.mark.parametrize("font", ["Inter", "DejaVu Sans"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_text_overlaps_on_the_page(opens: Opens, width: int, height: int, font: str) -> None:
    page = opens(width, height)
    page.add_style_tag(content=f".kinaction{{font-family:'{font}',sans-serif}}")
    page.evaluate(f"{PLAYER}.select('record:{TOPIC}-0/21')")
    for number in (60, 380, 393, 417, 421, 431, 500, 650):
        go(page, number)
        told = page.evaluate(LINT)
        assert told["least"] >= 11, number
        assert told["texts"] > 30
        assert not told["found"], (number, told["found"])


def test_reduced_motion_shows_stills(opens: Opens) -> None:
    page = opens(reduced_motion="reduce")
    page.get_by_role("button", name="play").click()
    page.wait_for_function(f"{PLAYER}.film.at > 2")
    assert page.evaluate("document.getAnimations().length") == 0
    page.get_by_role("button", name="pause").click()


def test_narration_is_a_polite_status_and_the_stage_a_group(opens: Opens) -> None:
    page = opens()
    go(page, 430)
    status = page.get_by_role("status")
    assert status.get_attribute("aria-live") == "polite"
    assert "becomes the leader of partition 1" in status.inner_text()
    assert page.locator(".stage").get_attribute("role") == "group"
    assert page.get_by_role("slider").get_attribute("aria-valuetext").startswith("12.952 s")
    label = page.locator('[data-key="broker:2"]').get_attribute("aria-label")
    assert label == "broker 2, offline for 8.950 s; 4 replicas, 1 in the ISR"


def test_it_cleans_up(opens: Opens) -> None:
    page = opens()
    page.evaluate(f"{PLAYER}.play()")
    page.evaluate(f"{PLAYER}.dispose()")
    assert page.locator(".kinaction").count() == 0


def test_a_real_cluster_plays_without_overlaps(
    chromium: Any, tmp_path: Path, artefacts: Path
) -> None:
    from tests.viz.real import TOPIC as TRAMS
    from tests.viz.real import cluster

    made = cluster()
    path = to_html(made.trace, tmp_path / "real.html", first_seq=made.first_seq)
    page = chromium.new_page(viewport={"width": 960, "height": 740})
    page.goto(path.as_uri())
    page.evaluate("document.getElementById('kinaction-player').kinactionReady")
    page.evaluate(f"{PLAYER}.select('record:{TRAMS}-0/0')")
    count = page.evaluate(f"{PLAYER}.film.steps.length")
    for part in range(1, 20):
        page.evaluate(f"{PLAYER}.go({PLAYER}.film.nextLoud({count * part // 20}, 1))")
        settled(page)
        told = page.evaluate(LINT)
        assert not told["found"], (page.evaluate(f"{PLAYER}.film.seq"), told["found"])
    page.screenshot(path=artefacts / "real_960_light.png")
    page.close()


def test_a_cluster_in_which_nothing_happened_can_be_shown(chromium: Any, tmp_path: Path) -> None:
    from kinaction import Cluster

    made = Cluster(brokers=1)
    path = to_html(made.trace, tmp_path / "empty.html", first_seq=made.first_seq)
    page = chromium.new_page(viewport={"width": 960, "height": 740})
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(path.as_uri())
    page.evaluate("document.getElementById('kinaction-player').kinactionReady")
    for name in ("play", "step", "step back", "to the end", "to the start"):
        page.get_by_role("button", name=name, exact=True).click()
    page.locator(".time").click()
    assert page.locator(".words").inner_text() == "The beginning."
    assert not troubles
    page.close()


def test_below_its_least_width_the_stage_scrolls(opens: Opens) -> None:
    page = opens(400, 900)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.evaluate("document.querySelector('.stagebox').scrollWidth") > 400
