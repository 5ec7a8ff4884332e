"""Decisions about topics: CreateTopics, DeleteTopics, CreatePartitions.

Source: org.apache.kafka.controller.ReplicationControlManager; every part of a request fails or
succeeds for itself.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from kinaction.controller.decision import Decision, Draft, Situation
from kinaction.controller.facts import PartitionsCreated, TopicCreated, TopicDeleted
from kinaction.controller.image import TOPIC_RESOURCE, TopicImage
from kinaction.controller.placement import derived, place
from kinaction.controller.topic_configs import MIN_ISR, check_topic_configs, described_configs
from kinaction.controller.topic_names import check_collision, check_name
from kinaction.raft.requests import METADATA_TOPIC
from kinaction.wire import messages
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import uuid_text

ZERO_ID = bytes(16)
RESERVED_IDS = (bytes(16), bytes(15) + b"\x01")
MAX_PARTITIONS_PER_REQUEST = 10_000
DEFAULT = -1

Replicas = tuple[int, ...]


def create_topics(situation: Situation, request: Any) -> Decision:
    """CreateTopics: each topic with its partitions and configs, or why not."""
    draft = Draft()
    created: dict[str, Any] = {}
    counts = Counter(topic.name for topic in request.topics)
    for topic in request.topics:
        if topic.name in created:
            continue
        try:
            if counts[topic.name] > 1:
                raise KafkaError(Error.INVALID_REQUEST, "Duplicate topic name.")
            part = Draft()
            position = situation.next_offset + len(draft.records)
            created[topic.name] = _create_topic(situation, part, topic, position)
            draft.merge(part)
        except KafkaError as refused:
            created[topic.name] = _refused_topic(topic.name, refused)
    response = messages.CreateTopicsResponse(topics=tuple(created.values()))
    return draft.decision(response, is_dry=request.validate_only)


def _refused_topic(name: str, refused: KafkaError) -> Any:
    return messages.CreateTopicsResponse.CreatableTopicResult(
        name=name, error_code=refused.error, error_message=refused.message)


def _create_topic(situation: Situation, draft: Draft, topic: Any, offset: int) -> Any:
    _check_new_name(situation, topic.name)
    configs = check_topic_configs({each.name: each.value for each in topic.configs})
    assigned = _assignment(situation, topic)
    topic_id = new_topic_id(situation, topic.name, offset)
    draft.add(messages.TopicRecord(name=topic.name, topic_id=topic_id))
    for key, setting in configs.items():
        draft.add(messages.ConfigRecord(
            resource_type=TOPIC_RESOURCE, resource_name=topic.name, name=key, value=setting))
    if MIN_ISR in configs:
        draft.add(messages.ClearElrRecord(topic_name=topic.name))
    for number, replicas in enumerate(assigned):
        draft.add(_partition_record(situation, topic_id, number, replicas))
    factor = len(assigned[0])
    draft.note(TopicCreated(topic.name, uuid_text(topic_id), len(assigned), factor))
    return messages.CreateTopicsResponse.CreatableTopicResult(
        name=topic.name, topic_id=topic_id, error_message=None, num_partitions=len(assigned),
        replication_factor=factor, configs=described_configs(situation, configs))


def _check_new_name(situation: Situation, name: str) -> None:
    check_name(name)
    if name == METADATA_TOPIC:
        raise KafkaError(
            Error.INVALID_REQUEST, f"Creation of internal topic {METADATA_TOPIC} is prohibited.")
    if situation.image.topic(name) is not None:
        raise KafkaError(Error.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
    check_collision(name, situation.image.topics)


def new_topic_id(situation: Situation, name: str, offset: int) -> bytes:
    """A topic's id: derived from cluster, name and its record's offset: it never comes twice."""
    text = f"{situation.cluster_id}\x00{name}\x00{offset}"
    found = hashlib.sha256(text.encode()).digest()[:16]
    return found if found not in RESERVED_IDS else bytes(reversed(found))


def _assignment(situation: Situation, topic: Any) -> tuple[Replicas, ...]:
    """The replicas of each new partition: as asked for, or placed."""
    if topic.assignments:
        return _manual_assignment(situation, topic)
    config = situation.config
    factor, count = topic.replication_factor, topic.num_partitions
    if factor < DEFAULT or factor == 0:
        raise KafkaError(
            Error.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.")
    if count < DEFAULT or count == 0:
        raise KafkaError(
            Error.INVALID_PARTITIONS,
            "Number of partitions must be larger than 0, or -1 to use the default value.")
    factor = int(config["default.replication.factor"]) if factor == DEFAULT else factor
    count = int(config["num.partitions"]) if count == DEFAULT else count
    if count > MAX_PARTITIONS_PER_REQUEST:
        raise KafkaError(
            Error.POLICY_VIOLATION,
            f"{count} partitions in one request, at most {MAX_PARTITIONS_PER_REQUEST} are taken.")
    return _placed(situation, topic.name, 0, count, factor)


def _placed(
    situation: Situation, name: str, first: int, count: int, factor: int
) -> tuple[Replicas, ...]:
    start = derived(situation.seed, situation.cluster_id, name)
    brokers = tuple(situation.image.brokers.values())
    return place(brokers, first + count, factor, start)[first:]


def _manual_assignment(situation: Situation, topic: Any) -> tuple[Replicas, ...]:
    if topic.replication_factor != DEFAULT:
        raise KafkaError(
            Error.INVALID_REQUEST,
            "With a manual assignment the replication factor must be -1.")
    if topic.num_partitions != DEFAULT:
        raise KafkaError(
            Error.INVALID_REQUEST,
            "With a manual assignment the number of partitions must be -1.")
    by_number: dict[int, Replicas] = {}
    factor = None
    for each in topic.assignments:
        if each.partition_index in by_number:
            _refuse_assignment(f"Partition {each.partition_index} is assigned more than once.")
        check_replicas(situation, each.broker_ids, factor)
        factor = len(each.broker_ids)
        by_number[each.partition_index] = each.broker_ids
    if sorted(by_number) != list(range(len(by_number))):
        _refuse_assignment("Partitions must be numbered from 0 on, without gaps.")
    return tuple(by_number[number] for number in range(len(by_number)))


def check_replicas(situation: Situation, replicas: Replicas, factor: int | None) -> None:
    """Refuse replicas that nobody can be: INVALID_REPLICA_ASSIGNMENT."""
    if not replicas:
        _refuse_assignment("The replicas of a partition cannot be an empty list.")
    if len(dict.fromkeys(replicas)) != len(replicas):
        _refuse_assignment(f"Replicas {list(replicas)} name a broker twice.")
    for replica in replicas:
        if situation.image.broker(replica) is None:
            _refuse_assignment(f"Replicas {list(replicas)} name the unknown broker {replica}.")
    if factor is not None and len(replicas) != factor:
        _refuse_assignment(f"{len(replicas)} replicas, where the other partitions have {factor}.")
    if not any(situation.image.is_active(replica) for replica in replicas):
        _refuse_assignment(f"All of the replicas {list(replicas)} are fenced or shutting down.")


def _refuse_assignment(why: str) -> None:
    raise KafkaError(Error.INVALID_REPLICA_ASSIGNMENT, why)


def _partition_record(
    situation: Situation, topic_id: bytes, number: int, replicas: Replicas
) -> Any:
    """A new partition: whoever is active is in sync, the first of them leads."""
    isr = tuple(replica for replica in replicas if situation.image.is_active(replica))
    if not isr:
        raise KafkaError(
            Error.INVALID_REPLICATION_FACTOR,
            f"Unable to replicate the partition {len(replicas)} time(s): all brokers are fenced or "
            "shutting down.")
    return messages.PartitionRecord(
        partition_id=number, topic_id=topic_id, replicas=replicas, isr=isr, leader=isr[0],
        leader_epoch=0, partition_epoch=0, directories=(ZERO_ID,) * len(replicas))


# -- DeleteTopics ---------------------------------------------------------------------------------


def delete_topics(situation: Situation, request: Any) -> Decision:
    """DeleteTopics, by name or (v6) by id."""
    if not situation.config["delete.topic.enable"]:
        raise KafkaError(Error.TOPIC_DELETION_DISABLED, "delete.topic.enable is false.")
    draft = Draft()
    doomed: dict[str, None] = {}
    wanted = [(each.name, each.topic_id) for each in request.topics]
    wanted += [(name, ZERO_ID) for name in request.topic_names]
    counts = Counter(wanted)
    results = []
    for name, topic_id in dict.fromkeys(wanted):
        try:
            if counts[name, topic_id] > 1:
                raise KafkaError(Error.INVALID_REQUEST, "Duplicate topic name or id.")
            topic = _existing(situation, name, topic_id)
            if topic.name in doomed:
                raise KafkaError(
                    Error.INVALID_REQUEST, "The topic is named by its name and again by its id.")
            doomed[topic.name] = None
            draft.add(messages.RemoveTopicRecord(topic_id=topic.topic_id))
            draft.note(TopicDeleted(topic.name, uuid_text(topic.topic_id)))
            results.append(_deleted(topic.name, topic.topic_id, None))
        except KafkaError as refused:
            results.append(_deleted(name, topic_id, refused))
    return draft.decision(messages.DeleteTopicsResponse(responses=tuple(results)))


def _existing(situation: Situation, name: str | None, topic_id: bytes) -> TopicImage:
    image = situation.image
    if topic_id != ZERO_ID:
        if name is not None:
            raise KafkaError(Error.INVALID_REQUEST, "A topic is named by its name or by its id.")
        found = image.topic_by_id(topic_id)
        error = Error.UNKNOWN_TOPIC_ID
    elif name is None:
        raise KafkaError(Error.INVALID_REQUEST, "Neither a topic's name nor its id is given.")
    else:
        found, error = image.topic(name), Error.UNKNOWN_TOPIC_OR_PARTITION
    if found is None:
        raise KafkaError(error, "There is no such topic.")
    return found


def _deleted(name: str | None, topic_id: bytes, refused: KafkaError | None) -> Any:
    return messages.DeleteTopicsResponse.DeletableTopicResult(
        name=name, topic_id=topic_id,
        error_code=Error.NONE if refused is None else refused.error,
        error_message=None if refused is None else refused.message)


# -- CreatePartitions -----------------------------------------------------------------------------


def create_partitions(situation: Situation, request: Any) -> Decision:
    """CreatePartitions: a topic grows to `count` partitions."""
    draft = Draft()
    counts = Counter(topic.name for topic in request.topics)
    results = []
    for topic in {each.name: each for each in request.topics}.values():
        refused = None
        try:
            if counts[topic.name] > 1:
                raise KafkaError(Error.INVALID_REQUEST, "Duplicate topic name.")
            part = Draft()
            _grow(situation, part, topic)
            draft.merge(part)
        except KafkaError as problem:
            refused = problem
        results.append(messages.CreatePartitionsResponse.CreatePartitionsTopicResult(
            name=topic.name,
            error_code=Error.NONE if refused is None else refused.error,
            error_message=None if refused is None else refused.message))
    response = messages.CreatePartitionsResponse(results=tuple(results))
    return draft.decision(response, is_dry=request.validate_only)


def _grow(situation: Situation, draft: Draft, topic: Any) -> None:
    found = situation.image.topic(topic.name)
    if found is None:
        raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION, "There is no such topic.")
    now = len(found.partitions)
    if topic.count <= now:
        raise KafkaError(
            Error.INVALID_PARTITIONS,
            f"Topic {topic.name} has {now} partition(s); {topic.count} would not be an increase.")
    added = topic.count - now
    if added > MAX_PARTITIONS_PER_REQUEST:
        raise KafkaError(
            Error.POLICY_VIOLATION,
            f"{added} partitions in one request, at most {MAX_PARTITIONS_PER_REQUEST} are taken.")
    factor = len(found.partitions[0].replicas)
    for number, replicas in enumerate(_more(situation, topic, now, added, factor), start=now):
        draft.add(_partition_record(situation, found.topic_id, number, replicas))
    draft.note(PartitionsCreated(topic.name, topic.count))


def _more(
    situation: Situation, topic: Any, now: int, added: int, factor: int
) -> Sequence[Replicas]:
    if topic.assignments is None:
        return _placed(situation, topic.name, now, added, factor)
    if len(topic.assignments) != added:
        _refuse_assignment(
            f"{added} partition(s) are to be added, {len(topic.assignments)} are assigned.")
    for each in topic.assignments:
        check_replicas(situation, each.broker_ids, factor)
    return [each.broker_ids for each in topic.assignments]
