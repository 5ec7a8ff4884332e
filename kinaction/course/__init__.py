"""The course: exercises that are checked where they are written, hints, progress, built notebooks.

Rule kept: importing it is light and changes nothing but the help a notebook gives on a NameError.
"""

from kinaction.course.chapter import scenario
from kinaction.course.exercise import (
    Choice,
    Exercise,
    Prediction,
    fixed,
    one_of,
    with_keys,
)
from kinaction.course.home import data
from kinaction.course.judge import check, hint, predict, progress, reveal
from kinaction.course.order import install, load_ipython_extension, unload_ipython_extension
from kinaction.course.verdict import (
    BadAnswer,
    NotSolved,
    Verdict,
    Wrong,
    solved,
    unanswered,
    wrong,
)

__all__ = [
    "BadAnswer",
    "Choice",
    "Exercise",
    "NotSolved",
    "Prediction",
    "Verdict",
    "Wrong",
    "check",
    "data",
    "fixed",
    "hint",
    "load_ipython_extension",
    "one_of",
    "predict",
    "progress",
    "reveal",
    "scenario",
    "solved",
    "unanswered",
    "unload_ipython_extension",
    "with_keys",
    "wrong",
]

install()
