"""kinaction: Apache Kafka you can see through.

Importing it is light: a public name is fetched from its floor when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinaction.client.values import ConsumedMessage, TopicPartition
    from kinaction.cluster import Cluster, NotReached
    from kinaction.wire.errors import Error, KafkaError

__version__ = "0.1.0"
__all__ = [
    "Cluster", "ConsumedMessage", "Error", "KafkaError", "NotReached", "TopicPartition",
    "__version__",
]

_HOME = {
    "Cluster": "kinaction.cluster",
    "ConsumedMessage": "kinaction.client.values",
    "Error": "kinaction.wire.errors",
    "KafkaError": "kinaction.wire.errors",
    "NotReached": "kinaction.cluster",
    "TopicPartition": "kinaction.client.values",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'kinaction' has no attribute {name!r}; it has {__all__}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
