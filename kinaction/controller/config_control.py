"""Decisions about configs: IncrementalAlterConfigs and AlterConfigs.

Source: org.apache.kafka.controller.ConfigurationControlManager and kafka.server.ConfigAdminManager.
Each resource fails or succeeds for itself.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kinaction.controller.decision import Decision, Draft, Situation
from kinaction.controller.facts import ConfigChanged
from kinaction.controller.image import BROKER_RESOURCE, TOPIC_RESOURCE
from kinaction.controller.topic_configs import MIN_ISR, check_together, text
from kinaction.wire import messages
from kinaction.wire.config import Config, ConfigException, definition
from kinaction.wire.config_keys import lines
from kinaction.wire.errors import Error, KafkaError

LOGGER_RESOURCE = 8
CLIENT_METRICS_RESOURCE = 16
GROUP_RESOURCE = 32
KINDS: Mapping[int, str] = {
    TOPIC_RESOURCE: "topic", BROKER_RESOURCE: "broker",
    CLIENT_METRICS_RESOURCE: "client_metrics", GROUP_RESOURCE: "group",
}
SET, DELETE, APPEND, SUBTRACT = range(4)
OPERATIONS = ("SET", "DELETE", "APPEND", "SUBTRACT")
LEAST_METRICS_INTERVAL_MS = 100
MOST_METRICS_INTERVAL_MS = 3_600_000

Target = Callable[[Situation, Any], dict[str, str]]
"""What a resource's own configs shall be, from the request's part about it."""


def incremental_alter_configs(situation: Situation, request: Any) -> Decision:
    """IncrementalAlterConfigs: set, delete, append to or subtract from single keys."""
    kind = messages.IncrementalAlterConfigsResponse
    return _alter(situation, request, kind, incremental_target)


def alter_configs(situation: Situation, request: Any) -> Decision:
    """AlterConfigs (deprecated): what is not named goes back to its default."""
    return _alter(situation, request, messages.AlterConfigsResponse, whole_target)


def _alter(situation: Situation, request: Any, kind: Any, target: Target) -> Decision:
    draft = Draft()
    counts = Counter((each.resource_type, each.resource_name) for each in request.resources)
    results = []
    for resource in request.resources:
        refused = None
        try:
            if counts[resource.resource_type, resource.resource_name] > 1:
                raise KafkaError(
                    Error.INVALID_REQUEST, "Each resource must appear at most once.")
            _alter_one(situation, draft, resource, target)
        except KafkaError as problem:
            refused = problem
        results.append(kind.AlterConfigsResourceResponse(
            error_code=Error.NONE if refused is None else refused.error,
            error_message=None if refused is None else refused.message,
            resource_type=resource.resource_type, resource_name=resource.resource_name))
    return draft.decision(kind(responses=tuple(results)), is_dry=request.validate_only)


def _alter_one(situation: Situation, draft: Draft, resource: Any, target: Target) -> None:
    check_resource(resource)
    _check_exists(situation, resource)
    before = _own(situation, resource)
    after = target(situation, resource)
    _check_values(resource, after)
    name = f"{KINDS[resource.resource_type]} {resource.resource_name or 'defaults'}"
    _check_min_isr(resource, before, after)
    for key in dict.fromkeys([*after, *before]):
        if before.get(key) != after.get(key):
            if key == MIN_ISR and resource.resource_type in (TOPIC_RESOURCE, BROKER_RESOURCE):
                is_topic = resource.resource_type == TOPIC_RESOURCE
                draft.add(messages.ClearElrRecord(
                    topic_name=resource.resource_name if is_topic else ""))
            draft.add(messages.ConfigRecord(
                resource_type=resource.resource_type, resource_name=resource.resource_name,
                name=key, value=after.get(key)))
            draft.note(ConfigChanged(name, key, after.get(key)))


def check_resource(resource: Any) -> None:
    """What is wrong with a part of the request whatever the cluster looks like.

    Raises:
        KafkaError: INVALID_REQUEST, UNKNOWN_SERVER_ERROR (an operation that Kafka does not know).
    """
    if resource.resource_type not in KINDS:
        raise KafkaError(
            Error.INVALID_REQUEST, f"Unexpected resource type {resource.resource_type}.")
    if not resource.resource_name and resource.resource_type != BROKER_RESOURCE:
        kind = KINDS[resource.resource_type]
        raise KafkaError(Error.INVALID_REQUEST, f"Default {kind} resources are not allowed.")
    names = [each.name for each in resource.configs]
    if len(dict.fromkeys(names)) != len(names):
        raise KafkaError(Error.INVALID_REQUEST, "Error due to duplicate config keys.")
    for each in resource.configs:
        operation = getattr(each, "config_operation", SET)
        if not SET <= operation <= SUBTRACT:
            raise KafkaError(Error.UNKNOWN_SERVER_ERROR, f"Unknown operation {operation}.")
        if each.value is None and operation != DELETE:
            raise KafkaError(Error.INVALID_REQUEST, f"Null value not supported for: {each.name}")


def _check_min_isr(
    resource: Any, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Eligible leader replicas need one min.insync.replicas for all brokers (KIP-966).

    Raises:
        KafkaError: INVALID_CONFIG.
    """
    if resource.resource_type != BROKER_RESOURCE or before.get(MIN_ISR) == after.get(MIN_ISR):
        return
    if resource.resource_name:
        raise KafkaError(
            Error.INVALID_CONFIG, f"{MIN_ISR} of one broker cannot be altered, only of all.")
    if MIN_ISR not in after:
        raise KafkaError(Error.INVALID_CONFIG, f"{MIN_ISR} of all brokers cannot be removed.")


def _check_exists(situation: Situation, resource: Any) -> None:
    name = resource.resource_name
    if resource.resource_type == TOPIC_RESOURCE and situation.image.topic(name) is None:
        raise KafkaError(
            Error.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
    is_one_broker = resource.resource_type == BROKER_RESOURCE and name
    if is_one_broker and not (name.isdecimal() and int(name) in situation.image.brokers):
        raise KafkaError(Error.INVALID_REQUEST, f"There is no broker {name!r}.")


def _own(situation: Situation, resource: Any) -> Mapping[str, str]:
    return situation.image.configs.get((resource.resource_type, resource.resource_name), {})


def incremental_target(situation: Situation, resource: Any) -> dict[str, str]:
    """The resource's configs after each single operation."""
    after = dict(_own(situation, resource))
    for each in resource.configs:
        if each.config_operation == DELETE:
            after.pop(each.name, None)
        elif each.config_operation == SET:
            after[each.name] = each.value
        else:
            after[each.name] = _changed_list(resource.resource_type, after, each)
    return after


def whole_target(_situation: Situation, resource: Any) -> dict[str, str]:
    """The resource's configs are those of the request and no others."""
    return {each.name: each.value for each in resource.configs}


def _changed_list(resource_type: int, before: Mapping[str, str], each: Any) -> str:
    kind = KINDS[resource_type]
    key = definition(kind, each.name) if each.name in lines(kind) else None
    if key is None or key.type != "list":
        operation = OPERATIONS[each.config_operation]
        raise KafkaError(
            Error.INVALID_CONFIG, f"Can't {operation} to key {each.name}: its type is not a list.")
    held = before.get(each.name, text(key.default) or "")
    parts = [part.strip() for part in held.split(",") if part.strip()]
    asked = [part.strip() for part in each.value.split(",")]
    if each.config_operation == APPEND:
        parts += [part for part in asked if part not in parts]
    else:
        parts = [part for part in parts if part not in asked]
    return ",".join(parts)


def _check_values(resource: Any, after: Mapping[str, str]) -> None:
    """Raises INVALID_CONFIG, or for brokers and client metrics INVALID_REQUEST, as Kafka does."""
    if resource.resource_type == BROKER_RESOURCE:
        check_broker_configs(after, is_for_all=not resource.resource_name)
        return
    try:
        checked = Config(KINDS[resource.resource_type], after)
        if resource.resource_type == TOPIC_RESOURCE:
            check_together(checked)
        elif resource.resource_type == CLIENT_METRICS_RESOURCE:
            _check_interval(checked)
    except ConfigException as problem:
        is_request = resource.resource_type == CLIENT_METRICS_RESOURCE
        raise KafkaError(
            Error.INVALID_REQUEST if is_request else Error.INVALID_CONFIG, problem.message
        ) from None


def _check_interval(checked: Config) -> None:
    if not LEAST_METRICS_INTERVAL_MS <= checked["interval.ms"] <= MOST_METRICS_INTERVAL_MS:
        raise ConfigException(
            f"interval.ms must be {LEAST_METRICS_INTERVAL_MS} to {MOST_METRICS_INTERVAL_MS}")


def check_broker_configs(after: Mapping[str, str], *, is_for_all: bool) -> None:
    """Which of a broker's configs may change while it runs. Unknown keys may: they are custom.

    Raises:
        KafkaError: INVALID_REQUEST.
    """
    known = [definition("broker", name) for name in after if name in lines("broker")]
    _refuse_keys([key.name for key in known if key.update == "read-only"],
                 "Cannot update these configs dynamically")
    if is_for_all:
        _refuse_keys([key.name for key in known if key.update == "per-broker"],
                     "Cannot update these configs for all brokers at once, name a broker")
    try:
        Config("broker", {key.name: after[key.name] for key in known})
    except ConfigException as problem:
        raise KafkaError(Error.INVALID_REQUEST, problem.message) from None


def _refuse_keys(names: Sequence[str], why: str) -> None:
    if names:
        raise KafkaError(Error.INVALID_REQUEST, f"{why}: {', '.join(names)}")
