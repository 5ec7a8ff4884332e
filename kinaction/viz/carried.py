"""What a message carries, by partition: read off the bodies by Kafka's own field names.

The one place of viz that looks into wire messages; everything else sees `Part` values.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kinaction.kernel.message import Message
from kinaction.kernel.trace import Trace
from kinaction.kernel.value import value
from kinaction.viz.plan import METADATA
from kinaction.wire import batch
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.log_records import decode_metadata

METADATA_TOPIC = "__cluster_metadata"
METADATA_ID = b"\0" * 15 + b"\1"


@value
class Part:
    """One partition's share of a message: offsets first to last (-1: not known), how many records.

    `identity` is the same for a batch that is sent again; `hw` is told by Fetch responses.
    """

    key: str
    first: int
    last: int
    count: int
    error: int = 0
    hw: int = -1
    identity: Any = None


class TopicNames:
    """Names of topics by id, as the answers of the run tell them."""

    def __init__(self, trace: Trace) -> None:
        self._by_id: dict[bytes, str] = {METADATA_ID: METADATA_TOPIC}
        for step in trace:
            for _, message in step.sends():
                if not message.is_request and message.api in ("Metadata", "CreateTopics"):
                    self._learn(message.body.topics)

    def _learn(self, topics: Iterable[Any]) -> None:
        for topic in topics:
            if topic.name and getattr(topic, "topic_id", None):
                self._by_id[bytes(topic.topic_id)] = topic.name

    def name(self, topic: Any) -> str:
        """The name of a topic part of a body, by its name or its id."""
        named = getattr(topic, "name", None) or getattr(topic, "topic", None)
        return str(named or self._by_id.get(bytes(getattr(topic, "topic_id", b"")), ""))


def parts_of(message: Message, names: TopicNames) -> list[Part]:
    """The partitions that a Produce or Fetch message is about; [] for every other message."""
    reader = READERS.get((message.api, message.is_request))
    return list(reader(message.body, names)) if reader is not None else []


def _produce_request(body: Any, names: TopicNames) -> Iterator[Part]:
    for topic in body.topic_data:
        for part in topic.partition_data:
            headers = headers_of(part.records)
            identity = tuple((held.producer_id, held.producer_epoch, held.base_sequence, held.crc)
                             for held in headers)
            yield Part(f"{names.name(topic)}-{part.index}", -1, -1,
                       sum(held.count for held in headers), identity=identity)


def _produce_response(body: Any, names: TopicNames) -> Iterator[Part]:
    for topic in body.responses:
        for part in topic.partition_responses:
            yield Part(f"{names.name(topic)}-{part.index}", part.base_offset, part.base_offset, 1,
                       error=part.error_code)


def _fetch_request(body: Any, names: TopicNames) -> Iterator[Part]:
    for topic in body.topics:
        for part in topic.partitions:
            yield Part(f"{names.name(topic)}-{part.partition}", part.fetch_offset,
                       part.fetch_offset, 0)


def _fetch_response(body: Any, names: TopicNames) -> Iterator[Part]:
    for topic in body.responses:
        for part in topic.partitions:
            headers = headers_of(part.records)
            first = headers[0].base_offset if headers else -1
            last = headers[-1].base_offset + headers[-1].last_offset_delta if headers else -1
            yield Part(f"{names.name(topic)}-{part.partition_index}", first, last,
                       sum(held.count for held in headers), part.error_code, part.high_watermark)


READERS: Mapping[tuple[str, bool], Any] = {
    ("Produce", True): _produce_request,
    ("Produce", False): _produce_response,
    ("Fetch", True): _fetch_request,
    ("Fetch", False): _fetch_response,
}


def headers_of(records: Any) -> list[batch.BatchHeader]:
    """The headers of the whole batches in a records field."""
    if not records:
        return []
    try:
        return [header for header, _ in batch.batches(batch.joined(records))]
    except (KafkaError, ValueError):
        return []


def contents_of(records: Any) -> list[tuple[str, str]]:
    """(key, value) of every record as short text; [] where the batch cannot be read."""
    found = []
    try:
        for _, body in batch.batches(batch.joined(records)):
            found += [(shown(record.key), shown(record.value)) for record in batch.records(body)]
    except (KafkaError, ValueError):
        return found
    return found


def metadata_names(message: Message) -> list[str]:
    """The types of the metadata records that a Fetch answer carries: ["TopicRecord", …]."""
    found = []
    for topic in message.body.responses:
        for part in topic.partitions:
            try:
                found += [type(decode_metadata(record.value).body).__name__
                          for _, body in batch.batches(batch.joined(part.records))
                          for record in batch.records(body) if record.value]
            except (KafkaError, ValueError):
                found.append("record")
    return found


def shown(content: bytes | None) -> str:
    """A key or value for the eye: text, hex, or "null"; at most 48 characters."""
    if content is None:
        return "null"
    text = bytes(content[:64]).decode("utf-8", "replace")
    if "\ufffd" in text or not text.isprintable():
        text = bytes(content[:24]).hex(" ")
    return text if len(text) <= 48 else text[:47] + "…"


def error_of(message: Message, parts: Iterable[Part]) -> str:
    """The name of the first error that an answer tells, "" for none."""
    codes = [getattr(message.body, "error_code", 0) or 0, *(part.error for part in parts)]
    code = next((code for code in codes if code), 0)
    try:
        return Error(code).name if code else ""
    except ValueError:
        return str(code)


def is_metadata(part: Part) -> bool:
    """Whether this is about the metadata log."""
    return part.key == METADATA
