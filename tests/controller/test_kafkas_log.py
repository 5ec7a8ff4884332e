"""The metadata log of a real Kafka 4.3: every record is read, written back, and replayed.

Bytes of ../shared/conformance/kafka/logdir; skipped where they are not.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kinaction.controller.image import MetadataImage
from kinaction.kernel.outbox import Outbox
from kinaction.log.config import LogConfig
from kinaction.log.log import Log
from kinaction.raft import requests
from kinaction.raft.metadata_log import MetadataLog
from kinaction.raft.quorum import Quorum
from kinaction.sim.disk import SimDisk
from kinaction.wire import batch
from kinaction.wire.log_records import decode_metadata, encode_metadata

LOGDIR = Path(__file__).parents[3] / "shared" / "conformance" / "kafka" / "logdir"
FOLDER = LOGDIR / "data" / requests.METADATA_LOG
DUMP = LOGDIR / "dump" / f"{requests.METADATA_LOG}.log.txt"

pytestmark = [
    pytest.mark.tier("bytes"),
    pytest.mark.skipif(not FOLDER.exists(), reason="the log directory is not on this machine"),
]


@pytest.fixture
def disk() -> SimDisk:
    """The folder on a disk of the world."""
    made = SimDisk()
    for path in sorted(FOLDER.iterdir()):
        made.replace(f"{requests.METADATA_LOG}/{path.name}", path.read_bytes())
    return made


def records() -> Iterator[tuple[int, bytes]]:
    """(offset, value) of every metadata record in the file."""
    data = (FOLDER / "00000000000000000000.log").read_bytes()
    for header, held in batch.batches(data):
        for record in () if header.is_control else batch.records(held):
            assert record.value is not None
            yield record.offset, bytes(record.value)


def test_every_record_is_written_back_byte_for_byte() -> None:
    count = 0
    for offset, value in records():
        read = decode_metadata(value)
        assert encode_metadata(read.body, read.version) == value, f"offset {offset}"
        count += 1
    assert count == 153


def test_every_record_is_what_kafkas_dump_says() -> None:
    dumped = dict(re.findall(r'\| offset: (\d+) .* payload: \{"type":"(\w+)"', DUMP.read_text()))
    ours = {str(offset): type(decode_metadata(value).body).__name__ for offset, value in records()}
    assert ours.keys() == dumped.keys()
    for offset, name in dumped.items():
        assert ours[offset].lower() == name.replace("_", "").lower()


def test_our_log_opens_kafkas_and_hands_over_the_same(disk: SimDisk) -> None:
    log = Log(requests.METADATA_LOG, LogConfig(), Outbox(1))
    log.open(disk, 0)
    metadata = MetadataLog(log, Outbox(1))
    assert (metadata.start_offset, metadata.last_epoch) == (0, 2)
    handed = [offset for _, batch_ in metadata.batches(0, metadata.end_offset)
              for offset, _ in batch_]
    assert handed == [offset for offset, _ in records()]


def test_quorum_state_is_read(disk: SimDisk) -> None:
    quorum = Quorum(Outbox(1), 1, (1,), requests.METADATA_LOG)
    assert quorum.open(disk)
    assert (quorum.state, quorum.epoch, quorum.leader_id) == ("resigned", 2, 1)
    assert json.loads(quorum.encoded()) == json.loads(disk.read(quorum.file))


def test_the_image_of_kafkas_log() -> None:
    image = MetadataImage()
    for offset, value in records():
        image.replay(decode_metadata(value).body, offset)
    topics = {name: len(topic.partitions) for name, topic in image.topics.items()}
    assert topics == {"__consumer_offsets": 1, "__transaction_state": 1,
                      "__share_group_state": 3, "mixed": 1, "compacted": 1}
    assert image.features["metadata.version"] == 30
    assert image.next_producer_id == 2000
    broker: Any = image.broker(1)
    assert (broker.host, broker.port, broker.fenced, broker.epoch) == ("127.0.0.1", 20610, True, 96)
    assert all(state.leader == -1 for state in image.partitions()), "it was stopped cleanly"
