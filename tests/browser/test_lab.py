"""The player in JupyterLab: it plays, steps back, forks and kills, by mouse and by keyboard."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.lab import LabServer, Notebook, write_notebook
from tests.browser.lab_player import LivePlayer
from tests.conftest import REPOSITORY

SHOWN = "five_minutes.ipynb"
FIRST = "00_start_here.ipynb"
SOLVED = "00_solved.ipynb"
TOPIC = "kinaction_helloworld"
PLAYS, KEYS, MOUSE_KILLS, KEYS_KILL, DROPS, ELECTION = 1, 2, 3, 4, 5, 7
"""The cells that show players, each for the tests that may change it."""


def five_minutes() -> list[str]:
    """The README's five minutes; the cluster is shown after its first and its second block."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    hello, kill, serve = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    return [hello, "view = cluster.view(); view", *["cluster"] * 4, kill, "cluster",
            serve.replace("cluster", "Cluster()")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab on the course and on a notebook with the README's code."""
    folder = tmp_path_factory.mktemp("course")
    write_notebook(folder / SHOWN, five_minutes())
    shutil.copyfile(REPOSITORY / "notebooks" / "solutions" / FIRST, folder / SOLVED)
    server = LabServer(folder, tmp_path_factory.mktemp("home"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def troubles() -> list[str]:
    """What the pages complained of, and whom they asked besides the server."""
    return []


@pytest.fixture(scope="module")
def opened(chromium: Any, lab: LabServer, troubles: list[str]) -> Iterator[Notebook]:
    """The five minutes, run to their end, in a page for all tests."""
    context = chromium.new_context(viewport={"width": 1280, "height": 960})
    notebook = Notebook(context.new_page(), lab, SHOWN, troubles)
    notebook.run_all()
    yield notebook
    context.close()


@pytest.fixture
def notebook(opened: Notebook, troubles: list[str]) -> Iterator[Notebook]:
    """The same; a test fails when its page complained."""
    troubles.clear()
    yield opened
    assert not troubles


def acknowledgment(player: LivePlayer) -> tuple[int, int]:
    """The message that carries the acknowledgment, and the step that sent it."""
    number, sent = player.of(
        "view.film.flights.filter((flight) => flight.kind === 'ack')"
        ".map((flight) => [flight.number, flight.sentSeq]).at(-1)")
    return int(number), int(sent)


def test_the_five_minutes_of_the_readme_run_to_their_end(notebook: Notebook) -> None:
    assert notebook.errors() == []
    said = notebook.texts()
    assert "b'hello world' from partition 1 offset 0" in said[0]
    assert "leads now, and the record is where it was" in said[6]
    assert said[7].startswith("kinaction_helloworld on three brokers: ")
    assert re.search(r"bootstrap\.servers = [\w.]+:\d+", said[8])


def test_it_plays_rests_and_tells_the_kernel(notebook: Notebook) -> None:
    player = notebook.player(PLAYS)
    start = player.seq
    player.click("play")
    player.until(f"view.film.seq > {start} + 10")
    player.click("pause")
    rested = player.seq
    player.until("!view.isPlaying")
    notebook.page.wait_for_timeout(200)  # what must not happen can only be waited for
    assert player.seq == rested
    assert notebook.ask("view.widget.step, view.widget.playing") == f"{rested} False"


def test_the_kernel_moves_it(notebook: Notebook) -> None:
    player = notebook.player(PLAYS)
    notebook.ask("setattr(view.widget, 'step', 150)")
    player.until("view.film.seq === 150")
    notebook.ask(f"setattr(view.widget, 'selected', 'record:{TOPIC}-1/0')")
    player.until("view.selected !== ''")
    assert player.head == "record 0 of partition 1"
    assert "hello world" in player.root.locator(".insp").inner_text()
    player.focus(".stage")
    player.press("Escape")


def test_it_steps_back_to_the_same_state_byte_for_byte(notebook: Notebook) -> None:
    player = notebook.player(PLAYS)
    player.click("to the start")
    seen = [(player.seq, player.frozen())]
    for _ in range(30):
        player.click("step")
        seen.append((player.seq, player.frozen()))
    assert len({state for _, state in seen}) > 25
    for seq, state in reversed(seen[:-1]):
        player.click("step back")
        assert (player.seq, player.frozen()) == (seq, state), f"step {seq}"


def test_the_state_it_shows_is_the_trace_of_the_kernel(notebook: Notebook) -> None:
    player = notebook.player(PLAYS)
    player.click("to the end")
    then = f"cluster.back(to={player.seq})"
    assert player.leader_of(f"{TOPIC}-1") == int(notebook.ask(f"{then}.leader('{TOPIC}', 1)"))
    for broker in (1, 2, 3):
        shown = player.of(f"view.scene['tape/{TOPIC}-1/{broker}'].hw")
        path = f"partitions/{TOPIC}-1/high_watermark"
        assert shown == int(notebook.ask(f"{then}.state[{broker}]['{path}']"))


def test_players_of_one_page_share_no_name(notebook: Notebook) -> None:
    """Each is a module of its own; a shared id would clip one by the playhead of another."""
    for at in (PLAYS, KEYS, MOUSE_KILLS, KEYS_KILL, DROPS, ELECTION):
        notebook.player(at)
    ids = notebook.page.evaluate(
        "[...document.querySelectorAll('.kinaction [id]')].map((held) => held.id)")
    assert len(ids) >= 12
    assert len(set(ids)) == len(ids)


def test_the_keyboard_drives_the_player_and_not_the_notebook(notebook: Notebook) -> None:
    player = notebook.player(KEYS)
    player.focus(".time")
    active = notebook.active()
    first = player.seq
    player.press("ArrowRight")
    second = player.seq
    assert second > first
    player.press("ArrowRight", "ArrowLeft")
    assert player.seq == second
    state = player.frozen()
    player.press("Shift+ArrowRight")
    assert player.seq >= second + 10
    player.press("Shift+ArrowLeft")
    player.go(second)
    assert player.frozen() == state
    player.press("End")
    assert player.seq == player.last
    player.press("Home")
    assert player.seq == first
    player.press(" ")
    player.until("view.isPlaying && view.film.at > 3")
    player.press(" ")
    assert not player.of("view.isPlaying")
    player.press("a", "b", "x")  # cells above and below, and a cell cut, were the notebook to hear
    assert notebook.active() == active


def test_a_fork_is_made_by_its_button(notebook: Notebook) -> None:
    player = notebook.player(MOUSE_KILLS)
    _, sent = acknowledgment(player)
    player.go(sent)
    whole, cells = player.last, tapes(player)
    player.click("fork here: what if …")
    player.until(f"view.film.steps.at(-1).seq === {sent}")
    assert whole > sent
    assert tapes(player) == cells
    assert f"other = cluster.fork(at={sent})" in player.words


def tapes(player: LivePlayer) -> list[object]:
    """The columns, rows and tapes of the moment."""
    return list(player.of(
        "Object.entries(view.scene).filter(([key]) => /^(col|row|tape)/.test(key)).sort()"))


def test_a_leader_is_killed_by_mouse_and_another_elected(
    notebook: Notebook, artifacts: Path
) -> None:
    player = notebook.player(MOUSE_KILLS)
    leader = player.leader_of(f"{TOPIC}-1")
    end = player.last
    player.pick(f"broker:{leader}")
    assert player.head == f"broker {leader}"
    player.click(f"kill b{leader}")
    shows_the_election(player, leader, end)
    player.root.screenshot(path=artifacts / "lab_killed_by_mouse.png")
    assert notebook.ask(f"cluster.fork(at={end}).leader('{TOPIC}', 1)") == str(leader)


def shows_the_election(player: LivePlayer, leader: int, killed_at: int) -> None:
    """After a kill at a step: the death, the fencing, the election, and the new star."""
    player.until(f"view.film.steps.at(-1).seq > {killed_at} + 300")
    assert f"kill({leader})" in player.words
    player.go(killed_at)
    player.go(player.seq_of(f"Broker {leader} is killed"))
    assert "is killed" in player.words
    player.go(player.seq_of(f"now leads {TOPIC}-1"))
    new = player.leader_of(f"{TOPIC}-1")
    assert new not in (0, leader)
    assert player.words.startswith(f"Broker {new} now leads {TOPIC}-1")
    assert f"★{new}" in player.root.locator(f'[data-key="column:{TOPIC}-1"]').text_content()
    label = player.root.locator(f'[data-key="broker:{leader}"]').get_attribute("aria-label")
    assert label.startswith(f"broker {leader}, offline for ")


def test_a_leader_is_killed_by_keyboard_and_another_elected(
    notebook: Notebook, artifacts: Path
) -> None:
    player = notebook.player(KEYS_KILL)
    player.focus(".time")
    player.press("End")
    leader, end = player.leader_of(f"{TOPIC}-1"), player.last
    player.focus(".stage")
    player.press("ArrowRight")
    assert "offset" in player.focused
    walk_to_broker(player, leader)
    player.press("Enter")
    assert player.head == f"broker {leader}"
    player.press("k")
    shows_the_election(player, leader, end)
    player.root.screenshot(path=artifacts / "lab_killed_by_keyboard.png")
    restart_by_keyboard(player, leader)


def walk_to_broker(player: LivePlayer, broker: int) -> None:
    """By arrows from a cell to the header of a row."""
    for _ in range(20):
        if player.focused.startswith("broker ") and "offset" not in player.focused:
            break
        player.press("Control+ArrowLeft")
    for _ in range(5):
        here = int(player.focused.split(",")[0].split()[1])
        if here == broker:
            return
        player.press("ArrowDown" if here < broker else "ArrowUp")
    raise AssertionError(f"no way to broker {broker}: {player.focused}")


def restart_by_keyboard(player: LivePlayer, broker: int) -> None:
    """The dead broker is still selected: r brings it back."""
    player.focus(".time")
    player.press("End")
    end = player.last
    player.press("r")
    player.until(f"view.film.steps.at(-1).seq > {end}")
    player.press("End")
    label = player.root.locator(f'[data-key="broker:{broker}"]').get_attribute("aria-label")
    assert "offline" not in label


def test_an_acknowledgment_is_dropped_by_keyboard(notebook: Notebook, artifacts: Path) -> None:
    player = notebook.player(DROPS)
    number, sent = acknowledgment(player)
    player.go(sent)
    before = player.last
    player.focus(".stage")
    for _ in range(30):
        player.press("m")
        if player.root.locator(f'[data-key="message:{number}"]').evaluate(
                "(token) => token === document.activeElement"):
            break
    player.press("Enter")
    assert f"{number}" in player.root.locator(".insp dl").inner_text()
    player.press("d")
    player.until(f"view.film.steps.at(-1).seq !== {before} && view.words !== ''")
    assert f"drop(message={number})" in player.words
    player.go(sent)
    player.go(player.seq_of("lost"))
    token = player.root.locator(f'.stage [data-key="message:{number}"]')
    assert token.get_attribute("aria-label").endswith(", lost")
    assert player.root.get_by_role("button", name="drop it").count() == 0
    player.root.screenshot(path=artifacts / "lab_dropped.png")
    player.press("End")
    assert player.of("view.film.steps.some((step) => step.words.includes('again'))")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_takes_the_theme_of_the_lab_and_axe_finds_nothing(
    notebook: Notebook, artifacts: Path, theme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")
    notebook.theme(theme)
    player = notebook.player(ELECTION)
    player.until(f"view.root.dataset.theme === '{theme}'")
    player.of("view.go(0)")
    player.go(player.seq_of(f"now leads {TOPIC}-1"))
    player.of(f"(view.selected = '', view.select('record:{TOPIC}-1/0'))")
    player.settle()
    notebook.page.screenshot(path=artifacts / f"lab_{theme}.png")
    found = axe.Axe().run(notebook.page, context=".kinaction").response["violations"]
    assert not found, [(held["id"], [node["html"][:120] for node in held["nodes"]])
                       for held in found]


def code_cells(name: str) -> dict[int, Any]:
    """The code cells of a built notebook, by their place."""
    held = nbformat.read(REPOSITORY / "notebooks" / name, 4).cells
    return {at: cell for at, cell in enumerate(held) if cell.cell_type == "code"}


@pytest.fixture
def opens(chromium: Any, lab: LabServer) -> Iterator[Callable[[str], Notebook]]:
    """Opens another notebook, in a page of its own."""
    context = chromium.new_context(viewport={"width": 1280, "height": 960})
    complaints: list[str] = []
    yield lambda name: Notebook(context.new_page(), lab, name, complaints)
    context.close()
    assert not complaints


def test_the_first_chapter_runs_to_its_end_and_fails_in_its_checks_only(
    opens: Callable[[str], Notebook], artifacts: Path
) -> None:
    cells = code_cells(FIRST)
    notebook = opens(FIRST)
    notebook.theme("light")
    notebook.run_all()
    assert notebook.executed() == len(cells)
    unsolved = [at for at, cell in cells.items()
                if "raises-exception" in cell.metadata.get("tags", ())]
    assert len(unsolved) > 5
    assert [at for at, _ in notebook.errors()] == unsolved
    plays_and_breaks(notebook, next(at for at, cell in cells.items() if cell.source == "cluster"))
    notebook.page.screenshot(path=artifacts / "lab_00_start_here.png")


def plays_and_breaks(notebook: Notebook, at: int) -> None:
    """What the chapter asks of its learner: play to the end, then kill the leader there."""
    player = notebook.player(at)
    player.focus(".time")
    player.press(" ")
    player.until("view.isPlaying && view.film.at > 3")
    player.press(" ", "End")
    leader, end = player.leader_of(f"{TOPIC}-1"), player.last
    player.pick(f"broker:{leader}")
    player.press("k")
    shows_the_election(player, leader, end)


def test_the_solutions_of_the_first_chapter_run_to_their_end(
    opens: Callable[[str], Notebook]
) -> None:
    cells = code_cells(f"solutions/{FIRST}")
    notebook = opens(SOLVED)
    notebook.run_all()
    assert notebook.executed() == len(cells)
    meant = [at for at, cell in cells.items()
             if any(output.output_type == "error" for output in cell.outputs)]
    assert len(meant) == 1
    assert [at for at, _ in notebook.errors()] == meant
