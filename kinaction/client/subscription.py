"""`Subscription`: what a consumer reads: its partitions, positions, commits, pauses.

A position is the offset of the next record to be handed over. It is the consumer's own memory;
a broker knows only what was committed.
"""

import re
from collections.abc import Iterable, Mapping

from kinaction.client.values import TopicPartition
from kinaction.kernel.outbox import Json, Outbox

At = tuple[str, int]


class Assigned:
    """One partition that the consumer reads. Seen under `positions/<topic>-<partition>/`.

    position None: not known yet. `reset` names how to find one: earliest, latest, a timestamp.
    `preferred_replica`: a follower that the leader says is nearer (KIP-392); -1: the leader.
    `leader_epoch` is that of the last record handed over (-1: none), for commits.
    """

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.path = f"positions/{topic}-{partition}"
        self.position: int | None = None
        self.committed: int | None = None
        self.high_watermark = -1
        self.leader_epoch = -1
        self.preferred_replica = -1
        self.reset: str | int | None = None
        self.is_paused = False
        self.is_gone = False
        self.is_asked = False

    @property
    def at(self) -> At:
        """(topic, partition)."""
        return self.topic, self.partition

    @property
    def is_fetchable(self) -> bool:
        """Whether records of it may be asked for and handed over."""
        return self.position is not None and not self.is_paused and not self.is_gone

    def view(self) -> Mapping[str, Json]:
        """position: next to be handed over; committed: what the group has noted, if known."""
        if self.is_gone:
            return {}
        return {"position": self.position, "committed": self.committed}


class Subscription:
    """Wanted topics, or assigned partitions; and what is held at present."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.topics: tuple[str, ...] = ()
        self.patterns: tuple[str, ...] = ()
        self.is_manual = False
        self.held: dict[At, Assigned] = {}

    @property
    def is_group_managed(self) -> bool:
        """Whether a coordinator says which partitions are read."""
        return bool(self.topics or self.patterns)

    def want(self, names: Iterable[str]) -> None:
        """Subscribe to these topics; a name that begins with ^ is a regular expression."""
        wanted = tuple(dict.fromkeys(names))
        self.patterns = tuple(name for name in wanted if name.startswith("^"))
        self.topics = tuple(name for name in wanted if not name.startswith("^"))

    def match(self, known: Iterable[str]) -> bool:
        """Subscribe to what the patterns match by now. True: the topics have changed."""
        if not self.patterns:
            return False
        matched = sorted(
            name for name in known if any(re.match(one, name) for one in self.patterns)
        )
        fixed = [name for name in self.topics if not any(
            re.match(one, name) for one in self.patterns)]
        before, self.topics = self.topics, (*fixed, *matched)
        return self.topics != before

    def take(self, partitions: Iterable[TopicPartition]) -> None:
        """Hold exactly these partitions; those held already keep their positions."""
        wanted = {partition.at: partition for partition in sorted(partitions)}
        self.drop([at for at in self.held if at not in wanted])
        for at, partition in wanted.items():
            if at not in self.held:
                self.held[at] = Assigned(*at)
            if partition.offset >= 0:
                self.held[at].position = partition.offset
            elif partition.offset in RESETS:
                self.held[at].reset = RESETS[partition.offset]
            self.outbox.touch(self.held[at])
        self.held = {at: self.held[at] for at in wanted}

    def drop(self, gone: Iterable[At]) -> None:
        """Hold these no longer."""
        for at in list(gone):
            held = self.held.pop(at)
            held.is_gone = True
            self.outbox.touch(held)

    def drop_all(self) -> None:
        """Hold nothing."""
        self.drop(self.held)

    def partitions(self) -> tuple[TopicPartition, ...]:
        """What is held."""
        return tuple(TopicPartition(*at) for at in self.held)

    def consumed(self) -> tuple[TopicPartition, ...]:
        """The positions, as they would be committed."""
        return tuple(
            TopicPartition(
                held.topic, held.partition, held.position,
                leader_epoch=held.leader_epoch if held.leader_epoch >= 0 else None,
            )
            for held in self.held.values()
            if held.position is not None
        )

    def committed(self, offsets: Iterable[TopicPartition]) -> None:
        """The coordinator has noted these offsets."""
        for partition in offsets:
            held = self.held.get(partition.at)
            if held is not None:
                held.committed = partition.offset
                self.outbox.touch(held)


RESETS: Mapping[int, str] = {-2: "earliest", -1: "latest"}
"""confluent-kafka's OFFSET_BEGINNING and OFFSET_END, as policies of auto.offset.reset."""
EARLIEST, LATEST = -2, -1
"""The timestamps by which ListOffsets asks for the first and the next offset."""


def duration_ms(text: str) -> int:
    """The milliseconds of an ISO 8601 duration, as auto.offset.reset=by_duration:… has it.

    Raises:
        ValueError: it is none.

    >>> duration_ms("PT2H"), duration_ms("P1DT0.5S")
    (7200000, 86400500)
    """
    found = re.fullmatch(
        r"P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", text
    )
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no duration: P1D, PT2H, PT30M, PT1.5S are")
    days, hours, minutes, seconds = (float(group or 0) for group in found.groups())
    return round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)
