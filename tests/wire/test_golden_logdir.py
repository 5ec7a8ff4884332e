"""A log directory written by Kafka 4.3.0, against the text of Kafka's own dump tool."""

import json
import re

import pytest

from kinaction.wire import batch, control, log_records
from kinaction.wire.messages import Body, uuid_text
from kinaction.wire.schema import message

pytestmark = pytest.mark.tier("bytes")
LOGS = ("mixed-0", "compacted-0", "__consumer_offsets-0", "__transaction_state-0",
        "__cluster_metadata-0")
BATCH_LINE = re.compile(
    r"baseOffset: (\d+) lastOffset: (\d+) count: (\d+) baseSequence: (-?\d+) lastSequence: (-?\d+) "
    r"producerId: (-?\d+) producerEpoch: (-?\d+) partitionLeaderEpoch: (-?\d+) "
    r"isTransactional: (\w+) isControl: (\w+) deleteHorizonMs: OptionalLong(\S+) position: (\d+) "
    r"(\w+): (-?\d+) size: (\d+) magic: 2 compresscodec: (\w+) crc: (\d+) isvalid: true")
RECORD_LINE = re.compile(
    r"\| offset: (\d+) (\w+): (-?\d+) keySize: (-?\d+) valueSize: (-?\d+) sequence: (-?\d+) "
    r"headerKeys: \[(.*?)\](.*)")


@pytest.fixture(scope="module", params=LOGS)
def log(request, shared):
    """(name, batches as (header, bytes, position), the dump's batch lines, its record lines)."""
    root = shared / "conformance" / "kafka" / "logdir"
    dump = (root / "dump" / f"{request.param}.log.txt").read_text().splitlines()
    found = []
    for path in sorted((root / "data" / request.param).glob("*.log")):
        position = 0
        for header, data in batch.batches(path.read_bytes()):
            found.append((header, data, position))
            position += header.size
        assert position == path.stat().st_size
    lines = [line for line in dump if line.startswith("baseOffset")]
    records = [line for line in dump if line.startswith("|")]
    return request.param, found, lines, records


def test_headers_are_as_kafka_prints_them(log):
    _, found, lines, _ = log
    for (header, data, position), line in zip(found, lines, strict=True):
        batch.check(header, data)
        horizon = header.delete_horizon_ms
        assert BATCH_LINE.fullmatch(line).groups() == tuple(map(str, (
            header.base_offset, header.last_offset, header.count, header.base_sequence,
            header.last_sequence, header.producer_id, header.producer_epoch, header.leader_epoch,
            str(header.is_transactional).lower(), str(header.is_control).lower(),
            ".empty" if horizon is None else f"[{horizon}]", position,
            "LogAppendTime" if header.is_append_time else "CreateTime", header.max_timestamp,
            header.size, header.codec, header.crc)))


def test_records_are_as_kafka_prints_them(log):
    name, found, _, lines = log
    printed = iter(lines)
    for header, data, _ in found:
        for number, record in enumerate(batch.records(data)):
            match = RECORD_LINE.fullmatch(next(printed))
            sequence = -1 if header.base_sequence < 0 else header.base_sequence + number
            assert match.groups()[:7] == tuple(map(str, (
                record.offset, match[2], record.timestamp, size(record.key), size(record.value),
                sequence if not name.startswith("compacted") else match[6],
                ",".join(key for key, _ in record.headers))))
            if not name.startswith("__") and not header.is_control:
                assert match[8] == told(record)
    assert next(printed, None) is None


def test_markers_are_as_kafka_prints_them(log):
    _, found, _, lines = log
    printed = {int(RECORD_LINE.fullmatch(line)[1]): line for line in lines}
    for header, data, _ in found:
        marker = batch.end_marker(header, data)
        if marker is not None:
            end = "ABORT" if marker.is_abort else "COMMIT"
            line = printed[header.base_offset]
            assert f"endTxnMarker: {end}" in line
            assert f"coordinatorEpoch: {marker.coordinator_epoch}" in line


def test_batches_can_be_made_again_byte_for_byte(log):
    _, found, _, _ = log
    for header, data, _ in found:
        if header.codec != "none" or header.delete_horizon_ms is not None:
            continue  # there the library decides, or the cleaner kept a time of its own
        made = batch.build(
            batch.records(data), base_offset=header.base_offset, leader_epoch=header.leader_epoch,
            producer_id=header.producer_id, producer_epoch=header.producer_epoch,
            base_sequence=header.base_sequence, is_transactional=header.is_transactional,
            is_control=header.is_control, last_offset_delta=header.last_offset_delta,
            append_time=header.max_timestamp if header.is_append_time else None)
        assert made == data, header


@pytest.mark.parametrize("topic", [n[:-2] for n in LOGS if n.startswith("__")])
def test_internal_records_mean_what_kafka_prints(shared, topic):
    root = shared / "conformance" / "kafka" / "logdir"
    dump = (root / "dump" / f"{topic}-0.log.txt").read_text().splitlines()
    lines = iter([line for line in dump if line.startswith("|")])
    count = 0
    for path in sorted((root / "data" / f"{topic}-0").glob("*.log")):
        for header, data in batch.batches(path.read_bytes()):
            for record in batch.records(data):
                count += 1
                check_meaning(topic, record, next(lines), is_control=header.is_control)
    assert count
    assert next(lines, None) is None


def check_meaning(topic, record, line, *, is_control):
    if is_control:
        body = control.control_body(record)
        printed = json.loads(line[line.index("{"):])
        assert shown(body, printed["version"]) == printed
        return
    if topic == "__cluster_metadata":
        body, version = log_records.decode_metadata(record.value)
        printed = json.loads(line.partition("payload: ")[2])
        assert printed["type"] == upper(body)
        assert (printed["version"], printed["data"]) == (version, shown(body, version))
        assert log_records.encode_metadata(body, version) == record.value
        return
    key = log_records.decode_key(topic, record.key)
    value = log_records.decode_value(key, record.value)
    key_text, _, value_text = line.partition("key: ")[2].partition(" payload: ")
    assert json.loads(key_text)["data"] == shown(key, 0)
    assert log_records.encode_key(key) == record.key
    printed = json.loads(value_text)
    if printed is None:
        assert value is None
        return
    version = int(printed["version"])
    assert printed["data"] == shown(value, version)
    assert log_records.encode_value(value, version) == record.value


def shown(body, version):
    """A body as Kafka prints it: the fields that the version has; tagged ones if not default."""
    owner = type(body).__qualname__.partition(".")[0]
    return {
        field.kafka_name[0].lower() + field.kafka_name[1:]:
            shown_value(getattr(body, field.name), field.kind, version)
        for field in message(owner).structs[type(body).__name__].fields
        if field.is_in(version)
        and (field.tag is None or getattr(body, field.name) != body.field_defaults[field.name])
    }


def shown_value(value, kind, version):
    if isinstance(value, tuple):
        return [shown_value(item, kind, version) for item in value]
    if isinstance(value, Body):
        return shown(value, version)
    return uuid_text(value) if kind == "uuid" and value is not None else value


def upper(body):
    name = type(body).__name__.replace("NoOp", "No_Op")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def size(data):
    return -1 if data is None else len(data)


def told(record):
    key = "" if record.key is None else f" key: {record.key.decode()}"
    return key + ("" if record.value is None else f" payload: {record.value.decode()}")


def test_what_was_sent_is_what_stands_there(shared):
    """The requests that were sent, placed as the broker placed them, give the broker's bytes."""
    root = shared / "conformance" / "kafka" / "logdir"
    stood = {}
    for path in (root / "data" / "mixed-0").glob("*.log"):
        for header, data in batch.batches(path.read_bytes()):
            stood[header.base_offset] = header, data
    checked = 0
    for sent in json.loads((root / "input.json").read_text()):
        if sent["topic"] == "mixed" and "sent" in sent:
            header, data = stood[sent["base_offset"]]
            placed = bytearray.fromhex(sent["sent"])
            batch.assign_offsets(placed, header.base_offset, header.leader_epoch)
            assert placed == data
            checked += 1
    assert checked > 30
