"""`Decision`: what `decide` answers: records, a response, and the facts that come with them.

Deciding touches nothing. The records are proposed; the response is sent, and the facts are told,
once they are committed.
"""

from collections.abc import Mapping
from typing import Any

from kinaction.controller.image import MetadataImage
from kinaction.controller.sessions import BrokerSessions
from kinaction.kernel.fact import Fact
from kinaction.kernel.value import value


@value
class Decision:
    """Records to be written as one batch, what to answer then, what it means."""

    records: tuple[Any, ...]
    response: Any
    facts: tuple[Fact, ...] = ()


@value
class Situation:
    """All that a decision may look at: the image up to the end of the log, configs, the time.

    `next_offset` is where the first record would go; `seed` makes placements differ between runs.
    """

    image: MetadataImage
    sessions: BrokerSessions
    config: Mapping[str, Any]
    cluster_id: str
    now_ms: int
    next_offset: int
    seed: int = 0


class Draft:
    """Records and facts of a decision in the making."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.facts: list[Fact] = []

    def add(self, *records: Any) -> None:
        """Add records."""
        self.records += records

    def merge(self, part: "Draft") -> None:
        """Add a part that succeeded as a whole."""
        self.records += part.records
        self.facts += part.facts

    def note(self, *facts: Fact) -> None:
        """Add facts."""
        self.facts += facts

    def decision(self, response: Any, *, is_dry: bool = False) -> Decision:
        """The finished decision; `is_dry` (validate_only): the answer alone."""
        if is_dry:
            return Decision((), response)
        return Decision(tuple(self.records), response, tuple(self.facts))
