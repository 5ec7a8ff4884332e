"""`PartitionState`: one partition as the controller knows it, and how a record changes it.

The rule of epochs is here: every change raises the partition epoch, a leader that is written down
(even the same one) raises the leader epoch (org.apache.kafka.metadata.PartitionRegistration).
"""

import dataclasses
from typing import Any

from kinaction.kernel.outbox import Json
from kinaction.kernel.value import value

NO_LEADER = -1
NO_LEADER_CHANGE = -2
RECOVERED = 0
RECOVERING = 1


@value
class PartitionState:
    """A partition: who has it, who is in sync, who leads in which epoch.

    `replicas[0]` is the preferred leader. `leader` is NO_LEADER (-1) when nobody may lead.
    """

    topic: str
    topic_id: bytes
    partition: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    leader: int
    leader_epoch: int
    partition_epoch: int
    removing_replicas: tuple[int, ...] = ()
    adding_replicas: tuple[int, ...] = ()
    leader_recovery_state: int = RECOVERED
    eligible_leader_replicas: tuple[int, ...] = ()
    last_known_elr: tuple[int, ...] = ()

    @property
    def preferred_leader(self) -> int:
        """The first replica."""
        return self.replicas[0]

    @property
    def has_preferred_leader(self) -> bool:
        """Whether the first replica leads."""
        return self.leader == self.replicas[0]

    def view(self) -> dict[str, Json]:
        """What is to be seen at "image/<topic>-<partition>/"."""
        elr = list(self.eligible_leader_replicas) or None
        return {"leader": self.leader, "leader_epoch": self.leader_epoch,
                "isr": list(self.isr), "replicas": list(self.replicas), "elr": elr}


def created_partition(topic: str, record: Any) -> PartitionState:
    """What a PartitionRecord says."""
    return PartitionState(
        topic=topic, topic_id=record.topic_id, partition=record.partition_id,
        replicas=record.replicas, isr=record.isr, leader=record.leader,
        leader_epoch=record.leader_epoch, partition_epoch=record.partition_epoch,
        removing_replicas=record.removing_replicas, adding_replicas=record.adding_replicas,
        leader_recovery_state=record.leader_recovery_state,
        eligible_leader_replicas=record.eligible_leader_replicas or (),
        last_known_elr=record.last_known_elr or (),
    )


def without_elr(before: PartitionState) -> PartitionState:
    """The partition with nobody eligible outside its ISR; epochs stay (ClearElrRecord)."""
    return dataclasses.replace(before, eligible_leader_replicas=(), last_known_elr=())


_OPTIONAL = ("isr", "replicas", "removing_replicas", "adding_replicas",
             "eligible_leader_replicas", "last_known_elr")


def changed_partition(before: PartitionState, record: Any) -> PartitionState:
    """The partition after a PartitionChangeRecord."""
    changes = {
        field: getattr(record, field) for field in _OPTIONAL if getattr(record, field) is not None
    }
    if record.leader != NO_LEADER_CHANGE:
        changes |= {"leader": record.leader, "leader_epoch": before.leader_epoch + 1}
    if record.leader_recovery_state >= 0:
        changes["leader_recovery_state"] = record.leader_recovery_state
    return dataclasses.replace(before, partition_epoch=before.partition_epoch + 1, **changes)
