"""The collector is told once, and not where somebody else told it."""

import gc
from collections.abc import Iterator

import pytest

from kinaction.kernel.collector import DEFAULTS, FIRST_THRESHOLD, collect_less_often


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize("default", DEFAULTS)
def test_the_default_is_raised(default: int) -> None:
    gc.set_threshold(default, 10, 10)
    collect_less_often()
    assert gc.get_threshold()[0] == FIRST_THRESHOLD


@pytest.mark.parametrize("chosen", [0, 5000, 1_000_000])
def test_what_somebody_chose_stays(chosen: int) -> None:
    gc.set_threshold(chosen, 10, 10)
    collect_less_often()
    assert gc.get_threshold()[0] == chosen
