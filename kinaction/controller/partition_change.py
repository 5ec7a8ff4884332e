"""How a partition changes when its leader, its ISR or the brokers do: pure functions.

Source: org.apache.kafka.controller.PartitionChangeBuilder. A leader is elected from the ISR; with
unclean election any live replica may lead, and the ISR is then that replica alone. Eligible leader
replicas (KIP-966) are left out: the last member of an ISR stays in it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from kinaction.controller.facts import IsrChanged, LeaderElected
from kinaction.controller.partitions import (
    NO_LEADER,
    NO_LEADER_CHANGE,
    RECOVERING,
    PartitionState,
)
from kinaction.kernel.fact import Fact
from kinaction.kernel.value import value
from kinaction.wire import messages

ONLINE = "online"
"""Keep the leader while it may lead, else the first replica of the ISR that may."""
PREFERRED = "preferred"
"""The first replica, if it may lead."""
UNCLEAN = "unclean"
"""As ONLINE, but out of sync rather than not at all."""

IsAcceptable = Callable[[int], bool]


@value
class Elected:
    """Who is to lead, and whether it may miss committed records."""

    leader: int
    is_unclean: bool = False


def elect(
    state: PartitionState, isr: tuple[int, ...], election: str, is_acceptable: IsAcceptable
) -> Elected:
    """Choose a leader for a partition with this ISR. The leader is NO_LEADER when nobody may."""

    def may_lead(replica: int) -> bool:
        return replica in isr and is_acceptable(replica)

    candidates = [state.leader, *state.replicas]
    if election == PREFERRED:
        candidates.insert(0, state.preferred_leader)
    for replica in candidates:
        if may_lead(replica):
            return Elected(replica)
    if election == UNCLEAN:
        for replica in state.replicas:
            if is_acceptable(replica):
                return Elected(replica, is_unclean=True)
    return Elected(NO_LEADER)


def change(
    state: PartitionState,
    is_acceptable: IsAcceptable,
    *,
    isr: tuple[int, ...] | None = None,
    election: str = ONLINE,
    recovery_state: int | None = None,
) -> Any | None:
    """The PartitionChangeRecord that a new ISR or an election makes; None: nothing changes.

    An empty ISR cannot be: its last members stay, and nobody leads.
    """
    target_isr = state.isr if isr is None else isr
    elected = elect(state, target_isr, election, is_acceptable)
    fields: dict[str, Any] = {}
    if elected.leader != state.leader:
        fields["leader"] = elected.leader
        if elected.is_unclean:
            target_isr = (elected.leader,)
            if state.leader_recovery_state != RECOVERING:
                fields["leader_recovery_state"] = RECOVERING
    if target_isr and target_isr != state.isr:
        fields["isr"] = target_isr
    if recovery_state is not None and recovery_state != state.leader_recovery_state:
        fields.setdefault("leader_recovery_state", recovery_state)
    if not fields:
        return None
    return messages.PartitionChangeRecord(
        partition_id=state.partition, topic_id=state.topic_id, **fields)


def without(replicas: Iterable[int], broker: int) -> tuple[int, ...]:
    """The replicas but for one broker."""
    return tuple(replica for replica in replicas if replica != broker)


def facts(state: PartitionState, record: Any, reason: str) -> tuple[Fact, ...]:
    """What a PartitionChangeRecord means for the partition as it was before."""
    found: list[Fact] = []
    if record.isr is not None:
        found.append(IsrChanged(state.topic, state.partition, state.isr, record.isr, reason))
    if record.leader != NO_LEADER_CHANGE:
        found.append(LeaderElected(
            state.topic, state.partition, record.leader, state.leader_epoch + 1, reason))
    return tuple(found)
