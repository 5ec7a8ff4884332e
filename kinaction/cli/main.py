"""The frame of the `kinaction` command: runs one subcommand, tells an error in a line."""

import argparse
from collections.abc import Sequence

from kinaction import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status."""
    parser = argparse.ArgumentParser(prog="kinaction")
    parser.add_argument("--version", action="version", version=f"kinaction {__version__}")
    parser.parse_args(argv)
    return 0
