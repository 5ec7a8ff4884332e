"""`ShownConfig`: the brokers' configs, each with where its value comes from."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from kinaction.cluster.setup import Setup, quickstart

KAFKA, QUICKSTART, GIVEN = "Kafka's default", "kinaction's quickstart", "given"


class ShownConfig(Mapping[str, Any]):
    """Kafka's broker keys and their values in this cluster; `source(key)` says who set each."""

    def __init__(self, setup: Setup, broker: int | None = None) -> None:
        self.broker = broker
        node = broker or 1
        self._config = setup.checked(node)
        own = setup.broker_config.get(node, {}) if broker else {}
        self._sources = {
            **dict.fromkeys(quickstart(setup.brokers), QUICKSTART),
            **dict.fromkeys(setup.config, GIVEN),
            **dict.fromkeys(own, f"{GIVEN} for broker {node}"),
        }

    def source(self, key: str) -> str:
        """Who set a key: Kafka's default, kinaction's quickstart, or given."""
        assert key in self._config, f"brokers have no config {key!r}"
        return self._sources.get(key, KAFKA)

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        rows = [f"{key} = {self[key]}  ({source})" for key, source in self._sources.items()]
        return "\n".join([*rows, f"and {len(self) - len(rows)} keys at Kafka's default"])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(key)}</td><td>{escape(str(self[key]))}</td><td>{escape(source)}</td>"
            "</tr>" for key, source in self._sources.items())
        return (f"<table><tr><th>config</th><th>value</th><th>source</th></tr>{rows}</table>"
                f"<p>and {len(self) - len(self._sources)} keys at Kafka's default</p>")
