"""What is looked at in produced bytes before any log is asked: is it one whole batch, and whose.

Keeps the order of kafka.server.KafkaApis.handleProduceRequest: what fails here fails with no word
about the log, and bytes that are no batch at all fail the whole request.
"""

from typing import Any, NamedTuple

from kinaction.kernel.message import Message
from kinaction.wire.batch import HEADER_SIZE, MAGIC, joined
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.validator import ZSTD_SINCE, InvalidBatch, only_batch

MAGIC_AT = 16
ATTRIBUTES_AT = 22
TRANSACTIONAL = 0x10


class Looked(NamedTuple):
    """Why a partition's records go no further; or, with them, the whole request."""

    error: KafkaError
    fails_request: bool


def first_look(payload: Any, message: Message) -> Looked | None:
    """None: a log may have a look."""
    data = payload if isinstance(payload, bytes | memoryview) else joined(payload)
    size = len(data)
    if (
        size < HEADER_SIZE or data[MAGIC_AT] != MAGIC or message.version < ZSTD_SINCE
        or int.from_bytes(data[8:12]) != size - 12
    ):
        try:
            only_batch(data, message.version)
        except InvalidBatch as refused:
            return Looked(refused, refused.fails_request)
    if data[ATTRIBUTES_AT] & TRANSACTIONAL:
        return _transactional(message)
    return None


def _transactional(message: Message) -> Looked:
    """Nobody can have begun a transaction yet: there is no transaction coordinator here."""
    if message.body.transactional_id is None:
        return Looked(KafkaError(Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, ""), True)
    return Looked(KafkaError(Error.INVALID_PRODUCER_ID_MAPPING, ""), False)
