"""What a step meant for the quorum, in sentences."""

from kinaction.kernel.fact import Fact
from kinaction.kernel.value import value


def listed(nodes: tuple[int, ...]) -> str:
    """Node ids in a sentence: "1, 2 and 3"."""
    *rest, last = [str(node) for node in nodes]
    return f"{', '.join(rest)} and {last}" if rest else last


@value
class ElectionStarted(Fact):
    """A voter became a candidate."""

    candidate: int
    epoch: int
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"Node {self.candidate} stands for election as controller in epoch {self.epoch}: "
                f"{self.reason}.")


@value
class VoteGranted(Fact):
    """A voter gave its one vote of an epoch."""

    voter: int
    candidate: int
    epoch: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"Node {self.voter} gives its one vote of epoch {self.epoch} to "
                f"node {self.candidate}.")


@value
class VoteRefused(Fact):
    """A voter said no to a candidate."""

    voter: int
    candidate: int
    epoch: int
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"Node {self.voter} refuses node {self.candidate} its vote in epoch "
                f"{self.epoch}: {self.reason}.")


@value
class ControllerElected(Fact):
    """A candidate has the votes of a majority: it leads the quorum and is the active controller."""

    controller: int
    epoch: int
    votes: tuple[int, ...]
    voters: tuple[int, ...]

    def sentence(self) -> str:
        """One sentence for a learner."""
        if self.voters == (self.controller,):
            return (f"Node {self.controller} is the only voter and so the controller of "
                    f"epoch {self.epoch}.")
        return (f"Node {self.controller} is the controller of epoch {self.epoch}: "
                f"{listed(self.votes)} of {listed(self.voters)} voted for it, a majority.")


@value
class ControllerResigned(Fact):
    """A quorum leader gave up its epoch."""

    controller: int
    epoch: int
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"Node {self.controller} resigns as controller of epoch {self.epoch}: {self.reason}."


@value
class MetadataDiverged(Fact):
    """A follower's metadata log had records that its leader never had: they go."""

    follower: int
    leader: int
    from_offset: int
    to_offset: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"Node {self.follower} has metadata records that leader {self.leader} never had: "
                f"it cuts its log from offset {self.from_offset} back to {self.to_offset}.")
