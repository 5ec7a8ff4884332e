"""`Membership`: a consumer's place in its group, by the classic protocol.

Keeps the rules of org.apache.kafka.clients.consumer.internals.AbstractCoordinator: a member joins
only from within `poll`. Eagerly it gives up all partitions before it rejoins; where all its
assignors are cooperative, only those that are to change hands (KIP-429).
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kinaction.client.assignors import Assignor, assignors
from kinaction.client.consumer_protocol import (
    PROTOCOL_TYPE,
    At,
    Member,
    decode_assignment,
    decode_subscription,
    encode_assignment,
    encode_subscription,
)
from kinaction.client.coordinator import LOST, Coordinator
from kinaction.client.group_errors import FATAL, RESET, group_error
from kinaction.client.heartbeat import Heartbeat
from kinaction.client.metadata import Metadata
from kinaction.client.network import Network
from kinaction.kernel.channel import Failure
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.kernel.states import StateTable
from kinaction.wire.config import Config
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import (
    JoinGroupRequest,
    LeaveGroupRequest,
    SyncGroupRequest,
)

MEMBER_STATES = StateTable("group member", "unjoined", {
    "unjoined": {"join": "preparing"},
    "preparing": {"joined": "completing", "fail": "unjoined", "leave": "unjoined"},
    "completing": {"synced": "stable", "fail": "unjoined", "leave": "unjoined"},
    "stable": {"join": "preparing", "fail": "unjoined", "leave": "unjoined"},
})
"""MemberState of Java's consumer: unjoined, preparing and completing a rebalance, stable."""

JOIN_TIMEOUT_LAPSE_MS = 5000
"""How much longer than the rebalance timeout a JoinGroup request may take."""

class Owner(Protocol):
    """What a membership asks of its consumer."""

    def wanted_topics(self) -> tuple[str, ...]:
        """The topics that are subscribed to."""

    def owned(self) -> tuple[At, ...]:
        """The partitions that are held."""

    def on_prepare(self, then: Callable[[], None], *, is_cooperative: bool) -> None:
        """A rebalance begins: commit, give up what is held unless cooperative, then go on."""

    def on_assigned(
        self, partitions: tuple[At, ...], then: Callable[[], None], *, is_cooperative: bool
    ) -> None:
        """These partitions are given. `then`: some were given up for it, so join again."""

    def on_lost(self) -> None:
        """The membership ended: what is held may be somebody else's already."""


class Membership:
    """One member. Steps are made by `pump(is_polling)`; `error` is for the next poll."""

    def __init__(
        self,
        outbox: Outbox,
        network: Network,
        coordinator: Coordinator,
        owner: Owner,
        config: Config,
    ) -> None:
        self.outbox = outbox
        self.network = network
        self.metadata: Metadata = network.metadata
        self.coordinator = coordinator
        self.owner = owner
        self.config = config
        self.assignors = assignors(config["partition.assignment.strategy"])
        self.is_cooperative = all(one.is_cooperative for one in self.assignors)
        self.instance_id: str | None = config["group.instance.id"]
        self.state = MEMBER_STATES.first
        self.member_id = ""
        self.generation = -1
        self.protocol = ""
        self.needs_join = False
        self.error: KafkaError | None = None
        self._preparing = ""
        self._members: tuple[Member, ...] = ()
        self._counts: Mapping[str, int] | None = None
        self._update: int | None = None
        self._assigned: tuple[At, ...] | None = None
        self._is_lost = False
        self._is_backing_off = False
        self._failures = 0
        self.heartbeat = Heartbeat(outbox, network, self)

    def identity(self) -> tuple[int, str, str | None]:
        """(generation, member id, instance id) for commits; (-1, "", None) outside a group."""
        if self.state == "unjoined":
            return -1, "", None
        return self.generation, self.member_id, self.instance_id

    # -- what has become possible ---------------------------------------------------------

    def pump(self, is_polling: bool) -> None:
        """Make the steps that can be made; joining only while the application polls."""
        if self._update is not None and self.network.has_updated(self._update):
            self._update = None
            self._sync_as_leader()
        if not is_polling:
            return
        if self._is_lost:
            self._is_lost = False
            self.owner.on_lost()
        if self._assigned is not None:
            assigned, self._assigned = self._assigned, None
            self.owner.on_assigned(
                assigned, self._join_again, is_cooperative=self.is_cooperative
            )
        if self.state == "stable" and self._has_new_partitions():
            self.needs_join = True
        if self.needs_join and self._preparing == "" and self.state in ("unjoined", "stable"):
            self._preparing = "giving up"
            self.owner.on_prepare(self._on_prepared, is_cooperative=self.is_cooperative)
        if self._preparing == "given up" and not self._is_backing_off:
            self._join()

    def _has_new_partitions(self) -> bool:
        """Whether a topic of the group that this member leads has grown (or come, or gone)."""
        return self._counts is not None and self._counts != self._count(tuple(self._counts))

    def _on_prepared(self) -> None:
        self._preparing = "given up"

    def _join_again(self) -> None:
        self.needs_join = True

    # -- JoinGroup ------------------------------------------------------------------------

    def _join(self) -> None:
        place = self.coordinator.place()
        if place is None or not self.network.is_ready(place):
            return
        self.state = MEMBER_STATES.next(self.state, "join")
        self._preparing = ""
        self.needs_join = False
        topics, owned = self.owner.wanted_topics(), self.owner.owned()
        body = JoinGroupRequest(
            group_id=self.coordinator.group,
            session_timeout_ms=self.config["session.timeout.ms"],
            rebalance_timeout_ms=self.config["max.poll.interval.ms"],
            member_id=self.member_id,
            group_instance_id=self.instance_id,
            protocol_type=PROTOCOL_TYPE,
            protocols=tuple(
                JoinGroupRequest.JoinGroupRequestProtocol(
                    name=assignor.name,
                    metadata=encode_subscription(topics, owned, self.generation),
                )
                for assignor in self.assignors
            ),
        )
        limit_ms = self.config["max.poll.interval.ms"] + JOIN_TIMEOUT_LAPSE_MS
        self.network.send(
            place, body, self._on_joined, max(limit_ms, self.config["request.timeout.ms"])
        )

    def _on_joined(self, answer: Any, failure: Failure | None) -> None:
        if self.state != "preparing":
            return
        if failure is not None:
            self._failed_to_join(Error.COORDINATOR_NOT_AVAILABLE)
            return
        error = Error(answer.error_code)
        if error is Error.MEMBER_ID_REQUIRED:
            self.member_id = answer.member_id
            self.state = MEMBER_STATES.next(self.state, "fail")
            self.needs_join = True
            return
        if error is not Error.NONE:
            self._failed_to_join(error)
            return
        self._failures = 0
        self.state = MEMBER_STATES.next(self.state, "joined")
        self.member_id = answer.member_id
        self.generation = answer.generation_id
        self.protocol = answer.protocol_name
        self._counts = None
        self.heartbeat.begin()
        if answer.leader == answer.member_id and not answer.skip_assignment:
            self._lead(answer)
        else:
            self._sync({})

    def _failed_to_join(self, error: Error) -> None:
        """Join again, at once or after a while; or never, where the group does not want us."""
        self.state = MEMBER_STATES.next(self.state, "fail")
        self.needs_join = True
        if error in LOST:
            self.coordinator.lost()
        if error in RESET:
            self._reset()
        if error in FATAL:
            self.error = group_error(error, self.coordinator.group, self.config)
        self._back_off()

    def _reset(self) -> None:
        self.generation = -1
        if self.instance_id is None:
            self.member_id = ""

    def _back_off(self) -> None:
        self._failures += 1
        self._is_backing_off = True
        self.network.retry.set_timer(self.outbox, "join-retry", self._failures)

    @handles_timer("join-retry")
    def on_join_retry(self, name: Any) -> None:
        """The wait before the next attempt is over."""
        self._is_backing_off = False

    # -- SyncGroup ------------------------------------------------------------------------

    def _lead(self, answer: Any) -> None:
        """The leader assigns; first it needs the partition counts of everybody's topics."""
        self._members = tuple(
            decode_subscription(member.member_id, member.group_instance_id, member.metadata)
            for member in answer.members
        )
        if all(self.metadata.partition_count(topic) is not None for topic in self.group_topics()):
            self._sync_as_leader()
        else:
            self.network.request_update()
            self._update = self.network.updates

    def group_topics(self) -> tuple[str, ...]:
        """The topics that any member wants: the leader watches them all."""
        return tuple(sorted({topic: None for one in self._members for topic in one.topics}))

    def _sync_as_leader(self) -> None:
        if self.state != "completing":
            return
        counts = self._counts = self._count(self.group_topics())
        try:
            given = self._assignor().assign(self._members, counts)
        except KafkaError as problem:
            self.error = problem
            given = {}
        self._sync({member: tuple(partitions) for member, partitions in given.items()})

    def _assignor(self) -> Assignor:
        return next(one for one in self.assignors if one.name == self.protocol)

    def _count(self, topics: tuple[str, ...]) -> dict[str, int]:
        counts = {topic: self.metadata.partition_count(topic) for topic in topics}
        return {topic: count or 0 for topic, count in counts.items()}

    def _sync(self, given: Mapping[str, tuple[At, ...]]) -> None:
        place = self.coordinator.place()
        if place is None or not self.network.is_ready(place):
            self._failed_to_join(Error.COORDINATOR_NOT_AVAILABLE)
            return
        body = SyncGroupRequest(
            group_id=self.coordinator.group,
            generation_id=self.generation,
            member_id=self.member_id,
            group_instance_id=self.instance_id,
            protocol_type=PROTOCOL_TYPE,
            protocol_name=self.protocol,
            assignments=tuple(
                SyncGroupRequest.SyncGroupRequestAssignment(
                    member_id=member, assignment=encode_assignment(partitions)
                )
                for member, partitions in given.items()
            ),
        )
        generation = self.generation
        self.network.send(
            place, body, lambda answer, failure: self._on_synced(generation, answer, failure),
            self.config["max.poll.interval.ms"] + JOIN_TIMEOUT_LAPSE_MS,
        )

    def _on_synced(self, generation: int, answer: Any, failure: Failure | None) -> None:
        if self.state != "completing" or generation != self.generation:
            return
        if failure is not None:
            self._failed_to_join(Error.COORDINATOR_NOT_AVAILABLE)
            return
        error = Error(answer.error_code)
        if error is not Error.NONE:
            self._failed_to_join(error)
            return
        self.state = MEMBER_STATES.next(self.state, "synced")
        self._assigned = decode_assignment(answer.assignment)

    # -- what heartbeats tell -------------------------------------------------------------

    def on_beat(self, generation: int, error: Error) -> None:
        """The coordinator's answer to a heartbeat of this generation."""
        if generation != self.generation or self.state != "stable":
            return
        if error is Error.REBALANCE_IN_PROGRESS:
            self.needs_join = True
        elif error in LOST:
            self.coordinator.lost()
        elif error in RESET:
            self._lose()
        elif error in FATAL:
            self._lose()
            self.error = group_error(error, self.coordinator.group, self.config)

    def _lose(self) -> None:
        """The group goes on without this member; at the next poll it begins anew."""
        self.state = MEMBER_STATES.next(self.state, "fail")
        self._reset()
        self._is_lost = True
        self.needs_join = True

    # -- leaving --------------------------------------------------------------------------

    def on_stuck(self) -> None:
        """The application did not poll within max.poll.interval.ms: leave the group (KIP-62)."""
        if self.state != "unjoined":
            self.leave("consumer poll timeout has expired.")
            self._is_lost = True
            self.needs_join = True

    def leave(self, reason: str, then: Callable[[], None] | None = None) -> None:
        """Leave the group; a static member only stops (KIP-345). `then` when that is answered."""
        place = self.coordinator.place() if self.member_id else None
        is_member = self.member_id and self.instance_id is None
        if self.state != "unjoined":
            self.state = MEMBER_STATES.next(self.state, "leave")
        member_id = self.member_id
        self._reset()
        self._preparing = ""
        self._assigned = None
        self.needs_join = False
        if not is_member or place is None or not self.network.is_ready(place):
            if then is not None:
                then()
            return
        identity = LeaveGroupRequest.MemberIdentity(member_id=member_id, reason=reason)
        body = LeaveGroupRequest(group_id=self.coordinator.group, members=(identity,))
        self.network.send(place, body, lambda *_: then() if then else None)
