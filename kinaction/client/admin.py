"""`Admin`: the machine behind `cluster.admin()`: topics, configs, elections, groups.

Asks any broker: brokers pass on to the controller what is the controller's business. Groups are
asked of their coordinators.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kinaction.client.admin_groups import AdminGroups
from kinaction.client.asking import Route
from kinaction.client.changes import Changes, Result
from kinaction.client.machine import Client, check_topic_name
from kinaction.kernel.machine import handles_call
from kinaction.kernel.message import NodeId
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import (
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteTopicsRequest,
    DescribeConfigsRequest,
    ElectLeadersRequest,
    IncrementalAlterConfigsRequest,
    MetadataRequest,
)

DEFAULT = -1
PREFERRED, UNCLEAN = 0, 1
SET, DELETE = 0, 1
RESOURCES: Mapping[str, int] = {"topic": 2, "broker": 4, "broker_logger": 8, "group": 32}
"""Kafka's ConfigResource types by name."""


class Admin(Client):
    """An admin client. Every call is answered within default.api.timeout.ms."""

    kind = "admin"

    def __init__(self, node: NodeId, config: Mapping[str, Any]) -> None:
        super().__init__(node, config)
        self.changes = Changes(self.outbox, self.network, self.asker, self.config)
        self.groups = AdminGroups(self.changes)
        self.attach(self, self.groups, self.network, self.network.channels, self.asker)

    def topics_wanted(self) -> tuple[str, ...]:
        """None of them: an admin keeps brokers only, and asks for topics when told to."""
        return ()

    def may_auto_create(self) -> bool:
        """An admin's questions create nothing."""
        return False

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
        self.changes.ask(
            call, "CreateTopics", made(topics=(topic,), timeout_ms=self.changes.limit_ms),
            lambda answer: [(t.error_code, t.error_message, t.name) for t in answer.topics],
        )

    @handles_call("delete_topic")
    def on_delete_topic(self, call: int, name: str) -> None:
        """Delete a topic."""
        state = DeleteTopicsRequest.DeleteTopicState(name=name)
        self.changes.ask(
            call, "DeleteTopics",
            DeleteTopicsRequest(topics=(state,), timeout_ms=self.changes.limit_ms),
            lambda answer: [
                (t.error_code, t.error_message, missing(name)) for t in answer.responses],
        )

    @handles_call("create_partitions")
    def on_create_partitions(self, call: int, name: str, total: int) -> None:
        """Let a topic have `total` partitions; keys may go elsewhere from now on."""
        topic = CreatePartitionsRequest.CreatePartitionsTopic(
            name=name, count=total, assignments=None)
        self.changes.ask(
            call, "CreatePartitions",
            CreatePartitionsRequest(topics=(topic,), timeout_ms=self.changes.limit_ms),
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
            topic_partitions=(chosen,), timeout_ms=self.changes.limit_ms,
        )

        def told(answer: Any) -> list[Result]:
            return [(answer.error_code, None, ""), *(
                (part.error_code, part.error_message, f"no election for {topic}-{partition}")
                for result in answer.replica_election_results for part in result.partition_result
            )]

        self.changes.ask(
            call, "ElectLeaders", body,
            lambda answer: [one for one in told(answer) if one[0] != Error.ELECTION_NOT_NEEDED],
            lambda answer: all(code == Error.NONE for code, _, _ in told(answer)),
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
        self.changes.ask(
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
        self.changes.ask(
            call, "IncrementalAlterConfigs", made(resources=(changed,)),
            lambda answer: [(r.error_code, r.error_message, str(name)) for r in answer.responses],
            route=self._route_of(resource, name),
        )

    def _route_of(self, resource: str, name: Any) -> Route | None:
        """A broker's own configs are asked of that broker."""
        if resource != "broker" or not str(name):
            return None
        return lambda: self.network.broker_place(int(name))

    @handles_call("close")
    def on_close(self, call: int) -> None:
        """Close the connections."""
        self.asker.drop_all()
        self.network.close()
        self.is_closed = True
        self.outbox.returned(call)


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
