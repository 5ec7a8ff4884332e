"""FindCoordinator: which broker a group, a transaction or a share partition has to talk to.

The key's hash names a partition of an internal topic; that partition's leader is the coordinator
(kafka.server.KafkaApis.getCoordinator).
"""

from collections.abc import Callable
from typing import Any

from kinaction.broker.internal import OFFSETS_TOPIC, SHARE_TOPIC, TRANSACTIONS_TOPIC
from kinaction.broker.replicas import Replicas
from kinaction.controller.brokers import BrokerState
from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.errors import Error
from kinaction.wire.messages import uuid_bytes

GROUP, TRANSACTION, SHARE = 0, 1, 2
TOPICS = {GROUP: OFFSETS_TOPIC, TRANSACTION: TRANSACTIONS_TOPIC, SHARE: SHARE_TOPIC}
BATCHED_FROM = 4
SHARE_KEY_PARTS = 3

AutoCreate = Callable[[str], None]


def java_hash(text: str) -> int:
    """The magnitude of Java's String.hashCode, 0 for the least int (Kafka's Utils.abs).

    >>> java_hash("my-group"), java_hash("polygenelubricants")
    (1906497762, 0)
    """
    hashed = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2], strict=True):
        hashed = (31 * hashed + (high << 8 | low)) & 0xFFFFFFFF
    signed = hashed - (1 << 32) if hashed >> 31 else hashed
    return 0 if signed == -(1 << 31) else abs(signed)


class FindCoordinatorApi:
    """Handles FindCoordinator; an internal topic is created when it is first needed."""

    def __init__(self, outbox: Outbox, replicas: Replicas, auto_create: AutoCreate) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self.auto_create = auto_create

    @handles(m.FindCoordinatorRequest)
    def on_find_coordinator(self, message: Message) -> None:
        """The coordinator of each key."""
        body, response = message.body, m.FindCoordinatorResponse
        is_known = body.key_type in TOPICS
        unknown = f"There is no coordinator type {body.key_type}."
        if message.version < BATCHED_FROM:
            fields = self._found(body.key, message)
            text = Error(fields["error_code"]).name if is_known else unknown
            self.outbox.reply(message, response(error_message=text, **fields))
            return
        text = "" if is_known else unknown
        self.outbox.reply(message, response(coordinators=tuple(
            response.Coordinator(key=key, error_message=text, **self._found(key, message))
            for key in dict.fromkeys(body.coordinator_keys))))

    def _found(self, key: str, message: Message) -> dict[str, Any]:
        found = self._coordinator(key, message.body.key_type)
        if isinstance(found, Error):
            return {"error_code": found, "node_id": -1, "host": "", "port": -1}
        host, port = self.replicas.listeners.address(found, message.connection)
        return {"error_code": Error.NONE, "node_id": found.broker_id, "host": host, "port": port}

    def _coordinator(self, key: str, key_type: int) -> BrokerState | Error:
        topic = TOPICS.get(key_type)
        if topic is None or (key_type == SHARE and not is_share_key(key)):
            return Error.INVALID_REQUEST
        known = self.replicas.image.topic(topic)
        if known is None:
            self.auto_create(topic)
            return Error.COORDINATOR_NOT_AVAILABLE
        state = known.partitions[java_hash(key) % len(known.partitions)]
        broker = self.replicas.image.brokers.get(state.leader)
        return Error.COORDINATOR_NOT_AVAILABLE if broker is None else broker


def is_share_key(key: str) -> bool:
    """Whether a key is "group:topic id:partition" (SharePartitionKey)."""
    group, *rest = key.rsplit(":", SHARE_KEY_PARTS - 1)
    if not group or len(rest) != SHARE_KEY_PARTS - 1:
        return False
    try:
        uuid_bytes(rest[0])
        return int(rest[1]) >= 0
    except ValueError:
        return False
