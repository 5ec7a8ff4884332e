"""What a subcommand raises when it cannot do what it was asked; told in one line."""


class CommandError(Exception):
    """A command that cannot be done: what was wrong, what was expected, what to try."""

    def __init__(self, wrong: str, *, expected: str, try_: str) -> None:
        super().__init__(f"{wrong}; expected {expected}. Try: {try_}")
