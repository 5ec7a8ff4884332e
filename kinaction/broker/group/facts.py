"""What the group coordinator tells the trace, with the sentences."""

from kinaction.broker.group.states import COMPLETING, DEAD, EMPTY, PREPARING, STABLE
from kinaction.kernel.fact import Fact
from kinaction.kernel.value import value

UUID_LENGTH = 36

_SENTENCES = {
    PREPARING: "Group {group} rebalances: {reason}. Every member has to join again.",
    COMPLETING: "All members of group {group} have joined; its leader now plans who reads what.",
    STABLE: "Group {group} is stable: every member has its part of the plan.",
    EMPTY: "Group {group} is empty: {reason}.",
    DEAD: "Group {group} is gone: {reason}.",
}


@value
class GroupStateChanged(Fact):
    """A group moved from one state to another."""

    group: str
    before: str
    after: str
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return _SENTENCES[self.after].format(group=self.group, reason=self.reason)


@value
class GenerationStarted(Fact):
    """A rebalance collected these members; `protocol` is the assignor all of them know."""

    group: str
    generation: int
    protocol: str
    leader: str
    members: tuple[str, ...]

    def sentence(self) -> str:
        """One sentence for a learner."""
        count = "1 member" if len(self.members) == 1 else f"{len(self.members)} members"
        return (f"Generation {self.generation} of group {self.group} begins with {count}; "
                f"{short(self.leader)} leads and plans with {self.protocol!r}.")


@value
class MemberJoined(Fact):
    """A member that the group did not have asked to join."""

    group: str
    member_id: str
    client_id: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        who = self.client_id or "A client"
        return f"{who} joins group {self.group} as {short(self.member_id)}."


@value
class MemberLeft(Fact):
    """A member left of its own will, or an administrator removed it."""

    group: str
    member_id: str
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"{short(self.member_id)} leaves group {self.group}: {self.reason}."


@value
class MemberFenced(Fact):
    """The coordinator put a member out; what it still sends is refused."""

    group: str
    member_id: str
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"{short(self.member_id)} is put out of group {self.group}: {self.reason}."


@value
class OffsetsCommitted(Fact):
    """A group's positions are stored: (topic, partition, next offset to read) of each."""

    group: str
    member_id: str
    offsets: tuple[tuple[str, int, int], ...]

    def sentence(self) -> str:
        """One sentence for a learner."""
        places = ", ".join(
            f"{topic}-{partition} at {offset}" for topic, partition, offset in self.offsets)
        return f"Group {self.group} has committed {places}."


def short(member_id: str) -> str:
    """A member's id as a sentence says it: of the uuid at its end only the beginning.

    >>> short("consumer-1-3f2a9c01-7d55-5b0e-9a64-0c8f1e2d3b4a")
    'consumer-1-3f2a…'
    """
    name, tail = member_id[:-UUID_LENGTH], member_id[-UUID_LENGTH:]
    return f"{name}{tail[:4]}…" if name and tail.count("-") == 4 else member_id
