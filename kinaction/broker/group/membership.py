"""`Membership`: SyncGroup, Heartbeat and LeaveGroup: what members say once they have an id.

Source: org.apache.kafka.coordinator.group.GroupMetadataManager, classic groups.
"""

from typing import Any

from kinaction.broker.group.facts import MemberLeft, short
from kinaction.broker.group.group import Group
from kinaction.broker.group.groups import SESSION, SYNC, Groups
from kinaction.broker.group.rebalance import Rebalance
from kinaction.broker.group.states import COMPLETING, EMPTY, PREPARING
from kinaction.broker.group.store import told
from kinaction.kernel.message import Message
from kinaction.wire import messages as m
from kinaction.wire.errors import Error, KafkaError

BATCHED_LEAVE_FROM = 3


class Membership:
    """Decides on SyncGroup, Heartbeat and LeaveGroup requests."""

    def __init__(self, groups: Groups, rebalance: Rebalance) -> None:
        self.groups = groups
        self.rebalance = rebalance
        self.outbox = groups.outbox

    # -- SyncGroup ------------------------------------------------------------------------------

    def sync(self, message: Message) -> None:
        """A member asks for its part of the plan; the leader brings all parts."""
        body = message.body
        group = self.groups.get(body.group_id)
        error = Error.UNKNOWN_MEMBER_ID if group is None else _sync_error(group, body)
        if group is None or error is not Error.NONE:
            self.outbox.reply(message, m.SyncGroupResponse(error_code=error))
            return
        member = group.members[body.member_id]
        group.pending_syncs.pop(member.member_id, None)
        if not group.pending_syncs:
            self.outbox.cancel_timer((SYNC, group.group_id))
        if group.state != COMPLETING:
            self.outbox.reply(message, _plan_for(group, member.assignment))
            self.groups.restart_session(group, member)
            return
        member.sync = message
        if member.member_id == group.leader:
            self._store_plan(group, body.assignments)

    def _store_plan(self, group: Group, assignments: Any) -> None:
        """The leader's plan counts once it is stored, if nothing has happened meanwhile."""
        generation = group.generation
        given = {part.member_id: bytes(part.assignment) for part in assignments}
        plan = {member_id: given.get(member_id, b"") for member_id in group.members}

        def then(error: Error) -> None:
            if (not self.groups.is_current(group) or group.state != COMPLETING
                    or group.generation != generation):
                return
            if error is not Error.NONE:
                self.rebalance.answer_syncs(group, told(error))
                self.rebalance.prepare_or_complete(group, "its plan could not be stored")
                return
            self._hand_out(group, plan)

        self.groups.save(group, plan, then)

    def _hand_out(self, group: Group, plan: dict[str, bytes]) -> None:
        for member in group.members.values():
            member.assign(plan.get(member.member_id, b""))
        self.groups.move(group, "plan stored", "its leader's plan is stored")
        for member in group.members.values():
            if member.sync is not None:
                self.rebalance.answer_sync(member, _plan_for(group, member.assignment))
                self.groups.restart_session(group, member)

    # -- Heartbeat ------------------------------------------------------------------------------

    def heartbeat(self, message: Message) -> None:
        """A member lives; it learns whether it has to join again."""
        self.outbox.reply(message, m.HeartbeatResponse(error_code=self._beat(message.body)))

    def _beat(self, body: Any) -> Error:
        group = self.groups.get(body.group_id)
        if group is None:
            return Error.UNKNOWN_MEMBER_ID
        try:
            member = group.known(body.member_id, body.group_instance_id)
        except KafkaError as problem:
            return problem.error
        if body.generation_id != group.generation:
            return Error.ILLEGAL_GENERATION
        if group.state == EMPTY:
            return Error.UNKNOWN_MEMBER_ID
        self.groups.restart_session(group, member)
        return Error.REBALANCE_IN_PROGRESS if group.state == PREPARING else Error.NONE

    # -- LeaveGroup -----------------------------------------------------------------------------

    def leave(self, message: Message) -> None:
        """Members go, or an administrator removes static ones by their instance id."""
        body, kind = message.body, m.LeaveGroupResponse
        members = body.members
        if message.version < BATCHED_LEAVE_FROM:
            members = (m.LeaveGroupRequest.MemberIdentity(member_id=body.member_id),)
        group = self.groups.get(body.group_id)
        errors = [
            Error.UNKNOWN_MEMBER_ID if group is None else self._leave_one(group, member)
            for member in members]
        if message.version < BATCHED_LEAVE_FROM:
            self.outbox.reply(message, kind(error_code=errors[0]))
        else:
            self.outbox.reply(message, kind(members=tuple(
                kind.MemberResponse(
                    member_id=member.member_id, group_instance_id=member.group_instance_id,
                    error_code=error)
                for member, error in zip(members, errors, strict=True))))
        gone = [member for member, error in zip(members, errors, strict=True) if not error]
        if group is not None and gone:
            self._after_leaving(group, gone)

    def _leave_one(self, group: Group, leaving: Any) -> Error:
        member_id = leaving.member_id
        if not member_id:
            member_id = group.static_members.get(leaving.group_instance_id, "")
            if not member_id:
                return Error.UNKNOWN_MEMBER_ID
        elif member_id in group.pending_joins:
            del group.pending_joins[member_id]
            self.outbox.cancel_timer((SESSION, group.group_id, member_id))
            return Error.NONE
        try:
            member = group.known(member_id, leaving.group_instance_id)
        except KafkaError as problem:
            return problem.error
        self.outbox.note(MemberLeft(
            group.group_id, member_id, leaving.reason or "it said so"))
        self.rebalance.drop(group, member)
        return Error.NONE

    def _after_leaving(self, group: Group, gone: list[Any]) -> None:
        names = ", ".join(short(one.member_id) or one.group_instance_id for one in gone)
        verb = "leaves" if len(gone) == 1 else "leave"
        if group.state == PREPARING:
            self.rebalance.complete_if_all_joined(group)
        elif group.state != EMPTY:
            self.rebalance.prepare_or_complete(group, f"{names} {verb}")


def _sync_error(group: Group, body: Any) -> Error:
    try:
        group.known(body.member_id, body.group_instance_id)
    except KafkaError as problem:
        return problem.error
    if body.generation_id != group.generation:
        return Error.ILLEGAL_GENERATION
    if (body.protocol_type not in (None, group.protocol_type)
            or body.protocol_name not in (None, group.protocol)):
        return Error.INCONSISTENT_GROUP_PROTOCOL
    if group.state == EMPTY:
        return Error.UNKNOWN_MEMBER_ID
    return Error.REBALANCE_IN_PROGRESS if group.state == PREPARING else Error.NONE


def _plan_for(group: Group, assignment: bytes) -> Any:
    return m.SyncGroupResponse(
        protocol_type=group.protocol_type, protocol_name=group.protocol, assignment=assignment)
