"""The `kinaction` command: one frame, one module a subcommand."""

from kinaction.cli.main import main

__all__ = ["main"]
