"""The contrast of the one palette, computed by WCAG's formula."""

import pytest

from kinaction.viz.bundle import stylesheet
from kinaction.viz.palette import COLOURS, KINDS, THEMES, colour, contrast, variables


def ratio(one: str, other: str, theme: str) -> float:
    return contrast(colour(one, theme), colour(other, theme))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["ink", "muted", *KINDS])
def test_text_can_be_read_on_page_and_panel(name: str, theme: str) -> None:
    assert ratio(name, "bg", theme) >= 4.5
    assert ratio(name, "panel", theme) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_words_can_be_read_on_tokens_cells_and_verdicts(theme: str) -> None:
    for kind in ("produce", "replicate", "ack", "consume"):
        assert ratio("ontoken", kind, theme) >= 4.5, kind
    assert ratio("cellink", "cell", theme) >= 7
    for verdict in ("good", "warn", "bad", "dup"):
        assert ratio("ink", verdict, theme) >= 4.5, verdict


@pytest.mark.parametrize("theme", THEMES)
def test_marks_can_be_told_from_what_is_behind_them(theme: str) -> None:
    for behind in ("bg", "panel"):
        assert ratio("rule", behind, theme) >= 3
        assert ratio("commit", behind, theme) >= 3
    assert ratio("commit", "cell", theme) >= 3


def test_the_numbers_of_the_design() -> None:
    assert round(ratio("ink", "bg", "light"), 1) == 16.2
    assert round(ratio("muted", "panel", "dark"), 1) == 7.4
    assert round(ratio("produce", "bg", "light"), 1) == 5.9
    assert round(ratio("ack", "ontoken", "dark"), 1) == 9.8
    assert round(ratio("error", "panel", "light"), 1) == 5.2


def test_contrast_is_wcags() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_the_widget_has_these_colours_and_no_others() -> None:
    css = stylesheet()
    for theme in THEMES:
        assert variables(theme) in css
    known = {shade for pair in COLOURS.values() for shade in pair}
    import re

    assert set(re.findall(r"#[0-9a-f]{6}\b", css)) <= known
