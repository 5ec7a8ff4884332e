"""The frame of the `kinaction` command: runs one subcommand, tells an error in a line.

A subcommand comes from a `register(subparsers)`, which sets `run`, a function of the parsed
arguments that returns an exit status or None.
"""

import argparse
import sys
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Never

from kinaction import __version__
from kinaction.cli.errors import CommandError

PROVIDERS = ("kinaction.cli.lab", "kinaction.course.cli")
USAGE_ERROR, INTERRUPTED = 2, 130
DESCRIPTION = "Apache Kafka you can see through: a cluster, its pictures and a course, in Python."
EPILOG = """\
begin with:
  kinaction lab               the course, in JupyterLab (in ./kinaction-course)

or in Python:
  from kinaction import Cluster
  cluster = Cluster(brokers=3, seed=7)
"""


class Parser(argparse.ArgumentParser):
    """A parser that tells a wrong command line in one line, with the command that explains it."""

    def error(self, message: str) -> Never:
        """Print what was wrong and leave with status 2."""
        message = message if message.endswith("?") else message.removesuffix(".") + "."
        self.exit(USAGE_ERROR, f"{self.prog}: {message} Try: {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status: 0, 1 for "no", 2 for a wrong command."""
    parser, commands = make_parser()
    words = sys.argv[1:] if argv is None else list(argv)
    if words and not words[0].startswith("-") and words[0] not in commands:
        parser.error(unknown(words[0], commands))
    arguments = parser.parse_args(words)
    run = getattr(arguments, "run", None)
    if run is None:
        parser.print_help()
        return 0
    try:
        return int(run(arguments) or 0)
    except CommandError as error:
        print(f"kinaction {arguments.command}: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED


def make_parser() -> tuple[Parser, Collection[str]]:
    """The parser with every subcommand that is installed, and the names of these."""
    parser = Parser(
        prog="kinaction",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"kinaction {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for provider in PROVIDERS:
        if is_there(provider):
            import_module(provider).register(subparsers)
    return parser, subparsers.choices


def unknown(word: str, commands: Collection[str]) -> str:
    """What to say of a command that there is not."""
    nearest = get_close_matches(word, commands, n=1)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    return f"there is no command '{word}', expected one of {', '.join(commands)}.{hint}"


def is_there(module: str) -> bool:
    """Whether a module can be imported; its package may be missing too."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
