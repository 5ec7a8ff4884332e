"""`Settings`: a broker's configs, with what topics override; precedence at one place."""

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from typing import Any, cast

from kinaction.controller.image import MetadataImage
from kinaction.log.config import LogConfig

MIN_ISR = "min.insync.replicas"


class Settings:
    """Static configs of the broker; the image's dynamic ones come first where they may."""

    def __init__(self, config: Mapping[str, Any], image: MetadataImage, broker: int) -> None:
        self.config = config
        self.image = image
        self.broker = broker
        self.lag_time_max_ms: int = config["replica.lag.time.max.ms"]
        self.fetch_wait_max_ms: int = config["replica.fetch.wait.max.ms"]
        self.fetch_min_bytes: int = config["replica.fetch.min.bytes"]
        self.fetch_max_bytes: int = config["replica.fetch.max.bytes"]
        self.fetch_response_max_bytes: int = config["replica.fetch.response.max.bytes"]
        self.fetch_backoff_ms: int = config["replica.fetch.backoff.ms"]
        self.socket_timeout_ms: int = config["replica.socket.timeout.ms"]
        self.request_timeout_ms: int = config["request.timeout.ms"]
        self._log_configs: dict[tuple[tuple[str, Any], ...], LogConfig] = {}

    def __getitem__(self, key: str) -> Any:
        """A static config of this broker."""
        return self.config[key]

    def topic(self, topic: str) -> Mapping[str, Any]:
        """What a topic's own configs say."""
        return self.image.topic_config(topic)

    def log_config(self, topic: str) -> LogConfig:
        """The settings of a topic's logs; made once for equal configs."""
        own = self.topic(topic)
        key = tuple(own.items())
        found = self._log_configs.get(key)
        if found is None:
            found = self._log_configs[key] = LogConfig.of(own, self.in_force())
        return found

    def in_force(self) -> Mapping[str, Any]:
        """The broker's configs: its own dynamic ones, those of all brokers, then the static."""
        own, shared = self.image.broker_config(self.broker), self.image.broker_config(None)
        if not own and not shared:
            return self.config
        return ChainMap(dict(own), dict(shared), cast("MutableMapping[str, Any]", self.config))

    def forget(self) -> None:
        """The broker's dynamic configs changed."""
        self._log_configs.clear()

    def min_insync_replicas(self, topic: str, replicas: int) -> int:
        """min.insync.replicas of a topic, never more than it has replicas."""
        own = self.topic(topic).get(MIN_ISR)
        return min(int(self.in_force()[MIN_ISR] if own is None else own), replicas)
