"""Facts: what a step meant, with the sentence that narrates it. Pictures and checkers read them.

A floor declares its own facts as Values that inherit from `Fact`; the class name, in the past
tense (`BecameLeader`), is what scenarios wait for and the timeline ticks.
"""

from dataclasses import fields
from typing import Any


class Fact:
    """Something that became true in a step."""

    __slots__ = ()

    def sentence(self) -> str:
        """One sentence for a learner, with the numbers of this very fact."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, with the fact's own name under "fact"."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {"fact": type(self).__name__, **named}
