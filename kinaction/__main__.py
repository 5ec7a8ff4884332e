"""`python -m kinaction` is the `kinaction` command."""

from kinaction.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
