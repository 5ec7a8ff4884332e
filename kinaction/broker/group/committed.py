"""`CommittedOffsets`: how far each group has read. `replay` is the only mutator.

The same records rebuild it on the next coordinator: it is nothing but the compacted content of
`__consumer_offsets` (org.apache.kafka.coordinator.group.OffsetMetadataManager).
"""

from collections.abc import Mapping
from typing import Any

from kinaction.kernel.outbox import Json, Outbox
from kinaction.kernel.value import value
from kinaction.wire import messages as m

Place = tuple[str, int]
"""(topic, partition)."""


@value
class Committed:
    """A position: the next offset to read, and what the member wrote beside it.

    `expire_ms`: when a commit of old (v2 to v4) said that it expires, -1: it did not.
    """

    offset: int
    leader_epoch: int
    metadata: str
    commit_ms: int
    expire_ms: int = -1


class GroupOffsets:
    """One group's positions, as they are seen: "<topic>-<partition>": offset."""

    def __init__(self, group_id: str) -> None:
        self.path = f"offsets/{group_id}"
        self.by_place: dict[Place, Committed] = {}

    def view(self) -> Mapping[str, Json]:
        """The offset of each partition."""
        return {f"{topic}-{partition}": held.offset
                for (topic, partition), held in self.by_place.items()}


class CommittedOffsets:
    """Every group's positions."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.by_group: dict[str, GroupOffsets] = {}

    def of(self, group_id: str) -> Mapping[Place, Committed]:
        """A group's positions by (topic, partition)."""
        held = self.by_group.get(group_id)
        return held.by_place if held else {}

    def replay(self, key: Any, body: Any) -> None:
        """Take in one OffsetCommit record; a body of None forgets the position."""
        held = self.by_group.get(key.group)
        if held is None:
            held = self.by_group[key.group] = GroupOffsets(key.group)
        place = (key.topic, key.partition)
        if body is None:
            held.by_place.pop(place, None)
        else:
            held.by_place[place] = Committed(
                body.offset, body.leader_epoch, body.metadata, body.commit_timestamp,
                body.expire_timestamp)
        self.outbox.touch(held)
        if not held.by_place:
            del self.by_group[key.group]

    def forget(self, group_id: str) -> None:
        """This broker coordinates the group no more."""
        held = self.by_group.pop(group_id, None)
        if held is not None:
            held.by_place = {}
            self.outbox.touch(held)


def tombstone(group_id: str, place: Place) -> tuple[Any, None]:
    """The record that forgets a position."""
    topic, partition = place
    return m.OffsetCommitKey(group=group_id, topic=topic, partition=partition), None
