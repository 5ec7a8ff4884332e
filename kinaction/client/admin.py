"""`Admin`: the machine behind `cluster.admin()`: topics, configs, elections, groups.

Asks any broker: brokers pass on to the controller what is the controller's business. Groups are
asked of their coordinators.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from kinaction.client.asking import Route
from kinaction.client.coordinator import COORDINATOR
from kinaction.client.machine import Client, check_topic_name
from kinaction.client.network import Place
from kinaction.client.values import GroupInfo, GroupListing, MemberInfo
from kinaction.kernel.machine import handles_call
from kinaction.kernel.message import NodeId
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import (
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteGroupsRequest,
    DeleteTopicsRequest,
    DescribeConfigsRequest,
    DescribeGroupsRequest,
    ElectLeadersRequest,
    FindCoordinatorRequest,
    IncrementalAlterConfigsRequest,
    ListGroupsRequest,
    MetadataRequest,
)

DEFAULT = -1
PREFERRED, UNCLEAN = 0, 1
SET, DELETE = 0, 1
RESOURCES: Mapping[str, int] = {"topic": 2, "broker": 4, "broker_logger": 8, "group": 32}
"""Kafka's ConfigResource types by name."""

Result = tuple[int, str | None, str]
"""(error code, message, what it is about) of one part of an answer."""


class Admin(Client):
    """An admin client. Every call is answered within default.api.timeout.ms."""

    kind = "admin"

    def __init__(self, node: NodeId, config: Mapping[str, Any]) -> None:
        super().__init__(node, config)
        self.attach(self, self.network, self.network.channels, self.asker)

    def topics_wanted(self) -> tuple[str, ...]:
        """None of them: an admin keeps brokers only, and asks for topics when told to."""
        return ()

    def may_auto_create(self) -> bool:
        """An admin's questions create nothing."""
        return False

    @property
    def _limit_ms(self) -> int:
        """How long the brokers may take for a change."""
        return int(self.config["request.timeout.ms"])

    def _change(
        self,
        call: int,
        name: str,
        body: Any,
        results: Callable[[Any], Iterable[Result]],
        answer_with: Callable[[Any], Any] = lambda _: None,
        route: Route | None = None,
    ) -> None:
        """Ask, and answer the call by the first error among the results, or what comes of it."""

        def judge(answer: Any) -> Error | KafkaError:
            for code, message, what in results(answer):
                if code:
                    return KafkaError(Error(code), message or what)
            return Error.NONE

        def then(answer: Any, error: KafkaError | None) -> None:
            self.outbox.returned(call, None if error else answer_with(answer), error)

        self.asker.ask(
            name, route or self.network.any_place, lambda: body, judge, then,
            timeout_ms=self.call_timeout_ms,
        )

    # -- topics ---------------------------------------------------------------------------

    @handles_call("create_topic")
    def on_create_topic(
        self,
        call: int,
        name: str,
        partitions: int = 1,
        replication_factor: int | None = None,
        config: Mapping[str, Any] | None = None,
        assignment: Mapping[int, Sequence[int]] | None = None,
    ) -> None:
        """Create a topic; replicas are placed by the controller, or as `assignment` says."""
        try:
            check_topic_name(name)
        except KafkaError as problem:
            self.outbox.returned(call, error=problem)
            return
        made = CreateTopicsRequest
        topic = made.CreatableTopic(
            name=name,
            num_partitions=DEFAULT if assignment else partitions,
            replication_factor=(
                DEFAULT if assignment or replication_factor is None else replication_factor),
            assignments=tuple(
                made.CreatableReplicaAssignment(partition_index=index, broker_ids=tuple(brokers))
                for index, brokers in sorted((assignment or {}).items())
            ),
            configs=tuple(
                made.CreatableTopicConfig(name=key, value=config_text(held))
                for key, held in (config or {}).items()
            ),
        )
        self._change(
            call, "CreateTopics", made(topics=(topic,), timeout_ms=self._limit_ms),
            lambda answer: [(t.error_code, t.error_message, t.name) for t in answer.topics],
        )

    @handles_call("delete_topic")
    def on_delete_topic(self, call: int, name: str) -> None:
        """Delete a topic."""
        state = DeleteTopicsRequest.DeleteTopicState(name=name)
        self._change(
            call, "DeleteTopics",
            DeleteTopicsRequest(topics=(state,), timeout_ms=self._limit_ms),
            lambda answer: [
                (t.error_code, t.error_message, missing(name)) for t in answer.responses],
        )

    @handles_call("create_partitions")
    def on_create_partitions(self, call: int, name: str, total: int) -> None:
        """Let a topic have `total` partitions; keys may go elsewhere from now on."""
        topic = CreatePartitionsRequest.CreatePartitionsTopic(
            name=name, count=total, assignments=None)
        self._change(
            call, "CreatePartitions",
            CreatePartitionsRequest(topics=(topic,), timeout_ms=self._limit_ms),
            lambda answer: [
                (t.error_code, t.error_message, missing(name)) for t in answer.results],
        )

    @handles_call("elect_leader")
    def on_elect_leader(
        self,
        call: int,
        topic: str,
        partition: int,
        broker: int | None = None,
        unclean: bool = False,
    ) -> None:
        """Elect the preferred leader: the first replica. True: it was elected; False: it led.

        `broker`: who that is expected to be; Kafka has no election of just any replica.
        """
        if broker is None:
            self._elect(call, topic, partition, unclean)
            return
        asked = (MetadataRequest.MetadataRequestTopic(name=topic),)

        def then(answer: Any, error: KafkaError | None) -> None:
            problem = error or not_preferred(answer, topic, partition, broker)
            if problem is not None:
                self.outbox.returned(call, error=problem)
            else:
                self._elect(call, topic, partition, unclean)

        self.asker.ask(
            "Metadata", self.network.any_place,
            lambda: MetadataRequest(topics=asked, allow_auto_topic_creation=False),
            lambda answer: Error(answer.error_code), then, timeout_ms=self.call_timeout_ms,
        )

    def _elect(self, call: int, topic: str, partition: int, unclean: bool) -> None:
        made = ElectLeadersRequest
        chosen = made.TopicPartitions(topic=topic, partitions=(partition,))
        body = made(
            election_type=UNCLEAN if unclean else PREFERRED,
            topic_partitions=(chosen,), timeout_ms=self._limit_ms,
        )

        def codes(answer: Any) -> list[int]:
            return [answer.error_code, *(
                part.error_code
                for result in answer.replica_election_results for part in result.partition_result
            )]

        def judge(answer: Any) -> Error | KafkaError:
            found = [code for code in codes(answer) if code]
            error = Error(found[0]) if found else Error.NONE
            return Error.NONE if error in NO_RETRY else error

        def then(answer: Any, error: KafkaError | None) -> None:
            found = [] if error else [Error(code) for code in codes(answer) if code]
            if found and found[0] is not Error.ELECTION_NOT_NEEDED:
                error = KafkaError(found[0], f"no election for {topic}-{partition}")
            self.outbox.returned(call, None if error else not found, error)

        self.asker.ask(
            "ElectLeaders", self.network.any_place, lambda: body, judge, then,
            timeout_ms=self.call_timeout_ms,
        )

    # -- configs --------------------------------------------------------------------------

    @handles_call("describe_configs")
    def on_describe_configs(self, call: int, resource: str, name: Any) -> None:
        """Returned(call, {key: value}) of a "topic", "broker" or "group"."""
        try:
            kind = resource_type(resource)
        except KafkaError as problem:
            self.outbox.returned(call, error=problem)
            return
        asked = DescribeConfigsRequest.DescribeConfigsResource(
            resource_type=kind, resource_name=str(name), configuration_keys=None)
        self._change(
            call, "DescribeConfigs", DescribeConfigsRequest(resources=(asked,)),
            lambda answer: [(r.error_code, r.error_message, str(name)) for r in answer.results],
            lambda answer: {
                config.name: config.value
                for result in answer.results for config in result.configs
            },
            self._route_of(resource, name),
        )

    @handles_call("alter_configs")
    def on_alter_configs(
        self, call: int, resource: str, name: Any, config: Mapping[str, Any]
    ) -> None:
        """Set configs of a "topic", "broker" or "group"; None takes one back to its default."""
        try:
            kind = resource_type(resource)
        except KafkaError as problem:
            self.outbox.returned(call, error=problem)
            return
        made = IncrementalAlterConfigsRequest
        changed = made.AlterConfigsResource(
            resource_type=kind, resource_name=str(name),
            configs=tuple(
                made.AlterableConfig(
                    name=key, config_operation=DELETE if held is None else SET,
                    value=None if held is None else config_text(held),
                )
                for key, held in config.items()
            ),
        )
        self._change(
            call, "IncrementalAlterConfigs", made(resources=(changed,)),
            lambda answer: [(r.error_code, r.error_message, str(name)) for r in answer.responses],
            route=self._route_of(resource, name),
        )

    def _route_of(self, resource: str, name: Any) -> Route | None:
        """A broker's own configs are asked of that broker."""
        if resource != "broker" or not str(name):
            return None
        return lambda: self.network.broker_place(int(name))

    # -- groups ---------------------------------------------------------------------------

    @handles_call("list_groups")
    def on_list_groups(self, call: int) -> None:
        """Returned(call, groups of all brokers, sorted by name)."""
        found: dict[str, GroupListing] = {}
        left = dict.fromkeys(self.metadata.brokers)

        def then(broker: int, answer: Any, error: KafkaError | None) -> None:
            if broker not in left:
                return
            if error is not None:
                left.clear()
                self.outbox.returned(call, error=error)
                return
            del left[broker]
            for group in answer.groups:
                found[group.group_id] = GroupListing(
                    group.group_id, group.group_state, group.protocol_type, group.group_type)
            if not left:
                self.outbox.returned(call, tuple(found[name] for name in sorted(found)))

        if not left:
            self._after_metadata(call, lambda: self.on_list_groups(call))
            return
        for broker in list(left):
            self.asker.ask(
                f"ListGroups of broker {broker}",
                partial(self.network.broker_place, broker),
                ListGroupsRequest, lambda answer: Error(answer.error_code),
                partial(then, broker),
                timeout_ms=self.call_timeout_ms,
            )

    def _after_metadata(self, call: int, then: Callable[[], None]) -> None:
        """Once brokers are known; they are asked for when the client starts."""

        def told(answer: Any, error: KafkaError | None) -> None:
            if error is not None:
                self.outbox.returned(call, error=error)
                return
            self.metadata.learn(answer)
            then()

        self.asker.ask(
            "Metadata", self.network.any_place, lambda: MetadataRequest(topics=()),
            lambda answer: Error(answer.error_code), told, timeout_ms=self.call_timeout_ms,
        )

    @handles_call("describe_group")
    def on_describe_group(self, call: int, group: str) -> None:
        """Returned(call, GroupInfo): state, protocol and members of a classic group."""
        self._ask_coordinator(
            call, group, "DescribeGroups", DescribeGroupsRequest(groups=(group,)),
            lambda answer: [(g.error_code, g.error_message, group) for g in answer.groups],
            lambda answer: group_info(answer.groups[0]),
        )

    @handles_call("delete_group")
    def on_delete_group(self, call: int, group: str) -> None:
        """Delete a group that has no members, with its commits."""
        self._ask_coordinator(
            call, group, "DeleteGroups", DeleteGroupsRequest(groups_names=(group,)),
            lambda answer: [(r.error_code, None, group) for r in answer.results],
            lambda answer: None,
        )

    def _ask_coordinator(
        self,
        call: int,
        group: str,
        name: str,
        body: Any,
        results: Callable[[Any], Iterable[Result]],
        answer_with: Callable[[Any], Any],
    ) -> None:
        def found(answer: Any, error: KafkaError | None) -> None:
            if error is not None:
                self.outbox.returned(call, error=error)
                return
            there = answer.coordinators[0]
            place: Place = (COORDINATOR, (there.host, there.port))
            self._change(call, name, body, results, answer_with, lambda: place)

        self.asker.ask(
            "FindCoordinator", self.network.any_place,
            lambda: FindCoordinatorRequest(key_type=0, coordinator_keys=(group,)),
            lambda answer: Error(answer.coordinators[0].error_code), found,
            timeout_ms=self.call_timeout_ms,
        )

    @handles_call("close")
    def on_close(self, call: int) -> None:
        """Close the connections."""
        self.asker.drop_all()
        self.network.close()
        self.is_closed = True
        self.outbox.returned(call)


NO_RETRY = frozenset((
    Error.ELECTION_NOT_NEEDED, Error.PREFERRED_LEADER_NOT_AVAILABLE,
    Error.ELIGIBLE_LEADERS_NOT_AVAILABLE,
))
"""Answers about an election that are final, though Kafka calls them retriable."""


def not_preferred(answer: Any, topic: str, partition: int, broker: int) -> KafkaError | None:
    """What is wrong with electing this broker; None: it is the preferred leader."""
    parts = {
        part.partition_index: part for told in answer.topics for part in told.partitions}
    if partition not in parts:
        return KafkaError(
            Error.UNKNOWN_TOPIC_OR_PARTITION, f"there is no partition {topic}-{partition}")
    replicas = list(parts[partition].replica_nodes)
    if replicas[0] == broker:
        return None
    return KafkaError(Error.INVALID_REQUEST, (
        f"Broker {broker} is not the preferred leader of {topic}-{partition}: that is the first "
        f"of its replicas {replicas}. Kafka elects the preferred leader, or nobody."
    ))


def missing(topic: str) -> str:
    """What an error about a topic means when the broker gives no words."""
    return f"Topic {topic}: check its name with list_topics."


def resource_type(named: str) -> int:
    """The number of a config resource.

    Raises:
        KafkaError: INVALID_REQUEST, there is no such resource.
    """
    if named not in RESOURCES:
        raise KafkaError(
            Error.INVALID_REQUEST,
            f"{named!r} has no configs; expected one of {', '.join(RESOURCES)}.",
        )
    return RESOURCES[named]


def config_text(held: Any) -> str:
    """A config value as Kafka writes it.

    >>> config_text(60_000), config_text(True), config_text(["compact", "delete"])
    ('60000', 'true', 'compact,delete')
    """
    if isinstance(held, bool):
        return str(held).lower()
    if isinstance(held, list | tuple):
        return ",".join(str(one) for one in held)
    return str(held)


def group_info(told: Any) -> GroupInfo:
    """A group of DescribeGroups as a value."""
    return GroupInfo(
        told.group_id, told.group_state, told.protocol_type, told.protocol_data,
        tuple(
            MemberInfo(
                member.member_id, member.client_id, member.client_host, member.group_instance_id,
                bytes(member.member_assignment),
            )
            for member in told.members
        ),
    )
