"""The style of the marks: static/marks.css, one rule a line, for the card and for the widget.

The card takes only the rules it uses and the colours these name; the widget takes all of them,
scoped to its own box.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

from kinaction.viz.palette import COLOURS, FONTS, variables


@lru_cache(maxsize=64)
def source(name: str) -> str:
    """A file of viz/static as text."""
    return files("kinaction.viz").joinpath("static", name).read_text(encoding="utf-8")


def mark_rules() -> tuple[str, ...]:
    """The rules of marks.css, one string each."""
    return tuple(line for line in source("marks.css").splitlines() if line)


def scoped(rules: Iterable[str], scope: str) -> str:
    """The rules for what lies within `scope` only."""
    made = []
    for rule in rules:
        selectors, brace, body = rule.partition("{")
        within = ",".join(f"{scope} {selector}" for selector in selectors.split(","))
        made.append(within + brace + body)
    return "\n".join(made)


def card_style(svg: str) -> str:
    """The style of a self-contained SVG: used rules, used colours, dark where the page is dark."""
    used = {name for names in re.findall(r'class="([^"]+)"', svg) for name in names.split()}
    rules = [rule for rule in mark_rules() if _is_used(rule, used)]
    body = "".join(rules)
    names = tuple(name for name in COLOURS if f"--{name})" in body)
    return (
        f":root{{{variables('light', names)}}}@media(prefers-color-scheme:dark)"
        f"{{:root:not([data-theme]){{{variables('dark', names)}}}}}"
        f"svg{{font:13px {FONTS}}}{body}"
    )


def _is_used(rule: str, used: set[str]) -> bool:
    selectors = rule.partition("{")[0].split(",")
    return any(
        set(re.findall(r"\.([a-z0-9]+)", selector)) <= used for selector in selectors
    )
