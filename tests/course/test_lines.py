"""Log files that a learner drops in: good, bad, huge, binary, none."""

import os
from pathlib import Path

import pytest

from kinaction.course import lines


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty inbox, a sample of one line, and a machine without logs."""
    for name in ("inbox", "sample", "machine"):
        (tmp_path / name).mkdir()
    (tmp_path / "sample" / "web.log").write_text("hello\n")
    monkeypatch.setattr(lines, "data", lambda name: tmp_path / name)
    monkeypatch.setattr(lines, "INBOX", "inbox")
    monkeypatch.setattr(lines, "SAMPLE", "sample")
    monkeypatch.setattr(lines, "MACHINE", tmp_path / "machine")
    return tmp_path / "inbox"


def texts(logs: lines.Logs) -> list[tuple[str, str]]:
    return [(line.server, line.text) for line in logs.lines]


def test_servers_are_taken_in_turn(inbox: Path) -> None:
    (inbox / "a.log").write_text("a1\n\na2\na3\n")
    (inbox / "b.txt").write_text("b1")
    (inbox / "c.csv").write_text("not a log")
    logs = lines.read_logs("inbox")
    assert texts(logs) == [("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3")]
    assert [line.number for line in logs.lines] == [1, 1, 3, 4]
    (inbox / "README.md").write_text("drop your logs here")
    (inbox / "admin.log").write_text("x")
    logs = lines.read_logs("inbox")
    assert repr(logs).splitlines() == [
        "5 lines of 3 servers (inbox): a, admin-log, b",
        "left out: c.csv: only files named *.log and *.txt are read"]


def test_an_empty_inbox_says_what_to_put_in(inbox: Path) -> None:
    said = "no lines (inbox): put files named *.log or *.txt into data/inbox"
    assert repr(lines.read_logs("inbox")) == said
    (inbox / "photo.log").write_bytes(b"\xff\xd8\0")
    assert repr(lines.read_logs("inbox")) == (
        f"{said}\nleft out: photo.log is not text: it holds zero bytes")
    (inbox / "photo.log").unlink()
    inbox.rmdir()
    assert lines.read_logs("inbox").lines == ()


def test_mine_is_the_inbox_then_the_machine_then_the_sample(inbox: Path) -> None:
    assert texts(lines.read_logs()) == [("web", "hello")]
    (inbox.parent / "machine" / "dpkg.log").write_text("installed\n")
    assert texts(lines.read_logs()) == [("dpkg", "installed")]
    (inbox / "own.log").write_text("own\n")
    assert texts(lines.read_logs()) == [("own", "own")]


def test_an_unknown_source_names_the_known_ones(inbox: Path) -> None:
    with pytest.raises(ValueError, match="no logs called 'x'; there are sample, inbox, machine"):
        lines.read_logs("x")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\x7fELF\0\0", "holds zero bytes"), (b"\xff\x01\x02\x9f", "neither UTF-8 nor Latin-1")],
)
def test_a_binary_file_is_left_out_with_a_sentence(inbox: Path, content: bytes, said: str) -> None:
    (inbox / "bad.log").write_bytes(content)
    (inbox / "good.log").write_text("fine\n")
    logs = lines.read_logs("inbox")
    assert texts(logs) == [("good", "fine")]
    assert len(logs.skipped) == 1
    assert said in logs.skipped[0]
    assert "left out: bad.log is not text" in repr(logs)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_a_file_that_may_not_be_read(inbox: Path) -> None:
    (inbox / "shut.log").write_text("x")
    (inbox / "shut.log").chmod(0)
    assert lines.read_logs("inbox").skipped == ("shut.log cannot be read: Permission denied",)


def test_a_file_that_cannot_be_opened(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inbox / "shut.log").write_text("x")

    def refuse(path: Path) -> tuple[bytes, bool]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(lines, "_tail", refuse)
    assert lines.read_logs("inbox").skipped == ("shut.log cannot be read: Permission denied",)


def test_an_empty_file_is_named(inbox: Path) -> None:
    (inbox / "empty.log").write_text("\n \n")
    assert lines.read_logs("inbox").skipped == ("empty.log holds no line of text",)


def test_latin_1_is_text_too(inbox: Path) -> None:
    (inbox / "old.log").write_bytes("Fähre voll\n".encode("latin-1"))
    assert texts(lines.read_logs("inbox")) == [("old", "Fähre voll")]


def test_a_huge_file_is_read_from_its_end_only(inbox: Path) -> None:
    with (inbox / "huge.log").open("w") as file:
        file.writelines(f"line {n} {'x' * 90}\n" for n in range(20_000))
        file.write("y" * 10_000)
    logs = lines.read_logs("inbox")
    assert len(logs.lines) == lines.MAX_LINES
    assert logs.lines[-1].text == "y" * lines.MAX_LINE
    assert logs.lines[0].text.startswith("line 19501 ")
    assert logs.skipped == ("huge.log: all but its last 500 lines",)


def test_too_many_files_are_named(inbox: Path) -> None:
    for n in range(lines.MAX_FILES + 1):
        (inbox / f"{n:02}.log").write_text("x\n")
    assert lines.read_logs("inbox").skipped == ("20.log: more than 20 files",)


def test_alarms() -> None:
    alarm = [line.is_alarm for line in map(_line, ("an error", "GET 500 3ms", "all fine"))]
    assert alarm == [True, True, False]


def _line(text: str) -> lines.Line:
    return lines.Line(server="a", number=1, text=text)


def test_the_shipped_sample_and_rows() -> None:
    logs = lines.read_logs("sample")
    assert logs.servers == ("disk-1", "shop-2", "web-1")
    assert len(logs.lines) == 90
    assert logs.skipped == ("camera-1.log is not text: it holds zero bytes",)
    first = lines.rows("01/server_lines.csv")[0]
    assert isinstance(first.at_ms, int)
    assert first.service in ("login", "auth", "shop", "search")


def test_the_data_of_chapter_01_can_be_made_again(repository: Path, tmp_path: Path) -> None:
    import runpy

    chapter = repository / "chapters" / "01_events_and_the_log"
    runpy.run_path(str(chapter / "make_data.py"))["main"](tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(made) == 6
    for name in made:
        assert (tmp_path / name).read_bytes() == (chapter / "data" / name).read_bytes(), name
