"""The `kinaction` command: one frame, one module a subcommand."""

from kinaction.cli.frame import main

__all__ = ["main"]
