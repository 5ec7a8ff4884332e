"""`MetadataLog`: the quorum's log as batches of metadata records, over a `Log`.

Every append is flushed before anybody hears of it (Kafka's raft log does so too).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from kinaction.kernel.outbox import Outbox
from kinaction.log.log import Log
from kinaction.wire import messages
from kinaction.wire.batch import Record, batches, build, records
from kinaction.wire.control import control_batch
from kinaction.wire.layout import Message
from kinaction.wire.log_records import decode_metadata, encode_metadata

Records = tuple[tuple[int, Any], ...]
"""(offset, body) of the metadata records of one batch; empty for control batches."""


class MetadataLog:
    """What the quorum needs of its log."""

    def __init__(self, log: Log, outbox: Outbox) -> None:
        self.log = log
        self.outbox = outbox

    @property
    def end_offset(self) -> int:
        """The next offset."""
        return self.log.log_end_offset

    @property
    def start_offset(self) -> int:
        """The first offset."""
        return self.log.log_start_offset

    @property
    def last_epoch(self) -> int:
        """The epoch of the last record, 0 for an empty log."""
        epochs = self.log.leader_epochs
        return epochs[-1][0] if epochs else 0

    def append(self, bodies: Sequence[Message], epoch: int) -> int:
        """Write records as one batch, as leader, and flush; the last offset."""
        now_ms = self.outbox.wall_ms
        values = [encode_metadata(body, body.max_version) for body in bodies]
        data = build([Record(0, now_ms, None, each) for each in values], leader_epoch=epoch)
        return self._append(data, epoch)

    def append_leader_change(
        self, leader: int, epoch: int, voters: Sequence[int], granting: Sequence[int]
    ) -> int:
        """Write the control record that begins an epoch; its offset."""
        kind = messages.LeaderChangeMessage
        change = kind(
            version=0, leader_id=leader,
            voters=tuple(kind.Voter(voter_id=voter) for voter in voters),
            granting_voters=tuple(kind.Voter(voter_id=voter) for voter in granting),
        )
        data = control_batch([change], timestamp=self.outbox.wall_ms, leader_epoch=epoch)
        return self._append(data, epoch)

    def _append(self, data: bytes, epoch: int) -> int:
        appended = self.log.append_as_leader(data, epoch, self.outbox.wall_ms, is_internal=True)
        self.log.flush()
        return appended.last_offset

    def append_fetched(self, records: Any) -> None:
        """Write whole batches as the leader sent them, and flush."""
        self.log.append_as_follower(records)
        self.log.flush()

    def chunks(self, offset: int, max_bytes: int) -> tuple[Any, ...]:
        """Batches from an offset on, for a fetch; () at the end."""
        if offset >= self.end_offset:
            return ()
        return self.log.read(offset, max_bytes, self.end_offset).chunks

    def batches(self, offset: int, upto: int) -> Iterator[tuple[int, Records]]:
        """Batch by batch from `offset` up to `upto`: the next offset, and its records."""
        while offset < upto:
            read = self.log.read(offset, 1 << 20, upto)
            for chunk in read.chunks:
                for header, data in batches(chunk):
                    offset = header.last_offset + 1
                    yield offset, () if header.is_control else _records(data)
            assert read.chunks, f"nothing to read at {offset} below {upto}"

    def diverging(self, last_epoch: int, offset: int) -> tuple[int, int] | None:
        """Where a replica's log parts from this one: (epoch, end offset); None: it agrees.

        The replica has everything below `offset`, the last of it written in `last_epoch`.
        """
        if offset == self.start_offset == 0:
            return None
        epoch, end_offset = self.log.end_offset_for_epoch(last_epoch)
        if epoch == last_epoch and offset <= end_offset:
            return None
        return (epoch, end_offset) if epoch >= 0 else (self.last_epoch, self.end_offset)

    def agreed_offset(self, epoch: int, end_offset: int) -> int:
        """Where to cut this log, when its leader's `epoch` ended at `end_offset`."""
        own_epoch, own_end = self.log.end_offset_for_epoch(epoch)
        if own_epoch < 0:
            return min(self.end_offset, end_offset)
        return min(own_end, end_offset) if own_epoch == epoch else own_end

    def truncate_to(self, offset: int) -> None:
        """Forget the records from this offset on."""
        self.log.truncate_to(offset)


def _records(data: Any) -> Records:
    return tuple(
        (record.offset, decode_metadata(record.value).body) for record in records(data)
    )
