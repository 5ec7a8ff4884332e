"""How a partition changes when its leader, its ISR or the brokers do: pure functions.

Source: org.apache.kafka.controller.PartitionChangeBuilder. A leader is elected from the ISR, then
from the eligible leader replicas (KIP-966): those that left an ISR below min.insync.replicas
and so have all that is committed. When both are empty the last known leader may lead, and with
unclean election any live replica.
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
"""Keep the leader while it may lead, else the first replica that may."""
PREFERRED = "preferred"
"""The first replica, if it may lead."""
UNCLEAN = "unclean"
"""As ONLINE, but out of sync rather than not at all."""

IsAcceptable = Callable[[int], bool]
Replicas = tuple[int, ...]


@value
class Members:
    """Who is in sync, and who may lead all the same (`elr`), once the change is made."""

    isr: Replicas
    elr: Replicas


@value
class Elected:
    """Who is to lead, and whether it may miss committed records."""

    leader: int
    is_unclean: bool = False


def target_members(
    state: PartitionState, isr: Replicas, min_isr: int, unclean: Replicas = ()
) -> Members:
    """The eligible leader replicas that go with a new ISR.

    Whoever leaves an ISR that is too small for acks=all misses nothing that was committed since;
    `unclean` replicas have lost their page cache, perhaps, and are not eligible.
    """
    isr = tuple(replica for replica in isr if replica not in unclean)
    if len(isr) >= min(min_isr, len(state.replicas)):
        return Members(isr, ())
    had = dict.fromkeys([*state.eligible_leader_replicas, *state.isr])
    return Members(isr, tuple(each for each in had if each not in isr and each not in unclean))


def elect(
    state: PartitionState, members: Members, election: str, is_acceptable: IsAcceptable
) -> Elected:
    """Choose a leader. It is NO_LEADER when nobody may lead."""

    def may_lead(replica: int) -> bool:
        return (replica in members.isr or replica in members.elr) and is_acceptable(replica)

    candidates = [state.leader, *state.replicas]
    if election == PREFERRED:
        candidates.insert(0, state.preferred_leader)
    for replica in candidates:
        if may_lead(replica):
            return Elected(replica)
    last_known = state.last_known_elr if not (members.isr or members.elr) else ()
    if len(last_known) == 1 and is_acceptable(last_known[0]):
        return Elected(last_known[0], is_unclean=True)
    if election == UNCLEAN:
        for replica in state.replicas:
            if is_acceptable(replica):
                return Elected(replica, is_unclean=True)
    return Elected(NO_LEADER)


def change(
    state: PartitionState,
    is_acceptable: IsAcceptable,
    *,
    isr: Replicas | None = None,
    min_isr: int = 1,
    unclean: Replicas = (),
    election: str = ONLINE,
    recovery_state: int | None = None,
) -> Any | None:
    """The PartitionChangeRecord that a new ISR or an election makes; None: nothing changes.

    Args:
        isr: who shall be in sync; None: as now.
        min_isr: min.insync.replicas of the topic.
        unclean: replicas that were not shut down cleanly.
        recovery_state: as the leader tells it; None: as now.
    """
    members = target_members(state, state.isr if isr is None else isr, min_isr, unclean)
    elected = elect(state, members, election, is_acceptable)
    fields: dict[str, Any] = {}
    if elected.leader != state.leader:
        fields["leader"] = elected.leader
        members = _led_by(elected, members)
        if elected.is_unclean and state.leader_recovery_state != RECOVERING:
            fields["leader_recovery_state"] = RECOVERING
    if members.isr != state.isr:
        fields["isr"] = members.isr
    if members.elr != state.eligible_leader_replicas:
        fields["eligible_leader_replicas"] = members.elr
    fields |= _last_known_leader(state, elected.leader, members.isr)
    if recovery_state is not None and recovery_state != state.leader_recovery_state:
        fields.setdefault("leader_recovery_state", recovery_state)
    if not fields:
        return None
    return messages.PartitionChangeRecord(
        partition_id=state.partition, topic_id=state.topic_id, **fields)


def _led_by(elected: Elected, members: Members) -> Members:
    """A leader from outside the ISR is the whole ISR; after an unclean one nobody is eligible."""
    if elected.is_unclean:
        return Members((elected.leader,), ())
    if elected.leader in members.elr:
        return Members((elected.leader,), without(members.elr, elected.leader))
    return members


def _last_known_leader(state: PartitionState, leader: int, isr: Replicas) -> dict[str, Any]:
    """Remember who led when the ISR became empty; forget it when somebody leads."""
    if not isr and state.isr and state.leader != NO_LEADER:
        return {"last_known_elr": (state.leader,)}
    return {"last_known_elr": ()} if leader != NO_LEADER and state.last_known_elr else {}


def without(replicas: Iterable[int], broker: int) -> Replicas:
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
