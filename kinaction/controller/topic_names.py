"""Which topic names Kafka takes (org.apache.kafka.common.internals.Topic)."""

from collections.abc import Iterable

from kinaction.wire.errors import Error, KafkaError

MAX_LENGTH = 249
LEGAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
INTERNAL_TOPICS = ("__consumer_offsets", "__transaction_state", "__share_group_state")


def check_name(name: str) -> None:
    """Raises KafkaError INVALID_TOPIC_EXCEPTION for a name that no topic may have."""
    if not name:
        _refuse("Topic name is invalid: the empty string is not allowed")
    if name in (".", ".."):
        _refuse(f"Topic name is invalid: {name!r} is not allowed")
    if len(name) > MAX_LENGTH:
        _refuse(f"Topic name is invalid: {len(name)} characters, at most {MAX_LENGTH} are allowed")
    if not LEGAL.issuperset(name):
        _refuse(f"Topic name is invalid: {name!r} has characters other than letters, digits, "
                "'.', '_' and '-'")


def check_collision(name: str, existing: Iterable[str]) -> None:
    """Raises INVALID_TOPIC_EXCEPTION when another topic differs only in '.' and '_'.

    Their metrics would have the same name.
    """
    folded = name.replace(".", "_")
    for other in existing:
        if other != name and other.replace(".", "_") == folded:
            _refuse(f"Topic name {name!r} collides with the existing topic {other!r}: "
                    "metric names cannot tell '.' from '_'")


def _refuse(why: str) -> None:
    raise KafkaError(Error.INVALID_TOPIC_EXCEPTION, why)
