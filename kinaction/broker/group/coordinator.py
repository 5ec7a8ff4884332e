"""`GroupCoordinator`: the broker's component for classic groups; the list of what it answers.

Keeps the rule that nothing is told to a client before it is stored: answers that depend on a
record wait in `GroupStore.append`. Source: org.apache.kafka.coordinator.group.
GroupCoordinatorService.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kinaction.broker.group.admin import GroupAdmin
from kinaction.broker.group.commits import Commits
from kinaction.broker.group.groups import JOIN, SESSION, SYNC, Groups
from kinaction.broker.group.joining import Joining
from kinaction.broker.group.membership import Membership
from kinaction.broker.group.rebalance import Rebalance, in_version, refused
from kinaction.broker.group.store import GroupStore, TopicIds
from kinaction.kernel.machine import handles, handles_timer
from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.log_records import decode_key, decode_value

OFFSETS_TOPIC = "__consumer_offsets"
CLASSIC_KEYS = (m.OffsetCommitKey, m.GroupMetadataKey)


class GroupCoordinator:
    """Answers for the groups whose partition of `__consumer_offsets` this broker leads.

    Args:
        config: the broker's configs, by Kafka's keys, typed.
        store: where records go and which groups are ours.
        topic_ids: names of topics by id (OffsetCommit and OffsetFetch from v10 on).
    """

    def __init__(
        self, outbox: Outbox, node_id: NodeId, config: Mapping[str, Any], store: GroupStore,
        topic_ids: TopicIds | None = None,
    ) -> None:
        self.outbox = outbox
        self.groups = Groups(outbox, node_id, config, store)
        self.rebalance = Rebalance(self.groups)
        self.joining = Joining(self.groups, self.rebalance)
        self.membership = Membership(self.groups, self.rebalance)
        self.commits = Commits(self.groups, config, topic_ids)
        self.admin = GroupAdmin(self.groups, self.commits)

    def parts(self) -> Sequence[Any]:
        """The parts of the broker's view: groups/<group>, offsets/<group>."""
        return self.groups.parts()

    # -- members --------------------------------------------------------------------------------

    @handles(m.JoinGroupRequest)
    def on_join_group(self, message: Message) -> None:
        """A client wants to be a member of the next generation."""
        body = message.body
        error = self._refusal(body.group_id)
        if error is not Error.NONE:
            self.outbox.reply(message, in_version(refused(error, body.member_id), message))
        else:
            self.joining.join(message)

    @handles(m.SyncGroupRequest)
    def on_sync_group(self, message: Message) -> None:
        """A member wants its part of the plan."""
        self._guarded(message, m.SyncGroupResponse, self.membership.sync)

    @handles(m.HeartbeatRequest)
    def on_heartbeat(self, message: Message) -> None:
        """A member lives."""
        self._guarded(message, m.HeartbeatResponse, self.membership.heartbeat)

    @handles(m.LeaveGroupRequest)
    def on_leave_group(self, message: Message) -> None:
        """Members go."""
        self._guarded(message, m.LeaveGroupResponse, self.membership.leave)

    def _guarded(self, message: Message, kind: Any, decide: Callable[[Message], None]) -> None:
        error = self._refusal(message.body.group_id)
        if error is not Error.NONE:
            self.outbox.reply(message, kind(error_code=error))
        else:
            decide(message)

    def _refusal(self, group_id: str) -> Error:
        """A group without a name has no members."""
        return self.groups.refusal(group_id) if group_id else Error.INVALID_GROUP_ID

    # -- offsets --------------------------------------------------------------------------------

    @handles(m.OffsetCommitRequest)
    def on_offset_commit(self, message: Message) -> None:
        """Store positions."""
        self.commits.commit(message)

    @handles(m.OffsetFetchRequest)
    def on_offset_fetch(self, message: Message) -> None:
        """Tell positions."""
        self.commits.fetch(message)

    @handles(m.OffsetDeleteRequest)
    def on_offset_delete(self, message: Message) -> None:
        """Forget positions."""
        error = self.groups.refusal(message.body.group_id)
        if error is not Error.NONE:
            self.outbox.reply(message, m.OffsetDeleteResponse(error_code=error))
        else:
            self.commits.delete(message)

    def forget_topics(self, topics: Sequence[str]) -> None:
        """Topics were deleted: their offsets go. The broker calls it."""
        self.commits.forget_topics(tuple(topics))

    def expire_offsets(self) -> None:
        """offsets.retention.minutes; the broker calls it now and then."""
        self.commits.expire()

    # -- administrators -------------------------------------------------------------------------

    @handles(m.ListGroupsRequest)
    def on_list_groups(self, message: Message) -> None:
        """The groups of this broker."""
        self.admin.list(message)

    @handles(m.DescribeGroupsRequest)
    def on_describe_groups(self, message: Message) -> None:
        """Groups with their members."""
        self.admin.describe(message)

    @handles(m.DeleteGroupsRequest)
    def on_delete_groups(self, message: Message) -> None:
        """Groups that nobody is in go."""
        self.admin.delete(message)

    # -- timers ---------------------------------------------------------------------------------

    @handles_timer(SESSION)
    def on_session_timeout(self, name: tuple[str, str, str]) -> None:
        """session.timeout.ms passed without a word from a member."""
        group = self.groups.get(name[1])
        if group is not None:
            self.rebalance.on_session_timer(group, name[2])

    @handles_timer(JOIN)
    def on_join_timeout(self, name: tuple[str, str]) -> None:
        """The wait for members is over."""
        group = self.groups.get(name[1])
        if group is not None:
            self.rebalance.on_join_timer(group)

    @handles_timer(SYNC)
    def on_sync_timeout(self, name: tuple[str, str]) -> None:
        """The wait for SyncGroup requests is over."""
        group = self.groups.get(name[1])
        if group is not None:
            self.rebalance.on_sync_timer(group)

    # -- leadership -----------------------------------------------------------------------------

    def load(self, partition: int, records: Sequence[tuple[bytes, bytes | None]]) -> None:
        """This broker leads a partition of `__consumer_offsets`: (key, value) of all its records.

        Groups that are here already are left alone (only the leader's epoch changed); record types
        of later Kafkas are passed over, as Kafka does.
        """
        present = frozenset(self.groups.by_id)
        for key, data in records:
            try:
                read = decode_key(OFFSETS_TOPIC, key)
                if isinstance(read, CLASSIC_KEYS) and read.group not in present:
                    self.groups.replay(read, decode_value(read, data))
            except KafkaError:
                continue
        for group in self.groups.by_id.values():
            if group.group_id not in present:
                for member in group.members.values():
                    self.groups.restart_session(group, member)
        assert partition >= 0, "a partition's number"

    def unload(self, partition: int) -> None:
        """Another broker leads the partition now: whoever waits is sent there.

        The store already refuses the partition's groups.
        """
        assert partition >= 0, "a partition's number"
        for group in list(self.groups.by_id.values()):
            if self.groups.refusal(group.group_id) is Error.NONE:
                continue
            for member in list(group.members.values()):
                self.rebalance.answer_join(
                    member, refused(Error.NOT_COORDINATOR, member.member_id))
                self.rebalance.answer_sync(
                    member, m.SyncGroupResponse(error_code=Error.NOT_COORDINATOR))
            self.groups.let_go(group)
