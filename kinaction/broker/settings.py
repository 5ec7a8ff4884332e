"""`Settings`: a broker's configs, with what topics override; precedence at one place."""

from collections.abc import Mapping
from typing import Any

from kinaction.controller.image import MetadataImage
from kinaction.log.config import LogConfig


class Settings:
    """Static configs of the broker; the image's dynamic ones come first where they may."""

    def __init__(self, config: Mapping[str, Any], image: MetadataImage) -> None:
        self.config = config
        self.image = image
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
            found = self._log_configs[key] = LogConfig.of(own, self.config)
        return found

    def min_insync_replicas(self, topic: str, replicas: int) -> int:
        """min.insync.replicas of a topic, never more than it has replicas."""
        own = self.topic(topic).get("min.insync.replicas")
        wanted = self._cluster_wide("min.insync.replicas") if own is None else int(own)
        return min(wanted, replicas)

    def _cluster_wide(self, key: str) -> int:
        dynamic = self.image.broker_config(None).get(key)
        return int(self.config[key] if dynamic is None else dynamic)
