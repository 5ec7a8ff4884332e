"""What becomes true at a client: the facts of producer and consumer, with their sentences."""

from kinaction.kernel.fact import Fact
from kinaction.kernel.machine import node_name
from kinaction.kernel.message import NodeId
from kinaction.kernel.value import value

MOST_NAMED = 6
"""More leaders than these are counted, not named."""


def plural(count: int, noun: str = "record") -> str:
    """A count with its noun.

    >>> plural(1), plural(3), plural(2, "batch")
    ('1 record', '3 records', '2 batches')
    """
    ending = "es" if noun.endswith("ch") else "s"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{ending}"


def listed(names: tuple[str, ...]) -> str:
    """Names in a sentence.

    >>> listed(("a",)), listed(("a", "b", "c")), listed(())
    ('a', 'a, b and c', 'nothing')
    """
    if len(names) < 2:
        return names[0] if names else "nothing"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _who(client: NodeId) -> str:
    return node_name(client).capitalize()


@value
class MetadataLearned(Fact):
    """A client's map of brokers and leaders changed. `leaders`: ("topic-partition", broker id)."""

    client: NodeId
    brokers: tuple[int, ...]
    leaders: tuple[tuple[str, int], ...]

    def sentence(self) -> str:
        """One sentence for a learner."""
        brokers = listed(tuple(str(broker) for broker in self.brokers))
        noun = "broker" if len(self.brokers) == 1 else "brokers"
        led = listed(tuple(f"{leader} leads {at}" for at, leader in self.leaders))
        if len(self.leaders) > MOST_NAMED:
            led = f"it knows who leads {plural(len(self.leaders), 'partition')}"
        return f"{_who(self.client)} knows {noun} {brokers}" + (
            f"; {led}." if self.leaders else "."
        )


@value
class ProducerIdAssigned(Fact):
    """An idempotent producer has its id, or a new epoch of it."""

    client: NodeId
    producer_id: int
    producer_epoch: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"{_who(self.client)} is producer id {self.producer_id}, "
                f"epoch {self.producer_epoch}.")


@value
class RecordsDelivered(Fact):
    """A batch was acknowledged. base_offset -1: nobody said where (acks=0)."""

    client: NodeId
    topic: str
    partition: int
    base_offset: int
    count: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        told = f"{_who(self.client)} reports {plural(self.count)} of {self.topic}-{self.partition}"
        if self.base_offset < 0:
            return f"{told} as sent: with acks=0 nobody says where, or whether."
        last = self.base_offset + self.count - 1
        where = f"offset {last}" if self.count == 1 else f"offsets {self.base_offset} to {last}"
        return f"{told} as delivered: {where}."


@value
class DeliveryFailed(Fact):
    """A producer gave up records. They may be stored all the same."""

    client: NodeId
    topic: str
    partition: int
    count: int
    error: str
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        where = self.topic if self.partition < 0 else f"{self.topic}-{self.partition}"
        return (f"{_who(self.client)} gives up {plural(self.count)} of {where}: "
                f"{self.error}: {self.reason}")


@value
class BatchResent(Fact):
    """A batch is sent once more. `attempt` counts from 2; `sequence` is -1 without idempotence."""

    client: NodeId
    topic: str
    partition: int
    sequence: int
    count: int
    attempt: int
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        number = f", sequence {self.sequence}," if self.sequence >= 0 else ""
        return (f"{_who(self.client)} sends {plural(self.count)} of {self.topic}-{self.partition}"
                f"{number} again (attempt {self.attempt}): {self.reason}.")


@value
class CoordinatorFound(Fact):
    """A consumer knows which broker coordinates its group."""

    client: NodeId
    group: str
    coordinator: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"{_who(self.client)} learns that broker {self.coordinator} "
                f"coordinates group {self.group}.")


@value
class PartitionsAssigned(Fact):
    """A consumer may read these partitions from now on ("topic-partition")."""

    client: NodeId
    group: str
    partitions: tuple[str, ...]
    generation: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"{_who(self.client)} is given {listed(self.partitions)} of group {self.group}."


@value
class PartitionsRevoked(Fact):
    """A consumer stops reading these partitions; `is_lost`: somebody else may read them already."""

    client: NodeId
    group: str
    partitions: tuple[str, ...]
    is_lost: bool

    def sentence(self) -> str:
        """One sentence for a learner."""
        verb = "has lost" if self.is_lost else "gives up"
        return f"{_who(self.client)} {verb} {listed(self.partitions)} of group {self.group}."


@value
class RecordsHandedOver(Fact):
    """A consumer's poll gave records to the application: offsets first to last."""

    client: NodeId
    topic: str
    partition: int
    first: int
    last: int
    count: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        where = f"offset {self.last}" if self.first == self.last else (
            f"offsets {self.first} to {self.last}")
        return (f"{_who(self.client)} hands over {plural(self.count)} of "
                f"{self.topic}-{self.partition}: {where}.")


@value
class RecordProcessed(Fact):
    """The application did its work on a record; noted by its own hand (`consumer.processed`).

    `is_visible` False: in a transaction that was aborted, so nobody who reads committed sees it.
    """

    client: NodeId
    topic: str
    partition: int
    offset: int
    is_visible: bool = True

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"The application of {node_name(self.client)} has processed offset {self.offset} "
                f"of {self.topic}-{self.partition}.")
