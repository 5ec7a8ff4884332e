"""A notebook run out of order."""

import pytest

from kinaction.course import order

pytestmark = pytest.mark.usefixtures("course")


def test_a_missing_name_is_answered_with_the_cell_that_makes_it() -> None:
    said = order.missing_name("words")
    assert said.startswith("It is made in code cell 1 of 90_sample, “words = data(")


def test_an_import_counts_as_making_a_name() -> None:
    assert "code cell 1 of 90_sample, “from kinaction.course" in order.missing_name("check")


def test_a_name_of_no_chapter_gets_no_sentence() -> None:
    assert order.missing_name("bananas") == ""


def test_in_ipython_the_sentence_ends_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.colors = "nocolor"
    order.load_ipython_extension(shell)
    shell.run_cell("print(words)")
    shell.run_cell("print(bananas)")
    shell.run_cell("1 / 0")
    out = capsys.readouterr().out
    assert out.count("It is made in code cell 1 of 90_sample") == 1
    assert "NameError: name 'bananas' is not defined\n" in out
    assert "ZeroDivisionError: division by zero" in out
    order.unload_ipython_extension(shell)
    shell.run_cell("print(words)")
    assert "It is made" not in capsys.readouterr().out
