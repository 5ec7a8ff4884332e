"""`Joining`: JoinGroup. Who may be a member, under which id, and whether that means a rebalance.

Source: org.apache.kafka.coordinator.group.GroupMetadataManager.classicGroupJoin (KIP-345, KIP-394).
"""

from typing import Any

from kinaction.broker.group.facts import MemberFenced, MemberJoined, short
from kinaction.broker.group.group import Group
from kinaction.broker.group.groups import SESSION, Groups
from kinaction.broker.group.member import Member, Protocols
from kinaction.broker.group.rebalance import Rebalance, in_version, joined, refused
from kinaction.broker.group.states import COMPLETING, DEAD, EMPTY, PREPARING, STABLE
from kinaction.broker.group.store import told
from kinaction.kernel.message import Message
from kinaction.kernel.value import value
from kinaction.wire import messages as m
from kinaction.wire.errors import Error, KafkaError

ID_REQUIRED_FROM = 4
SKIPS_ASSIGNMENT_FROM = 9
NEW_MEMBER_TIMEOUT_MS = 5 * 60_000
"""How long a new member may wait in a rebalance: it has no session that it could keep up."""


@value
class Join:
    """A JoinGroup as it is decided on: the request with what its version leaves out."""

    message: Message
    member_id: str
    instance_id: str | None
    protocol_type: str
    protocols: Protocols
    session_timeout_ms: int
    rebalance_timeout_ms: int

    @classmethod
    def of(cls, message: Message) -> "Join":
        """Read a request."""
        body = message.body
        rebalance_ms = body.rebalance_timeout_ms
        return cls(
            message, body.member_id, body.group_instance_id, body.protocol_type,
            tuple((asked.name, bytes(asked.metadata)) for asked in body.protocols),
            body.session_timeout_ms,
            body.session_timeout_ms if message.version == 0 or rebalance_ms < 0 else rebalance_ms)

    @property
    def why(self) -> str:
        """What brings this client, in words."""
        reason = self.message.body.reason
        who = self.instance_id or short(self.member_id) or self.message.client_id or "a client"
        return f"{who} joins" + (f" ({reason})" if reason else "")


class Joining:
    """Decides on JoinGroup requests."""

    def __init__(self, groups: Groups, rebalance: Rebalance) -> None:
        self.groups = groups
        self.rebalance = rebalance
        self.outbox = groups.outbox

    def join(self, message: Message) -> None:
        """Take a JoinGroup for a group that is coordinated here."""
        body = message.body
        if not self.groups.least_session_ms <= body.session_timeout_ms <= (
                self.groups.most_session_ms):
            self._refuse(message, Error.INVALID_SESSION_TIMEOUT, body.member_id)
            return
        is_new = self.groups.get(body.group_id) is None
        if is_new and body.member_id:
            self._refuse(message, Error.UNKNOWN_MEMBER_ID, body.member_id)
            return
        group = self.groups.get_or_create(body.group_id)
        self._decide(group, Join.of(message))
        if is_new and self.groups.is_current(group):
            self._save_new(group)

    def _decide(self, group: Group, join: Join) -> None:
        if not self._has_room(group, join.member_id):
            if join.member_id in group.members:
                self.rebalance.drop(group, group.members[join.member_id])
            self._refuse(join.message, Error.GROUP_MAX_SIZE_REACHED, "")
        elif not group.supports(join.protocol_type, join.protocols):
            self._refuse(join.message, Error.INCONSISTENT_GROUP_PROTOCOL, join.member_id)
        elif join.member_id:
            self._returning(group, join)
        elif join.instance_id is not None:
            self._static(group, join, join.instance_id)
        else:
            self._dynamic(group, join)

    def _has_room(self, group: Group, member_id: str) -> bool:
        """Whether group.max.size leaves a place for this one."""
        most = self.groups.most_members
        member = group.members.get(member_id)
        if group.state in (EMPTY, DEAD):
            return True
        if group.state == PREPARING:
            return ((member is not None and member.join is not None)
                    or len(group.awaiting_join) < most)
        return member is not None or len(group.members) < most

    def _save_new(self, group: Group) -> None:
        """A group is born: even an empty one is written down."""
        def then(error: Error) -> None:
            if error is not Error.NONE and self.groups.is_current(group) and group.state == EMPTY:
                self.groups.remove(group, "it could not be written down")

        self.groups.save(group, {}, then)

    # -- new members ----------------------------------------------------------------------------

    def _dynamic(self, group: Group, join: Join) -> None:
        """KIP-394: first an id, then the membership, so that a retry leaves no ghost behind."""
        member_id = self.groups.new_member_id(join.message.client_id or "")
        if join.message.version < ID_REQUIRED_FROM:
            self._add(group, join, member_id)
            return
        group.pending_joins[member_id] = None
        self.outbox.set_timer((SESSION, group.group_id, member_id), join.session_timeout_ms)
        self._refuse(join.message, Error.MEMBER_ID_REQUIRED, member_id)

    def _static(self, group: Group, join: Join, instance_id: str) -> None:
        """KIP-345: a static member that comes back takes the place that it had."""
        member_id = self.groups.new_member_id(instance_id)
        known = group.static_members.get(instance_id)
        if known is None:
            self._add(group, join, member_id)
        else:
            self._replace(group, join, group.members[known], member_id)

    def _add(self, group: Group, join: Join, member_id: str) -> None:
        client_id = join.message.client_id or ""
        member = Member(member_id, join.instance_id, client_id, client_host(join.message))
        member.is_new = True
        if group.state == PREPARING and group.previous_state == EMPTY:
            group.has_new_member = True
        if not group.members:
            group.protocol_type = join.protocol_type
        group.add(member)
        self._take(member, join)
        self.outbox.note(MemberJoined(group.group_id, member_id, client_id))
        self.outbox.touch(group)
        self.groups.restart_session(group, member, NEW_MEMBER_TIMEOUT_MS)
        self.rebalance.prepare_or_complete(group, f"{client_id or 'a client'} joins")

    # -- members that return --------------------------------------------------------------------

    def _returning(self, group: Group, join: Join) -> None:
        if join.member_id in group.pending_joins:
            error = Error.UNKNOWN_SERVER_ERROR if join.instance_id is not None else Error.NONE
            if error is Error.NONE:
                self._add(group, join, join.member_id)
            else:
                self._refuse(join.message, error, join.member_id)
            return
        try:
            member = group.known(join.member_id, join.instance_id)
        except KafkaError as problem:
            self._refuse(join.message, problem.error, join.member_id)
            return
        if self._needs_rebalance(group, member, join):
            self._take(member, join)
            self.rebalance.prepare_or_complete(group, join.why)
        else:
            told_all = group.state == COMPLETING
            self._answer(join.message, joined(group, member, with_members=told_all))

    @staticmethod
    def _needs_rebalance(group: Group, member: Member, join: Join) -> bool:
        """Not when its answer was lost and it asks again; but the leader may always ask for one."""
        if group.state == PREPARING:
            return True
        is_changed = member.protocols != join.protocols
        if group.state == COMPLETING:
            return is_changed
        return is_changed or member.member_id == group.leader

    def _replace(self, group: Group, join: Join, member: Member, member_id: str) -> None:
        old_id, old_leader = member.member_id, group.leader
        self.rebalance.answer_join(member, refused(Error.FENCED_INSTANCE_ID, old_id))
        self.rebalance.answer_sync(
            member, m.SyncGroupResponse(error_code=Error.FENCED_INSTANCE_ID))
        self.outbox.cancel_timer((SESSION, group.group_id, old_id))
        self.outbox.note(MemberFenced(
            group.group_id, old_id, f"{join.instance_id} came back as {short(member_id)}"))
        group.rename(member, member_id)
        before = (member.protocols, member.rebalance_timeout_ms, member.session_timeout_ms)
        self._take(member, join)
        self.groups.restart_session(group, member)
        self.outbox.touch(group)
        if group.state == STABLE and group.select_protocol() == group.protocol:
            self._keep_place(group, join, member, old_leader, (old_id, *before))
        elif group.state in (STABLE, COMPLETING):
            self.rebalance.prepare(group, f"{join.why} again")
        else:
            self.rebalance.complete_if_all_joined(group)

    def _keep_place(
        self, group: Group, join: Join, member: Member, old_leader: str | None,
        before: tuple[str, Protocols, int, int],
    ) -> None:
        """No rebalance: the returning static member reads on where it was, once that is stored."""
        def then(error: Error) -> None:
            if error is not Error.NONE:
                self._restore(group, member, before)
                self.rebalance.answer_join(member, refused(told(error), ""))
                return
            if self.groups.is_current(group) and member.join is not None:
                self.groups.restart_session(group, member)
            self.rebalance.answer_join(member, self._same_place(group, join, member, old_leader))

        parts = {other.member_id: other.assignment for other in group.members.values()}
        self.groups.save(group, parts, then)

    def _restore(
        self, group: Group, member: Member, before: tuple[str, Protocols, int, int]
    ) -> None:
        """It could not be stored: the old id is valid again."""
        if not self.groups.is_current(group) or member.member_id not in group.members:
            return
        old_id, protocols, rebalance_ms, session_ms = before
        self.outbox.cancel_timer((SESSION, group.group_id, member.member_id))
        group.rename(member, old_id)
        member.take(protocols, rebalance_ms, session_ms)
        self.groups.restart_session(group, member)
        self.outbox.touch(group)

    @staticmethod
    def _same_place(group: Group, join: Join, member: Member, old_leader: str | None) -> Any:
        """Before v9 a leader that returns is not told that it leads, so that it does not plan."""
        if join.message.version < SKIPS_ASSIGNMENT_FROM:
            answer = joined(group, member, with_members=False)
            return answer.replace(leader=old_leader or "")
        answer = joined(group, member, with_members=True)
        return answer.replace(skip_assignment=member.member_id == group.leader)

    # -- answers --------------------------------------------------------------------------------

    def _take(self, member: Member, join: Join) -> None:
        """Its request waits; one that waited before is answered no more by the protocol."""
        member.take(join.protocols, join.rebalance_timeout_ms, join.session_timeout_ms)
        member.join = join.message

    def _refuse(self, message: Message, error: Error, member_id: str) -> None:
        self._answer(message, refused(error, member_id))

    def _answer(self, message: Message, body: Any) -> None:
        self.outbox.reply(message, in_version(body, message))


def client_host(message: Message) -> str:
    """Where a member is, as DescribeGroups shows it: simulated nodes by their names."""
    source = str(message.source)
    return "/127.0.0.1" if source.startswith("client:") else f"/{source}"
