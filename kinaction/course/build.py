"""python -m kinaction.course build [NN] [--check]: chapters/ executed into notebooks/.

Rule kept: two builds give the same bytes, on any machine and under any PYTHONHASHSEED.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinaction.course.chapter import Chapter, chapters, find_chapter
from kinaction.course.home import HERE, SOURCE, notebooks_folder, source_folder
from kinaction.course.marks import SWITCH
from kinaction.course.notebook import Json, dumps, normalised, pristine, role_of, solved_notebook

CELL_SECONDS = 300
KERNEL = "python3"
QUIET = ["--log-level=ERROR"]
HASH_SEEDS = ("1", "2")
Report = Callable[[str], None]


class BuildError(RuntimeError):
    """A cell of a lesson failed, or a solution was not accepted; the text names both."""


def build(which: str | None, into: Path, hash_seed: str | None = None) -> tuple[Path, ...]:
    """Build one chapter, or all, into the folder `into`; return the files written."""
    listed = (find_chapter(which),) if which else chapters()
    return tuple(path for chapter in listed for path in build_chapter(chapter, into, hash_seed))


def build_chapter(chapter: Chapter, into: Path, hash_seed: str | None = None) -> tuple[Path, ...]:
    """Execute one chapter; write its pristine notebook, its solutions, its data."""
    data = _copy_data(chapter, into)
    solutions = into / "solutions"
    solutions.mkdir(parents=True, exist_ok=True)
    solved = normalised(execute(chapter, solutions, hash_seed))
    _accept(chapter, solved)
    texts = {
        into / f"{chapter.name}.ipynb": dumps(pristine(solved, chapter)),
        solutions / f"{chapter.name}.ipynb": dumps(solved),
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return (*texts, *data)


def _copy_data(chapter: Chapter, into: Path) -> tuple[Path, ...]:
    """Copy the chapter's data files to data/NN/, where its learner finds them."""
    source, target = chapter.folder / "data", into / "data" / chapter.name[:2]
    written = []
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        copied = target / path.relative_to(source)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)
        written.append(copied)
    return tuple(written)


def execute(chapter: Chapter, cwd: Path, hash_seed: str | None = None) -> Json:
    """The solved notebook after running every cell in a kernel of this Python."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook: Any = nbformat.from_dict(solved_notebook(chapter))  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL,
        kernel_manager_class=_kernels(),
        extra_arguments=QUIET,
        timeout=CELL_SECONDS,
        store_widget_state=False,
        record_timing=False,
        resources={"metadata": {"path": str(cwd)}},
        on_cell_executed=_progress_bar(chapter, len(notebook.cells)),
    )
    try:
        client.execute(env=_environment(hash_seed), cwd=str(cwd))
    except CellExecutionError as error:
        raise BuildError(f"{chapter.name}: a cell of the lesson failed\n{error}") from None
    finally:
        _end_line()
    return _plain(notebook)


def _kernels() -> Any:
    """Kernel managers that start the Python that runs this, whatever kernels are installed."""
    from ipykernel.kernelspec import RESOURCES, get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            assert kernel_name == KERNEL
            return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())

    class Kernels(AsyncKernelManager):
        def _kernel_spec_manager_default(self) -> KernelSpecManager:
            return ThisPython()

    return Kernels


def _environment(hash_seed: str | None) -> dict[str, str]:
    """The kernel's environment: this package importable, nothing written, no colour."""
    environment = {**os.environ, SOURCE: str(source_folder()), SWITCH: "off", "NO_COLOR": "1"}
    path = os.environ.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE.parent.parent), path)))
    if hash_seed is not None:
        environment["PYTHONHASHSEED"] = hash_seed
    return environment


def _plain(notebook: Any) -> Json:
    """The same notebook out of plain dicts and lists."""
    if isinstance(notebook, dict):
        return {str(key): _plain(value) for key, value in notebook.items()}
    if isinstance(notebook, list | tuple):
        return [_plain(value) for value in notebook]  # type: ignore[return-value]
    return notebook  # type: ignore[no-any-return]


def _accept(chapter: Chapter, solved: Json) -> None:
    """Refuse a build in which a check did not accept its solution, or an output holds a path."""
    for cell in solved["cells"]:
        text = dumps({"cells": [cell]})
        if role_of(cell) == "check" and "✓" not in text:
            said = [o.get("evalue", o.get("text", "")) for o in cell["outputs"]]
            raise BuildError(f"{chapter.name}: {cell['source']} refused the solution: {said}")
        for path in (str(Path.home()), tempfile.gettempdir() + os.sep, str(source_folder())):
            if len(path) > 2 and path in dumps({"cells": [{**cell, "source": ""}]}):
                raise BuildError(f"{chapter.name}: an output of {cell['id']} holds a path: {path}")


def _progress_bar(chapter: Chapter, count: int) -> Callable[..., None]:
    """A callback that draws a bar on a terminal's stderr, and nothing elsewhere."""

    def draw(cell_index: int, **_: Any) -> None:
        if sys.stderr.isatty():
            bar = "█" * (20 * (cell_index + 1) // count)
            print(
                f"\r{chapter.name:<32} {bar:<20} {cell_index + 1}/{count}", end="", file=sys.stderr
            )

    return draw


def _end_line() -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)


def differences(which: str | None, committed: Path, say: Report = print) -> tuple[str, ...]:
    """What a rebuild would change in `committed`, building once under each of two hash seeds."""
    found: list[str] = []
    for seed in HASH_SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            say(f"building under PYTHONHASHSEED={seed}")
            built = build(which, Path(folder), seed)
            names = [path.relative_to(folder) for path in built]
            found += [
                f"{name} differs from its sources (PYTHONHASHSEED={seed})"
                for name, path in zip(names, built, strict=True)
                if not _same(path, committed / name)
            ]
    if which is None:
        known = {committed / name for name in names}
        there = sorted((*committed.glob("*.ipynb"), *committed.glob("solutions/*.ipynb")))
        named = [path for path in there if "." not in path.stem]  # 00_x.mine.ipynb is a learner's
        found += [f"{path.name} has no chapter" for path in named if path not in known]
    return tuple(found)


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def main(which: str | None, check: bool) -> int:
    """Build into notebooks/, or compare with it; the exit code."""
    try:
        if not check:
            written = build(which, notebooks_folder())
            print(f"{len(written)} files written")
            return 0
        found = differences(which, notebooks_folder())
    except (BuildError, AssertionError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(found) or "the notebooks are what the chapters build")
    return 1 if found else 0
