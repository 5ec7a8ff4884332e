"""Files that Apache Kafka 4.3.0 wrote: opened as they are, and written again byte for byte."""

import json
import re
from pathlib import Path

import pytest

from kinaction.log.checkpoints import RECOVERY_POINTS, checkpoint_text, parse_checkpoint
from kinaction.log.config import LogConfig
from kinaction.wire import batch
from tests.log.helpers import Files, Written, folder

pytestmark = pytest.mark.tier("bytes")
LOGS = (
    "mixed-0", "compacted-0", "__consumer_offsets-0", "__transaction_state-0",
    "__cluster_metadata-0")
SETTINGS = {
    "mixed-0": {
        "index.interval.bytes": 400, "segment.index.bytes": 1000, "internal.segment.bytes": 3000},
    "compacted-0": {
        "index.interval.bytes": 300, "segment.index.bytes": 1000, "internal.segment.bytes": 1500,
        "cleanup.policy": "compact"},
}
BROKER_STARTED_MS = 1_795_355_300_000
RESTARTED_AT = 80
"""The offset in mixed-0 where the broker was stopped and started: epochs 0 and 2 meet there."""


@pytest.fixture(scope="module")
def logdir(shared: Path) -> Path:
    return shared / "conformance" / "kafka" / "logdir"


def opened(logdir: Path, name: str) -> Written:
    config = LogConfig.of(SETTINGS.get(name, {}))
    return Written(config, name, folder(logdir / "data" / name), BROKER_STARTED_MS + 40_000)


@pytest.mark.parametrize("name", LOGS)
def test_open_finds_nothing_to_repair(logdir: Path, name: str) -> None:
    written = opened(logdir, name)

    assert written.opened_with == []
    assert written.files.held == folder(logdir / "data" / name).held


@pytest.mark.parametrize("name", LOGS)
def test_batches_are_those_of_the_dump(logdir: Path, name: str) -> None:
    dump = (logdir / "dump" / f"{name}.log.txt").read_text()
    told = [dict(re.findall(r"(\w+): (\S+)", line)) for line in dump.splitlines()
            if line.startswith("baseOffset")]
    found = [(header, position) for segment in opened(logdir, name).log.held
             for header, position in zip(segment.headers, segment.positions, strict=True)]

    assert len(found) == len(told) > 0
    for (header, position), line in zip(found, told, strict=True):
        assert (header.base_offset, header.last_offset, header.count, header.size, position) == (
            int(line["baseOffset"]), int(line["lastOffset"]), int(line["count"]),
            int(line["size"]), int(line["position"]))
        assert (header.leader_epoch, header.producer_id, header.base_sequence, header.codec) == (
            int(line["partitionLeaderEpoch"]), int(line["producerId"]),
            int(line["baseSequence"]), line["compresscodec"])
        assert header.last_sequence == int(line["lastSequence"])


def test_epochs_start_and_end(logdir: Path) -> None:
    log = opened(logdir, "mixed-0").log

    assert log.leader_epochs == ((0, 0), (2, 80))
    assert (log.log_start_offset, log.log_end_offset) == (0, 165)
    assert log.end_offset_for_epoch(1) == (0, 80)


def test_producers_are_those_of_the_last_snapshot(logdir: Path) -> None:
    """But producer 0, which was silent longer than producer.id.expiration.ms."""
    states = opened(logdir, "mixed-0").log.producers
    dump = (logdir / "dump" / "mixed-0.snapshot.txt").read_text()
    told = [dict(re.findall(r"(\w+): (-?\d+)", line))
            for line in dump.split("00165.snapshot")[1].splitlines() if "producerId" in line]

    assert sorted(states.entries) == [1, 2]
    for line in told[1:]:
        entry = states.entries[int(line["producerId"])]
        last = entry.batches[-1]
        assert (entry.epoch, entry.coordinator_epoch, entry.last_timestamp) == (
            int(line["producerEpoch"]), int(line["coordinatorEpoch"]), int(line["lastTimestamp"]))
        assert (last.first_sequence, last.last_sequence, last.last_offset, last.offset_delta) == (
            int(line["firstSequence"]), int(line["lastSequence"]), int(line["lastOffset"]),
            int(line["offsetDelta"]))


def test_aborted_transactions_are_those_of_the_dump(logdir: Path) -> None:
    log = opened(logdir, "mixed-0").log
    dump = (logdir / "dump" / "mixed-0.txnindex.txt").read_text()
    told = [tuple(map(int, re.findall(r"\w+: (\d+)", line)))[1:]
            for line in dump.splitlines() if line.startswith("version")]

    found = [(entry.producer_id, entry.first_offset, entry.last_offset, entry.last_stable_offset)
             for entry in log.aborted_transactions(0, log.log_end_offset)]
    assert found == told
    assert log.aborted_transactions(60, 120) == ()
    assert log.first_open_offset is None


def test_the_same_requests_write_the_same_files(logdir: Path) -> None:
    """What was sent, and the markers; stopped cleanly and started again where Kafka was."""
    real = folder(logdir / "data" / "mixed-0").held
    written = replayed(logdir, "mixed-0")

    assert len(written.files.held) == 31
    for path, data in written.files.held.items():
        assert data == real[path], path
    assert set(real) - set(written.files.held) == {"mixed-0/partition.metadata"}


def replayed(logdir: Path, name: str) -> Written:
    config = LogConfig.of(SETTINGS[name])
    markers = {
        header.base_offset: bytes(data) for segment in opened(logdir, name).log.held
        for header, data in zip(segment.headers, segment.datas, strict=True) if header.is_control}
    written = Written(config, name, now_ms=BROKER_STARTED_MS)
    written.log.begin_epoch(0)
    epoch = 0
    for item in json.loads((logdir / "input.json").read_text()):
        if f"{item['topic']}-0" != name:
            continue
        if written.log.log_end_offset == RESTARTED_AT and epoch == 0:
            written.log.close()
            written = written.reopened(now_ms=BROKER_STARTED_MS + 30_000)
            epoch = 2
            written.log.begin_epoch(epoch)
        append(written, item, epoch, markers)
    written.log.close()
    written.perform()
    return written


def append(
    written: Written, item: dict[str, object], epoch: int, markers: dict[int, bytes]
) -> None:
    end = written.log.log_end_offset
    if "sent" in item:
        sent = bytes.fromhex(str(item["sent"]))
        appended = written.log.append_as_leader(sent, epoch, BROKER_STARTED_MS)
        assert appended.base_offset == item["base_offset"]
    else:
        written.log.append_as_follower(markers[end])
    written.perform()


def test_a_follower_that_fetches_it_has_the_same_log_files(logdir: Path) -> None:
    leader = opened(logdir, "mixed-0")
    follower = Written(LogConfig.of(SETTINGS["mixed-0"]), "mixed-0")
    while follower.log.log_end_offset < leader.log.log_end_offset:
        read = leader.log.read(follower.log.log_end_offset, 700, leader.log.log_end_offset)
        follower.log.append_as_follower(read.chunks)
        follower.perform()

    suffixes = (".log", "leader-epoch-checkpoint")
    for path, data in leader.files.held.items():
        if path.endswith(suffixes):
            assert follower.files.held[path] == data, path


def test_timestamps_are_found(logdir: Path) -> None:
    """Every timestamp of every record finds the first record that is as young or younger."""
    log = opened(logdir, "mixed-0").log
    records = [
        (record.offset, record.timestamp, header.leader_epoch)
        for segment in log.held
        for header, data in zip(segment.headers, segment.datas, strict=True)
        for record in batch.records(data)]

    for _, timestamp, _ in records:
        for asked in (timestamp - 1, timestamp, timestamp + 1):
            expected = next((found for found in records if found[1] >= asked), None)
            assert log.offset_for_timestamp(asked) == expected
    greatest = max(timestamp for _, timestamp, _ in records)
    assert log.max_timestamp() == next(found for found in records if found[1] == greatest)


def test_checkpoint_files(logdir: Path) -> None:
    data = (logdir / "data" / RECOVERY_POINTS).read_bytes()

    offsets = parse_checkpoint(data)
    assert offsets["mixed", 0] == 165
    assert checkpoint_text(offsets) == data
    assert parse_checkpoint(data[:-3]) == {}
    assert parse_checkpoint(b"") == {}


def test_a_lost_index_is_made_anew(logdir: Path) -> None:
    """Its entries may stand elsewhere, but every one points at a batch that is there."""
    files = folder(logdir / "data" / "mixed-0")
    lost = [path for path in files.held if path.endswith(("index", ".timeindex"))]
    written = Written(
        LogConfig.of(SETTINGS["mixed-0"]), "mixed-0",
        Files({path: data for path, data in files.held.items() if path not in lost}),
        BROKER_STARTED_MS)

    assert sum(len(segment.index.offsets) for segment in written.log.held) >= 15
    for segment in written.log.held:
        for offset, position in zip(segment.index.offsets, segment.index.positions, strict=True):
            assert segment.headers[segment.positions.index(position)].last_offset == offset
    again = written.reopened(now_ms=BROKER_STARTED_MS)
    assert again.opened_with == []
