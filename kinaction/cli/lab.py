"""`kinaction lab [DIR]`: copies the course into a folder and opens it in JupyterLab.

A file that the learner changed is never overwritten.
"""

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from kinaction.cli.errors import CommandError
from kinaction.cli.lay_out import Layout, lay_out_course, renew, shipped_course

FIRST_NOTEBOOK = "00_start_here.ipynb"
MAX_NAMED = 5


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand `lab`."""
    parser = subparsers.add_parser(
        "lab",
        help="copy the course into a folder and open it in JupyterLab",
        description="Copy the course into a folder and open it in JupyterLab. "
        "Files that you changed stay as they are.",
    )
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=Path,
        default=Path("kinaction-course"),
        help="where your copy of the course is or shall be (default: ./kinaction-course)",
    )
    parser.add_argument("--port", type=port, help="the port that JupyterLab answers on")
    parser.add_argument(
        "--no-browser", action="store_true", help="open no browser, print the address"
    )
    parser.add_argument(
        "--fresh",
        metavar="NAME",
        action="append",
        default=[],
        help="renew a notebook or file, such as 03 or 03_brokers.ipynb; yours is kept beside it",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lay out the course, say what was done, and serve it until Ctrl-C."""
    if find_spec("jupyterlab") is None:
        raise CommandError(
            "JupyterLab is not installed for this Python",
            expected="the extra 'lab'",
            try_="pip install 'kinaction[lab]'",
        )
    folder = arguments.folder.expanduser().resolve()
    course = shipped_course()
    if folder == course:
        refuse_fresh(arguments.fresh)
    else:
        for name in arguments.fresh:
            print(f"kinaction: renewed {renew(course, folder, name)}")
        print(summary(folder, lay_out_course(course, folder)), flush=True)
    return serve(folder, arguments.port, arguments.no_browser)


def refuse_fresh(names: list[str]) -> None:
    """In a clone the notebooks are the course itself: git renews them."""
    if names:
        raise CommandError(
            "--fresh cannot renew the course from itself",
            expected="a folder of your own",
            try_=f"git checkout notebooks, or kinaction lab my-course --fresh {names[0]}",
        )


def port(text: str) -> int:
    """A port from the command line; raises ArgumentTypeError when there is none such."""
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port, expected 1 to 65535")


def summary(folder: Path, layout: Layout) -> str:
    """What was copied, renewed and left alone, in a line or two."""
    lines = [f"kinaction: the course is in {folder}"]
    if layout.copied:
        lines.append(f"  new here: {len(layout.copied)} files")
    if layout.updated:
        lines.append(f"  newer than your untouched copy: {named(layout.updated)}")
    if layout.kept:
        lines.append(f"  kept as you left them: {named(layout.kept)} (--fresh NAME renews one)")
    return "\n".join(lines)


def named(names: tuple[str, ...]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def serve(folder: Path, port: int | None, no_browser: bool) -> int:
    """Run JupyterLab in this process, so that Ctrl-C is its own; returns when it was stopped."""
    os.chdir(folder)
    scripts = str(Path(sys.executable).parent)  # `!kinaction check 3` in a notebook is this one
    os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", "")])
    from jupyterlab.labapp import main as jupyterlab

    from kinaction.course.startup import environment

    os.environ.update(environment())

    jupyterlab(jupyter_arguments(folder, port, no_browser))
    return 0


def jupyter_arguments(folder: Path, port: int | None, no_browser: bool) -> list[str]:
    """The command line of JupyterLab: the first notebook open, in this folder."""
    arguments = [f"--ServerApp.root_dir={folder}"]
    if (folder / FIRST_NOTEBOOK).exists():
        arguments.append(f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}")
    if port is not None:
        arguments += [f"--port={port}", "--ServerApp.port_retries=0"]
    if no_browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # a container's user; Jupyter wants to be told
        arguments.append("--allow-root")
    return arguments
