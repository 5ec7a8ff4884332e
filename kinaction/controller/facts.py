"""What the controller decided, in sentences. A fact is told when its records are committed."""

from kinaction.kernel.fact import Fact
from kinaction.kernel.value import value


def nodes(ids: tuple[int, ...]) -> str:
    """Broker ids in a sentence: "brokers 1, 2 and 3", "broker 1", "no broker"."""
    if not ids:
        return "no broker"
    *rest, last = [str(each) for each in ids]
    return f"brokers {', '.join(rest)} and {last}" if rest else f"broker {last}"


@value
class BrokerRegistered(Fact):
    """A broker is known to the controller, and fenced until it has caught up."""

    broker: int
    epoch: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"Broker {self.broker} is registered with broker epoch {self.epoch}. It is fenced: "
                "it serves nobody yet.")


@value
class BrokerFenced(Fact):
    """A broker lost the right to lead. `silent_ms` is -1 when it asked for it itself."""

    broker: int
    silent_ms: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        why = "as it asked" if self.silent_ms < 0 else (
            f"it has sent no heartbeat for {self.silent_ms} ms")
        return f"The controller fences broker {self.broker}: {why}."


@value
class BrokerUnfenced(Fact):
    """A broker may lead and is listed."""

    broker: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"Broker {self.broker} has caught up with the metadata and is unfenced: it may lead."


@value
class ControlledShutdownStarted(Fact):
    """A broker is about to stop and hands over what it leads."""

    broker: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"Broker {self.broker} wants to stop: the controller moves its leaderships away."


@value
class TopicCreated(Fact):
    """A topic exists."""

    topic: str
    topic_id: str
    partitions: int
    replication_factor: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        count = "1 partition" if self.partitions == 1 else f"{self.partitions} partitions"
        return (f"Topic {self.topic} is created with {count}, each on "
                f"{self.replication_factor} broker{'s' if self.replication_factor != 1 else ''}.")


@value
class TopicDeleted(Fact):
    """A topic is gone."""

    topic: str
    topic_id: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"Topic {self.topic} is deleted."


@value
class PartitionsCreated(Fact):
    """A topic has more partitions."""

    topic: str
    partitions: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"Topic {self.topic} now has {self.partitions} partitions."


@value
class LeaderElected(Fact):
    """The controller named a partition's leader; -1: nobody may lead it."""

    topic: str
    partition: int
    leader: int
    epoch: int
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        what = f"{self.topic}-{self.partition}"
        if self.leader < 0:
            return f"{what} has no leader in epoch {self.epoch}: {self.reason}."
        return f"Broker {self.leader} leads {what} in epoch {self.epoch}: {self.reason}."


@value
class IsrChanged(Fact):
    """The in-sync replicas of a partition are others now."""

    topic: str
    partition: int
    old_isr: tuple[int, ...]
    new_isr: tuple[int, ...]
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"In sync for {self.topic}-{self.partition}: {nodes(self.new_isr)}; before: "
                f"{nodes(self.old_isr)} ({self.reason}).")


@value
class ConfigChanged(Fact):
    """A topic's or broker's config was set, or (None) went back to what it was by default."""

    resource: str
    key: str
    setting: str | None

    def sentence(self) -> str:
        """One sentence for a learner."""
        if self.setting is None:
            return f"{self.key} of {self.resource} goes back to its default."
        return f"{self.key} of {self.resource} is now {self.setting}."
