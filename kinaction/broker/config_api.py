"""DescribeConfigs and ListConfigResources: every config that is in force here, and why."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kinaction.broker.cluster_api import is_legal_topic
from kinaction.broker.config_entries import Layers, Synonym, entry
from kinaction.controller.config_control import (
    CLIENT_METRICS_RESOURCE,
    GROUP_RESOURCE,
    LOGGER_RESOURCE,
)
from kinaction.controller.image import BROKER_RESOURCE, TOPIC_RESOURCE, MetadataImage
from kinaction.controller.topic_configs import (
    DYNAMIC_DEFAULT_BROKER,
    DYNAMIC_TOPIC,
    settings,
    text,
)
from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.config import definition, keys
from kinaction.wire.config_keys import lines
from kinaction.wire.errors import Error, KafkaError

DYNAMIC_LOGGER, DYNAMIC_CLIENT_METRICS, DYNAMIC_GROUP = 6, 7, 8
STRING = 2
TYPES_FROM = 1

Entries = Iterable[Any]


class ConfigApi:
    """Handles DescribeConfigs and ListConfigResources.

    Args:
        config: the broker's own configs, as it was started with.
    """

    def __init__(
        self, outbox: Outbox, image: MetadataImage, broker: int, config: Mapping[str, Any]
    ) -> None:
        self.outbox = outbox
        self.image = image
        self.broker = broker
        self.config = config
        self.layers = Layers(image, broker, config)
        self._kinds: Mapping[int, Callable[[str, Any], Entries]] = {
            TOPIC_RESOURCE: self._topic, BROKER_RESOURCE: self._broker,
            LOGGER_RESOURCE: self._loggers, CLIENT_METRICS_RESOURCE: self._client_metrics,
            GROUP_RESOURCE: self._group,
        }

    @handles(m.DescribeConfigsRequest)
    def on_describe_configs(self, message: Message) -> None:
        """Each resource for itself; only the keys that were asked for, when any were."""
        self.outbox.reply(message, m.DescribeConfigsResponse(results=tuple(
            self._described(resource, message.body) for resource in message.body.resources)))

    def _described(self, resource: Any, request: Any) -> Any:
        wanted = resource.configuration_keys
        error, why, found = Error.NONE, "", ()
        try:
            describe = self._kinds.get(resource.resource_type)
            if describe is None:
                raise KafkaError(
                    Error.INVALID_REQUEST,
                    f"There is no resource type {resource.resource_type} to describe.")
            found = tuple(each for each in describe(resource.resource_name, request)
                          if not wanted or each.name in wanted)
        except KafkaError as refused:
            error, why = refused.error, refused.message
        return m.DescribeConfigsResponse.DescribeConfigsResult(
            error_code=error, error_message=why, resource_type=resource.resource_type,
            resource_name=resource.resource_name, configs=found)

    def _topic(self, name: str, request: Any) -> Entries:
        if not is_legal_topic(name):
            raise KafkaError(
                Error.INVALID_TOPIC_EXCEPTION, f"{name!r} cannot be the name of a topic.")
        if self.image.topic(name) is None:
            raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION, "")
        own = self.image.topic_config(name)
        for setting in settings(own, self.image, self.broker, self.config):
            key = definition("topic", setting.name)
            synonyms = self.layers.synonyms(key.broker_synonym) if key.broker_synonym else ()
            if setting.name in own:
                synonyms = (Synonym(setting.name, own[setting.name], DYNAMIC_TOPIC), *synonyms)
            yield entry(setting.name, key, setting.text, synonyms, request)

    def _broker(self, name: str, request: Any) -> Entries:
        if not name:
            return self._all_brokers(request)
        if name != str(self.broker):
            raise KafkaError(
                Error.INVALID_REQUEST,
                f"This is broker {self.broker}; it describes itself, or with an empty name what "
                f"is set for all brokers, not {name!r}.")
        known = [key.name for key in keys("broker") if not key.is_internal]
        dynamic = (self.image.broker_config(None), self.image.broker_config(self.broker))
        custom = [key for layer in dynamic for key in layer if key not in lines("broker")]
        return [self._broker_entry(key, request) for key in dict.fromkeys([*known, *custom])]

    def _broker_entry(self, name: str, request: Any) -> Any:
        key = definition("broker", name) if name in lines("broker") else None
        synonyms = self.layers.synonyms(name)
        return entry(name, key, synonyms[0].text if synonyms else None, synonyms, request,
                     is_read_only=key is None or key.update == "read-only")

    def _all_brokers(self, request: Any) -> Entries:
        for name, given in self.image.broker_config(None).items():
            key = definition("broker", name) if name in lines("broker") else None
            synonyms = (Synonym(name, given, DYNAMIC_DEFAULT_BROKER),)
            yield entry(name, key, given, synonyms, request,
                        is_read_only=key is None or key.update == "read-only")

    def _loggers(self, name: str, request: Any) -> Entries:
        if name != str(self.broker):
            raise KafkaError(
                Error.INVALID_REQUEST,
                f"This is broker {self.broker}; it describes its own loggers, not {name!r}'s.")
        yield m.DescribeConfigsResponse.DescribeConfigsResourceResult(
            name="root", value="INFO", config_source=DYNAMIC_LOGGER, config_type=STRING)

    def _client_metrics(self, name: str, request: Any) -> Entries:
        own = self._own(CLIENT_METRICS_RESOURCE, name)
        for key in keys("client_metrics"):
            synonyms = _own_synonym(own, key.name, DYNAMIC_CLIENT_METRICS)
            shown = own.get(key.name, text(key.default))
            yield entry(key.name, key, shown, synonyms, request)

    def _group(self, name: str, request: Any) -> Entries:
        own = self._own(GROUP_RESOURCE, name)
        for key in keys("group"):
            behind = self.layers.synonyms(f"group.{key.name}")
            synonyms = (*_own_synonym(own, key.name, DYNAMIC_GROUP), *behind)
            shown = synonyms[0].text if synonyms else text(key.default)
            yield entry(key.name, key, shown, synonyms, request)

    def _own(self, kind: int, name: str) -> Mapping[str, str]:
        if not name:
            raise KafkaError(Error.INVALID_REQUEST, "The name of the resource is empty.")
        return self.image.configs.get((kind, name), {})

    # -- what there is to describe ----------------------------------------------------------

    @handles(m.ListConfigResourcesRequest)
    def on_list_config_resources(self, message: Message) -> None:
        """The names of all resources of some types; of all types when none is named."""
        response = m.ListConfigResourcesResponse
        wanted = dict.fromkeys(message.body.resource_types) or self._kinds
        if message.version < TYPES_FROM:
            wanted = {CLIENT_METRICS_RESOURCE: None}
        if any(each not in self._kinds for each in wanted):
            self.outbox.reply(message, response(error_code=Error.UNSUPPORTED_VERSION))
            return
        self.outbox.reply(message, response(config_resources=tuple(
            response.ConfigResource(resource_name=name, resource_type=kind)
            for kind in wanted for name in self._names(kind))))

    def _names(self, kind: int) -> Iterable[str]:
        if kind == TOPIC_RESOURCE:
            return self.image.topics
        if kind in (BROKER_RESOURCE, LOGGER_RESOURCE):
            return [str(broker) for broker in self.image.brokers]
        return [name for held, name in self.image.configs if held == kind]


def _own_synonym(own: Mapping[str, str], name: str, source: int) -> tuple[Synonym, ...]:
    return (Synonym(name, own[name], source),) if name in own else ()
