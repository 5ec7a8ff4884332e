"""The course copied into a learner's folder: what `kinaction lab DIR` does before it opens it.

Rule kept: a file of the learner's is never overwritten.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from kinaction.course.home import notebooks_folder

FIRST = "00_start_here.ipynb"
LEFT_OUT = ("solutions", ".ipynb_checkpoints")


def install_course(folder: Path) -> tuple[Path, ...]:
    """Copy the notebooks and their data into `folder`, leaving alone what is there; return the
    files copied. The solutions stay in the package: `kinaction solution 4.2` shows one.
    """
    source = notebooks_folder()
    if folder.resolve() == source.resolve():
        return ()
    copied = []
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        name = path.relative_to(source)
        target = folder / name
        if name.parts[0] in LEFT_OUT or name.suffix == ".py" or target.exists():
            continue
        if name.parts[0] == "progress.json":
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        copied.append(target)
    return tuple(copied)
