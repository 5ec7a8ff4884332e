"""python -m kinaction.course: the course's commands, and `build` for those who write it."""

from __future__ import annotations

import argparse
import sys

from kinaction.course import cli


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m kinaction.course", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    cli.register(subparsers)
    build = subparsers.add_parser("build", help="execute chapters/ into notebooks/")
    build.add_argument("chapter", nargs="?", help="its number or folder name; all without")
    build.add_argument("--check", action="store_true", help="compare only, write nothing")
    build.set_defaults(run=_build)
    chosen = parser.parse_args(arguments)
    return int(chosen.run(chosen))


def _build(arguments: argparse.Namespace) -> int:
    from kinaction.course.build import main as run

    return run(arguments.chapter, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
