"""A log against the plainest model of one: a list of (offset, value)."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kinaction.log.config import LogConfig
from kinaction.wire import batch
from kinaction.wire.errors import KafkaError
from tests.log.helpers import NOW, Written

VALUES = st.lists(st.binary(max_size=40), min_size=1, max_size=4)


class LogMachine(RuleBasedStateMachine):
    """Appends, cuts at both ends, restarts; reads must always say what the list says."""

    def __init__(self) -> None:
        super().__init__()
        self.written = Written(LogConfig(segment_bytes=300, index_interval_bytes=100))
        self.records: list[tuple[int, bytes]] = []
        self.ends = [0]
        self.start = 0
        self.epoch = 0

    @property
    def end(self) -> int:
        return self.ends[-1]

    @rule(values=VALUES, later=st.integers(0, 1000))
    def append(self, values: list[bytes], later: int) -> None:
        appended = self.written.produce(*values, at=NOW + later, epoch=self.epoch)
        assert appended.base_offset == self.end
        self.records += [(self.end + place, value) for place, value in enumerate(values)]
        self.ends.append(self.end + len(values))

    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        offset = data.draw(st.sampled_from([end for end in self.ends if end >= self.start]))
        self.written.log.truncate_to(offset)
        self.written.perform()
        self.records = [record for record in self.records if record[0] < offset]
        self.ends = [end for end in self.ends if end <= offset]

    @rule(data=st.data())
    def delete_before(self, data: st.DataObject) -> None:
        self.start = data.draw(st.integers(self.start, self.end))
        self.written.log.delete_before(self.start)
        self.written.perform()
        self.records = [record for record in self.records if record[0] >= self.start]
        checkpoint = f"0\n1\nt 0 {self.start}\n".encode()
        self.written.files.held["log-start-offset-checkpoint"] = checkpoint

    @rule()
    def new_leader(self) -> None:
        self.epoch += 1
        self.written.log.begin_epoch(self.epoch)
        self.written.perform()

    @rule(clean=st.booleans())
    def restart(self, clean: bool) -> None:
        if clean:
            self.written.log.close()
        self.written = self.written.reopened()

    @rule(data=st.data(), limit=st.integers(0, 400))
    def read(self, data: st.DataObject, limit: int) -> None:
        offset = data.draw(st.integers(self.start, self.end))
        upto = data.draw(st.sampled_from(self.ends))
        read = self.written.log.read(offset, limit, upto)
        found = [record for record in decoded(read.chunks) if record[0] >= offset]
        expected = [record for record in self.records if offset <= record[0] < read.next_offset]
        assert found == expected
        assert read.next_offset > offset or offset >= min(upto, self.end)
        assert read.next_offset <= max(upto, offset)

    @invariant()
    def says_what_the_list_says(self) -> None:
        log = self.written.log
        assert (log.log_start_offset, log.log_end_offset) == (self.start, self.end)
        with pytest.raises(KafkaError):
            log.read(self.end + 1, 1, self.end + 1)
        assert everything(self.written) == self.records
        assert self.written.outbox.effects == []
        assert log.size == sum(len(data) for path, data in self.written.files.held.items()
                               if path.endswith(".log"))


def everything(written: Written) -> list[tuple[int, bytes]]:
    log, found = written.log, []
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        read = log.read(offset, 1, log.log_end_offset)
        found += [record for record in decoded(read.chunks) if record[0] >= offset]
        offset = read.next_offset
    return found


def decoded(chunks: tuple[Any, ...]) -> list[tuple[int, bytes]]:
    return [
        (record.offset, record.value or b"")
        for _, data in batch.batches(chunks) for record in batch.records(data)]


TestLog = LogMachine.TestCase
TestLog.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
