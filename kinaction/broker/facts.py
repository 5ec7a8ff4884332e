"""What a broker tells the trace about its replicas, with the sentences."""

from kinaction.kernel.fact import Fact
from kinaction.kernel.value import value


def brokers(ids: tuple[int, ...]) -> str:
    """Broker ids as words: "1", "1 and 3", "1, 2 and 3", "nobody"."""
    words = [str(broker) for broker in ids]
    if not words:
        return "nobody"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


@value
class BecameLeader(Fact):
    """A broker learned that it leads a partition, in a new epoch."""

    topic: str
    partition: int
    broker: int
    epoch: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"Broker {self.broker} now leads {self.topic}-{self.partition} "
                f"(epoch {self.epoch}).")


@value
class BecameFollower(Fact):
    """A broker learned that it follows a partition; `leader` None: there is nobody to follow."""

    topic: str
    partition: int
    broker: int
    leader: int | None
    epoch: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        whom = "nobody: there is no leader" if self.leader is None else f"broker {self.leader}"
        return f"Broker {self.broker} follows {whom} for {self.topic}-{self.partition}."


@value
class IsrShrunk(Fact):
    """The leader took replicas out of the in-sync set: the controller has agreed."""

    topic: str
    partition: int
    removed: tuple[int, ...]
    isr: tuple[int, ...]

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"{self.topic}-{self.partition}: broker {brokers(self.removed)} left the ISR; "
                f"in sync now: {brokers(self.isr)}.")


@value
class IsrExpanded(Fact):
    """The leader took replicas back into the in-sync set: the controller has agreed."""

    topic: str
    partition: int
    added: tuple[int, ...]
    isr: tuple[int, ...]

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"{self.topic}-{self.partition}: broker {brokers(self.added)} caught up and is in "
                f"the ISR again; in sync now: {brokers(self.isr)}.")


@value
class HighWatermarkAdvanced(Fact):
    """The leader saw that every in-sync replica has the records before this offset."""

    topic: str
    partition: int
    broker: int
    old: int
    new: int
    isr: tuple[int, ...]

    def sentence(self) -> str:
        """One sentence for a learner."""
        which = (f"record {self.old} is" if self.new == self.old + 1
                 else f"records {self.old} to {self.new - 1} are")
        return (f"{self.topic}-{self.partition}: {which} on broker {brokers(self.isr)}, "
                f"so committed.")
