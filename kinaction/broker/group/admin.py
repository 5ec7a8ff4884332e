"""`GroupAdmin`: ListGroups, DescribeGroups and DeleteGroups.

Source: org.apache.kafka.coordinator.group.GroupCoordinatorService and ClassicGroup.
"""

from typing import Any

from kinaction.broker.group.commits import Commits
from kinaction.broker.group.committed import tombstone
from kinaction.broker.group.group import Group
from kinaction.broker.group.groups import Groups
from kinaction.broker.group.states import DEAD, EMPTY
from kinaction.broker.group.store import told
from kinaction.kernel.message import Message
from kinaction.wire import messages as m
from kinaction.wire.errors import Error

NOT_FOUND_FROM = 6
"""DescribeGroups: before it, a group that is not there is Dead without an error."""
CLASSIC = "classic"
OPERATIONS = sum(1 << operation for operation in (3, 6, 8, 10, 11))
"""READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS: all that there are for groups."""
UNASKED = -(2**31)


class GroupAdmin:
    """Decides on the requests of administrators."""

    def __init__(self, groups: Groups, commits: Commits) -> None:
        self.groups = groups
        self.commits = commits
        self.outbox = groups.outbox

    def list(self, message: Message) -> None:
        """The groups of this broker, by state and type."""
        body = message.body
        states = [state.strip().lower() for state in body.states_filter]
        types = [kind.strip().lower() for kind in body.types_filter]
        kind = m.ListGroupsResponse
        self.outbox.reply(message, kind(groups=tuple(
            kind.ListedGroup(
                group_id=group.group_id, protocol_type=group.protocol_type or "",
                group_state=group.state, group_type=CLASSIC)
            for group in self.groups.by_id.values()
            if (not states or group.state.lower() in states)
            and (not types or CLASSIC in types))))

    def describe(self, message: Message) -> None:
        """Groups with their members; what these read is told once the group is stable."""
        body = message.body
        self.outbox.reply(message, m.DescribeGroupsResponse(groups=tuple(
            self._describe(group_id, message) for group_id in body.groups)))

    def _describe(self, group_id: str, message: Message) -> Any:
        kind = m.DescribeGroupsResponse.DescribedGroup
        asked = message.body.include_authorized_operations
        operations = OPERATIONS if asked else UNASKED
        error = self.groups.refusal(group_id)
        if error is not Error.NONE:
            return kind(error_code=error, group_id=group_id)
        group = self.groups.get(group_id)
        if group is None:
            is_error = message.version >= NOT_FOUND_FROM
            return kind(
                error_code=Error.GROUP_ID_NOT_FOUND if is_error else Error.NONE,
                error_message=f"Group {group_id} not found." if is_error else None,
                group_id=group_id, group_state=DEAD, authorized_operations=operations)
        return kind(
            group_id=group_id, group_state=group.state,
            protocol_type=group.protocol_type or "",
            protocol_data=(group.protocol or "") if group.is_stable else "",
            members=_described(group), authorized_operations=operations)

    def delete(self, message: Message) -> None:
        """Delete groups that nobody is in, with their offsets; answered when all are decided."""
        kind = m.DeleteGroupsResponse
        names = tuple(dict.fromkeys(message.body.groups_names))
        errors: dict[str, Error] = {}

        def decided(group_id: str, error: Error) -> None:
            errors[group_id] = error
            if len(errors) == len(names):
                self.outbox.reply(message, kind(results=tuple(
                    kind.DeletableGroupResult(group_id=name, error_code=errors[name])
                    for name in names)))

        if not names:
            self.outbox.reply(message, kind())
        for group_id in names:
            self._delete(group_id, decided)

    def _delete(self, group_id: str, decided: Any) -> None:
        group = self.groups.get(group_id)
        error = self.groups.refusal(group_id) or _deletable(group)
        if group is None or error is not Error.NONE:
            decided(group_id, error)
            return
        places = [*self.groups.offsets.of(group_id)]

        def then(error: Error) -> None:
            if error is Error.NONE:
                self.commits.forget(group_id, places)
                if self.groups.is_current(group) and group.state == EMPTY:
                    self.groups.remove(group, "it was deleted")
            decided(group_id, told(error))

        tombstones = [tombstone(group_id, place) for place in places]
        tombstones.append((m.GroupMetadataKey(group=group_id), None))
        self.groups.store.append(group_id, tombstones, then)


def _deletable(group: Group | None) -> Error:
    if group is None:
        return Error.GROUP_ID_NOT_FOUND
    return Error.NONE if group.state == EMPTY else Error.NON_EMPTY_GROUP


def _described(group: Group) -> tuple[Any, ...]:
    kind = m.DescribeGroupsResponse.DescribedGroupMember
    return tuple(
        kind(member_id=member.member_id, group_instance_id=member.instance_id,
             client_id=member.client_id, client_host=member.client_host,
             member_metadata=metadata if group.is_stable else b"",
             member_assignment=member.assignment)
        for member, metadata in group.metadata_by_member)
