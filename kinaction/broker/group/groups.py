"""`Groups`: the groups that this broker coordinates, and what all of its handlers share.

Keeps two rules: a group changes its state only in `move`, which tells the trace; and membership is
written as one record a generation, which `load` reads back.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from kinaction.broker.group.committed import CommittedOffsets
from kinaction.broker.group.facts import GroupStateChanged
from kinaction.broker.group.group import Group
from kinaction.broker.group.member import Member
from kinaction.broker.group.states import EMPTY, STABLE
from kinaction.broker.group.store import GroupStore
from kinaction.kernel.message import NodeId
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.errors import Error

SESSION, JOIN, SYNC = "group-session", "group-join", "group-sync"
"""The timers: of a member's session, of a rebalance, of fetching the plan."""


class Groups:
    """The groups by id, with the outbox, the store and the configs."""

    def __init__(
        self, outbox: Outbox, node_id: NodeId, config: Mapping[str, Any], store: GroupStore
    ) -> None:
        self.outbox = outbox
        self.node_id = node_id
        self.store = store
        self.initial_delay_ms: int = config["group.initial.rebalance.delay.ms"]
        self.least_session_ms: int = config["group.min.session.timeout.ms"]
        self.most_session_ms: int = config["group.max.session.timeout.ms"]
        self.most_members: int = config["group.max.size"]
        self.by_id: dict[str, Group] = {}
        self.offsets = CommittedOffsets(outbox)
        self._ids_given = 0

    def get(self, group_id: str) -> Group | None:
        """A group that is here."""
        return self.by_id.get(group_id)

    def get_or_create(self, group_id: str) -> Group:
        """A group, a new and empty one where there is none."""
        group = self.by_id.get(group_id)
        if group is None:
            group = self.by_id[group_id] = Group(group_id, self.outbox.wall_ms)
            self.outbox.touch(group)
        return group

    def is_current(self, group: Group) -> bool:
        """Whether the group is still coordinated here (answers may come after it moved)."""
        return self.by_id.get(group.group_id) is group

    def move(self, group: Group, event: str, reason: str) -> None:
        """Change a group's state along its table, and tell."""
        self._tell(group, group.move(event, self.outbox.wall_ms), reason)

    def next_generation(self, group: Group, reason: str) -> None:
        """The rebalance has its members: a new generation of the group."""
        self._tell(group, group.next_generation(self.outbox.wall_ms), reason)

    def _tell(self, group: Group, before: str, reason: str) -> None:
        self.outbox.note(GroupStateChanged(group.group_id, before, group.state, reason))
        self.outbox.touch(group)

    def remove(self, group: Group, reason: str) -> None:
        """A group is deleted."""
        self._drop(group)
        self.move(group, "remove", reason)

    def let_go(self, group: Group) -> None:
        """Another broker coordinates the group now; it lives on there."""
        self._drop(group)
        group.move("remove", self.outbox.wall_ms)
        self.outbox.touch(group)
        self.offsets.forget(group.group_id)

    def _drop(self, group: Group) -> None:
        for member_id in (*group.members, *group.pending_joins):
            self.outbox.cancel_timer((SESSION, group.group_id, member_id))
        for timer in (JOIN, SYNC):
            self.outbox.cancel_timer((timer, group.group_id))
        self.by_id.pop(group.group_id, None)

    def new_member_id(self, name: str) -> str:
        """An id that no other member ever had: derived, never random.

        Shaped as Kafka's: the client id, or the static member's name, then a uuid.
        """
        self._ids_given += 1
        derived = f"{self.node_id}/{self.outbox.wall_ms}/{self._ids_given}"
        return f"{name}-{uuid5(NAMESPACE_OID, derived)}"

    def save(self, group: Group, assignments: Mapping[str, bytes], then: Any) -> None:
        """Write the group's membership; `then(error)` when that is safe."""
        self.store.append(group.group_id, [self.metadata_record(group, assignments)], then)

    def metadata_record(self, group: Group, assignments: Mapping[str, bytes]) -> tuple[Any, Any]:
        """The GroupMetadata record: generation, leader and each member with its part."""
        body = m.GroupMetadataValue
        return m.GroupMetadataKey(group=group.group_id), body(
            protocol_type=group.protocol_type or "",
            generation=group.generation,
            protocol=group.protocol,
            leader=group.leader,
            current_state_timestamp=group.state_since_ms,
            members=tuple(
                body.MemberMetadata(
                    member_id=member.member_id, group_instance_id=member.instance_id,
                    client_id=member.client_id, client_host=member.client_host,
                    rebalance_timeout=member.rebalance_timeout_ms,
                    session_timeout=member.session_timeout_ms, subscription=metadata,
                    assignment=assignments.get(member.member_id, b""))
                for member, metadata in group.metadata_by_member))

    # -- what a new coordinator reads back ------------------------------------------------------

    def replay(self, key: Any, body: Any) -> None:
        """Take in one record of `__consumer_offsets`, of any kind that classic groups use."""
        if isinstance(key, m.OffsetCommitKey):
            if body is not None:
                self.get_or_create(key.group)
            self.offsets.replay(key, body)
        elif isinstance(key, m.GroupMetadataKey):
            self._replay_group(key.group, body)

    def _replay_group(self, group_id: str, body: Any) -> None:
        if body is None:
            group = self.by_id.pop(group_id, None)
            if group is not None:
                group.move("remove", self.outbox.wall_ms)
                self.outbox.touch(group)
            return
        group = self.by_id[group_id] = Group(group_id, self.outbox.wall_ms)
        if body.current_state_timestamp >= 0:
            group.state_since_ms = body.current_state_timestamp
        group.generation = body.generation
        group.protocol_type = body.protocol_type or None
        group.protocol = body.protocol
        for read in body.members:
            group.add(_member(read, body.protocol))
        group.leader = body.leader
        group.state = STABLE if group.members else EMPTY
        group.topics = group.read_topics()
        self.outbox.touch(group)

    def refusal(self, group_id: str) -> Error:
        """Why this broker does not answer for a group, NONE when it does."""
        return self.store.is_coordinator(group_id)

    def restart_session(self, group: Group, member: Member, session_ms: int | None = None) -> None:
        """Heard of a member: its session begins anew."""
        name = (SESSION, group.group_id, member.member_id)
        self.outbox.set_timer(
            name, member.session_timeout_ms if session_ms is None else session_ms)

    def parts(self) -> Sequence[Any]:
        """What is to be seen: every group, and every group's offsets."""
        return (*self.by_id.values(), *self.offsets.by_group.values())


def _member(read: Any, protocol: str | None) -> Member:
    member = Member(read.member_id, read.group_instance_id, read.client_id, read.client_host)
    member.take(((protocol or "", bytes(read.subscription)),), read.rebalance_timeout,
                read.session_timeout)
    member.assign(bytes(read.assignment))
    return member
