"""A notebook run out of order: a NameError is answered with the cell that makes the name.

Rule kept: the traceback stays; one sentence comes after it. Outside IPython nothing happens.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kinaction.course.home import notebooks_folder
from kinaction.course.notebook import read_notebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Where a chapter makes a name: in its `count`-th code cell, with that line."""

    name: str
    chapter: str
    count: int
    line: str


def install() -> None:
    """Give the help in the running IPython, if this is one."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is not None:
        load_ipython_extension(shell)


def load_ipython_extension(shell: Any) -> None:
    """%load_ext kinaction.course: the help on names that no cell has made yet."""
    shell.set_custom_exc((NameError,), _explain)


def unload_ipython_extension(shell: Any) -> None:
    """%unload_ext kinaction.course: plain NameErrors again."""
    shell.set_custom_exc((), None)


def _explain(shell: Any, kind: Any, error: NameError, stack: Any, tb_offset: Any = None) -> Any:
    """IPython's exception hook: the usual traceback, and the sentence where there is one."""
    help_text = missing_name(error.name or "", _cell_text(shell))
    if not help_text:
        shell.showtraceback((kind, error, stack), tb_offset=tb_offset)
        return None
    error.args = (f"{error.args[0] if error.args else error}. {help_text}",)
    lines = shell.InteractiveTB.structured_traceback(kind, error, stack, tb_offset=tb_offset)
    shell._showtraceback(kind, error, lines)
    return lines


def _cell_text(shell: Any) -> str:
    """The text of the cell that failed."""
    history = shell.user_ns.get("In") or [""]
    return str(history[-1])


def missing_name(name: str, cell: str = "") -> str:
    """The sentence on a name that is not there yet: which cell makes it, in the chapter of `cell`
    (the failing cell's text) if that is known; "" when no chapter makes that name.
    """
    makers = [made for made in _index() if made.name == name]
    if not makers:
        return ""
    chapter = _chapter_of(cell)
    made = next((made for made in makers if made.chapter == chapter), makers[0])
    return (
        f"It is made in code cell {made.count} of {made.chapter}, “{made.line}”, which has not run "
        "yet in this notebook: run the cells from the top (Run > Run All Above Selected Cell)."
    )


def _chapter_of(cell: str) -> str:
    """The chapter that has exactly this cell, or ""."""
    return next((chapter for chapter, texts in _texts() if cell.strip() in texts), "")


@cache
def _texts() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Every chapter with the texts of its code cells."""
    paths = sorted(notebooks_folder().glob("[0-9][0-9]_*.ipynb"))
    return tuple((path.stem, _code_cells(path)) for path in paths)


def _code_cells(path: Path) -> tuple[str, ...]:
    try:
        cells = read_notebook(path)["cells"]
    except (OSError, ValueError):
        return ()
    return tuple(str(cell["source"]).strip() for cell in cells if cell["cell_type"] == "code")


@cache
def _index() -> tuple[Made, ...]:
    """Every name that a chapter's cells make, with the first cell that does."""
    found: list[Made] = []
    for chapter, texts in _texts():
        seen: set[str] = set()
        for count, text in enumerate(texts, 1):
            for name, line in _names_made(text):
                if name not in seen:
                    seen.add(name)
                    found.append(Made(name=name, chapter=chapter, count=count, line=line))
    return tuple(found)


def _names_made(text: str) -> list[tuple[str, str]]:
    """The names that a cell's top level assigns, defines or imports, with their lines."""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return []
    lines = text.splitlines()
    return [(name, lines[node.lineno - 1]) for node in body for name in _names_of(node)]


def _names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    written = [child for child in ast.walk(node) if isinstance(child, ast.Name)]
    return [child.id for child in written if isinstance(child.ctx, ast.Store)]
