"""`Rebalance`: how a group comes to its next generation, and how members are lost on the way.

Source: org.apache.kafka.coordinator.group.GroupMetadataManager, classic groups.
"""

from typing import Any

from kinaction.broker.group.facts import GenerationStarted, MemberFenced, short
from kinaction.broker.group.group import Group
from kinaction.broker.group.groups import JOIN, SESSION, SYNC, Groups
from kinaction.broker.group.member import Member
from kinaction.broker.group.states import COMPLETING, EMPTY, PREPARING, STABLE
from kinaction.kernel.message import Message
from kinaction.wire import messages as m
from kinaction.wire.errors import Error

NULLABLE_PROTOCOL_FROM = 7
"""JoinGroup: before it, a protocol name that is not known is written as ""."""


class Rebalance:
    """Collects the members of a group and starts its next generation."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.outbox = groups.outbox

    def prepare_or_complete(self, group: Group, reason: str) -> None:
        """The membership changed: begin a rebalance, or perhaps end the one that runs."""
        if group.can_rebalance:
            self.prepare(group, reason)
        else:
            self.complete_if_all_joined(group)

    def prepare(self, group: Group, reason: str) -> None:
        """Begin a rebalance. An empty group waits a while for more first members."""
        if group.state == COMPLETING:
            self.answer_syncs(group, Error.REBALANCE_IN_PROGRESS)
        if group.pending_syncs:
            self.outbox.cancel_timer((SYNC, group.group_id))
        is_first = group.state == EMPTY
        self.groups.move(group, "rebalance", reason)
        if is_first:
            delay_ms = self.groups.initial_delay_ms
            group.delay_left_ms = max(group.rebalance_timeout_ms - delay_ms, 0)
            self.outbox.set_timer((JOIN, group.group_id), delay_ms)
        elif group.has_all_joined:
            self.complete(group)
        else:
            self.outbox.set_timer((JOIN, group.group_id), group.rebalance_timeout_ms)

    def complete_if_all_joined(self, group: Group) -> None:
        """Do not wait longer than needed, except for the first members of an empty group."""
        if (group.state == PREPARING and group.has_all_joined
                and group.previous_state != EMPTY):
            self.complete(group)

    def on_join_timer(self, group: Group) -> None:
        """The wait is over; while first members keep coming it is prolonged."""
        if group.state != PREPARING:
            return
        is_first = group.previous_state == EMPTY
        if is_first and group.has_new_member and group.delay_left_ms:
            group.has_new_member = False
            delay_ms = min(self.groups.initial_delay_ms, group.delay_left_ms)
            group.delay_left_ms = max(group.delay_left_ms - delay_ms, 0)
            self.outbox.set_timer((JOIN, group.group_id), delay_ms)
        else:
            self.complete(group)

    def complete(self, group: Group) -> None:
        """Start the next generation with those who joined; dynamic members who did not are out."""
        self.outbox.cancel_timer((JOIN, group.group_id))
        for member in [late for late in group.not_yet_rejoined if late.instance_id is None]:
            self._fence(group, member, "it did not rejoin within the rebalance timeout")
        if not group.elect_joined_leader() and group.members:
            self.outbox.set_timer((JOIN, group.group_id), group.rebalance_timeout_ms)
            return
        group.has_new_member = False
        if not group.members:
            self.groups.next_generation(group, "no member is left")
            self.groups.save(group, {}, lambda _: None)
            return
        self.groups.next_generation(group, "everyone has joined")
        assert group.leader is not None, "a generation with members has a leader"
        self.outbox.note(GenerationStarted(
            group.group_id, group.generation, group.protocol or "", group.leader,
            tuple(group.members)))
        self._answer_joins(group)

    def _answer_joins(self, group: Group) -> None:
        for member in list(group.members.values()):
            self.answer_join(member, joined(group, member, with_members=True))
            self.groups.restart_session(group, member)
            member.is_new = False
            group.pending_syncs[member.member_id] = None
        self.outbox.set_timer((SYNC, group.group_id), group.rebalance_timeout_ms)

    def on_sync_timer(self, group: Group) -> None:
        """Members that never fetched their part of the plan are out."""
        late = [group.members[member_id] for member_id in group.pending_syncs]
        if group.state not in (COMPLETING, STABLE) or not late:
            return
        for member in late:
            self._fence(group, member, "it did not ask for its assignment in time")
        self.prepare(group, f"{len(late)} of its members did not ask for their assignments")

    def on_session_timer(self, group: Group, member_id: str) -> None:
        """Nothing was heard of a member for its session timeout."""
        if member_id in group.pending_joins:
            del group.pending_joins[member_id]
            self.complete_if_all_joined(group)
            return
        member = group.members.get(member_id)
        if member is None or (not member.is_new and (member.join or member.sync)):
            return
        self.answer_join(member, refused(Error.UNKNOWN_MEMBER_ID, ""))
        quiet_ms = member.session_timeout_ms
        self._fence(group, member, f"nothing was heard of it for {quiet_ms} ms")
        self.prepare_or_complete(group, f"{short(member.member_id)} has gone silent")

    def _fence(self, group: Group, member: Member, reason: str) -> None:
        self.outbox.note(MemberFenced(group.group_id, member.member_id, reason))
        self.drop(group, member)

    def drop(self, group: Group, member: Member) -> None:
        """Take a member out. Requests of it that still wait are answered."""
        self.answer_join(member, refused(Error.UNKNOWN_MEMBER_ID, ""))
        self.answer_sync(member, m.SyncGroupResponse(error_code=Error.UNKNOWN_MEMBER_ID))
        self.outbox.cancel_timer((SESSION, group.group_id, member.member_id))
        group.remove(member)
        self.outbox.touch(group)

    # -- answers --------------------------------------------------------------------------------

    def answer_join(self, member: Member, body: Any) -> None:
        """Answer a JoinGroup that waits, if there is one."""
        request, member.join = member.join, None
        if request is not None:
            self.outbox.reply(request, in_version(body, request))

    def answer_sync(self, member: Member, body: Any) -> None:
        """Answer a SyncGroup that waits, if there is one."""
        request, member.sync = member.sync, None
        if request is not None:
            self.outbox.reply(request, body)

    def answer_syncs(self, group: Group, error: Error) -> None:
        """There will be no plan: everyone's part is void."""
        for member in group.members.values():
            member.assign(b"")
            if member.sync is not None:
                self.answer_sync(member, m.SyncGroupResponse(error_code=error))
                self.groups.restart_session(group, member)


def joined(group: Group, member: Member, *, with_members: bool) -> Any:
    """The answer to a member of the current generation; the leader is told of all members."""
    kind = m.JoinGroupResponse
    told = with_members and member.member_id == group.leader
    return kind(
        generation_id=group.generation,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol,
        leader=group.leader or "",
        member_id=member.member_id,
        members=tuple(
            kind.JoinGroupResponseMember(
                member_id=other.member_id, group_instance_id=other.instance_id, metadata=metadata)
            for other, metadata in group.metadata_by_member) if told else ())


def refused(error: Error, member_id: str) -> Any:
    """An answer without a generation."""
    return m.JoinGroupResponse(error_code=error, member_id=member_id, protocol_name=None)


def in_version(body: Any, request: Message) -> Any:
    """Old clients know no null in the protocol's name."""
    if body.protocol_name is None and request.version < NULLABLE_PROTOCOL_FROM:
        return body.replace(protocol_name="")
    return body
