"""`Hand`: the node whose steps are what people do to the world, so that the trace tells it."""

from collections.abc import Iterable, Mapping

from kinaction.kernel.fact import Fact
from kinaction.kernel.machine import Machine, handles_call, node_name
from kinaction.kernel.message import NodeId
from kinaction.kernel.outbox import Json, Viewed
from kinaction.kernel.value import value

HAND = "hand"


def way(source: NodeId, target: NodeId) -> str:
    """Where a message goes, in words: "from broker 1 to producer 1"."""
    return f"from {node_name(source)} to {node_name(target)}"


def ends(one: NodeId, other: NodeId) -> str:
    """Two nodes in words: "broker 1 and producer 1"."""
    return f"{node_name(one)} and {node_name(other)}"


@value
class MessageDropped(Fact):
    """A message was lost, and the rest of its connection with it."""

    number: int
    api: str
    source: NodeId
    target: NodeId
    is_request: bool

    def sentence(self) -> str:
        """One sentence for a learner."""
        what = "request" if self.is_request else "response"
        return f"The {self.api} {what} {way(self.source, self.target)} is lost on its way."


@value
class MessageDelayed(Fact):
    """A message was held up."""

    number: int
    api: str
    source: NodeId
    target: NodeId
    delay_ms: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"The {self.api} message {way(self.source, self.target)} "
                f"is held up by {self.delay_ms} ms.")


@value
class MessageDuplicated(Fact):
    """A message arrives twice."""

    number: int
    api: str
    source: NodeId
    target: NodeId

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"The {self.api} message {way(self.source, self.target)} will arrive twice."


@value
class LinkCut(Fact):
    """Nothing passes between two nodes any more."""

    one: NodeId
    other: NodeId

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"The link between {ends(self.one, self.other)} is cut: silence, no error."


@value
class LinkHealed(Fact):
    """Messages pass again between two nodes."""

    one: NodeId
    other: NodeId

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"The link between {ends(self.one, self.other)} works again."


@value
class PowerLost(Fact):
    """The machine under a node lost its power: what was not flushed is gone."""

    node: NodeId
    lost_bytes: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"Broker {self.node} lost its power; {self.lost_bytes} bytes were never flushed."


@value
class ByteFlipped(Fact):
    """One byte of a file on a node's disk was damaged."""

    node: NodeId
    path: str
    position: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"Byte {self.position} of {self.path} on broker {self.node}'s disk is damaged."


class Cuts:
    """The part of the view that shows which links are cut."""

    path = "faults"

    def __init__(self) -> None:
        self.links: list[str] = []

    def view(self) -> Mapping[str, Json]:
        """cut: the links that are cut, as "a|b"."""
        return {"cut": list(self.links) or None}


class Hand(Machine):
    """Notes facts for the world; it decides nothing."""

    kind = "hand"

    def __init__(self) -> None:
        super().__init__(HAND)
        self.cuts = Cuts()
        self.attach(self)

    @handles_call("note")
    def on_note(self, call: int, fact: Fact) -> None:
        """Write a fact into the trace."""
        if isinstance(fact, LinkCut):
            self.cuts.links.append(f"{fact.one}|{fact.other}")
        if isinstance(fact, LinkHealed):
            ends = (f"{fact.one}|{fact.other}", f"{fact.other}|{fact.one}")
            self.cuts.links = [link for link in self.cuts.links if link not in ends]
        self.outbox.touch(self.cuts)
        self.outbox.note(fact)

    def parts(self) -> Iterable[Viewed]:
        """Cut links."""
        return (self.cuts,)
