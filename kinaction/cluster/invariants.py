"""`Invariants`: what must hold after every step of every run, whatever the faults.

Reads the trace's patches and the machines' logs; a breach is an error in words, with the step.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kinaction.broker.broker import Broker
from kinaction.kernel.trace import Step
from kinaction.wire.batch import parse_header

if TYPE_CHECKING:
    from kinaction.cluster.cluster import Cluster

METADATA_LOG = "__cluster_metadata-0"


class Broken(AssertionError):
    """Something that must always hold did not; names step, node and what was seen."""


class Invariants:
    """Looks at every step of a cluster from now on.

    One leader an epoch; the high watermark within the log; what is committed stays what it is, on
    every leader, for ever; the fold of the trace is the live view.
    """

    def __init__(self, cluster: "Cluster", *, check_fold: bool = False) -> None:
        self.cluster = cluster
        self.check_fold = check_fold
        self.checked_steps = 0
        self._leaders: dict[tuple[str, int], Any] = {}
        self._committed: dict[str, dict[int, int]] = {}
        cluster.world.on_step.append(self.look)

    def stop(self) -> None:
        """Look no more."""
        self.cluster.world.on_step.remove(self.look)

    def look(self, first: int) -> None:
        """Check the steps from `first` on."""
        trace = self.cluster.trace
        for step in trace.steps[max(first - trace.dropped, 0):]:
            self.checked_steps += 1
            names = {path.split("/")[1]: None for path, _, new in step.changed
                     if path.startswith("partitions/") and new is not None}
            for name in names:
                self._check(step, name, trace.state[step.node])
            if self.check_fold:
                self._check_fold(step)

    def _check(self, step: Step, name: str, seen: Mapping[str, Any]) -> None:
        path = f"partitions/{name}/"
        if f"{path}log_end_offset" not in seen:
            return
        high_watermark, end = seen[f"{path}high_watermark"], seen[f"{path}log_end_offset"]
        if high_watermark > end:
            self._broken(step, f"{name}: the high watermark {high_watermark} is beyond the log's "
                               f"end {end}")
        if seen[f"{path}role"] == "leader":
            epoch = seen[f"{path}leader_epoch"]
            other = self._leaders.setdefault((name, epoch), step.node)
            if other != step.node:
                self._broken(step, f"{name} has two leaders in epoch {epoch}: {other} and "
                                   f"{step.node}")
            if name != METADATA_LOG:
                self._check_committed(step, name, high_watermark)

    def _check_committed(self, step: Step, name: str, high_watermark: int) -> None:
        topic, _, index = name.rpartition("-")
        machine = self.cluster.world.nodes[step.node].machine
        if not isinstance(machine, Broker):
            return
        partition = machine.replicas.partitions.get((topic, int(index)))
        if partition is None or not partition.is_leader:
            return
        committed = self._committed.setdefault(name, {})
        offset = max(max(committed, default=-1) + 1, partition.log.log_start_offset)
        for batch in _batches(partition.log, offset, high_watermark):
            header = parse_header(batch)
            for number in range(header.base_offset, header.last_offset + 1):
                if committed.setdefault(number, header.crc) != header.crc:
                    self._broken(step, f"{name}: committed offset {number} is another record now")
        for number, crc in committed.items():
            if partition.log.log_start_offset <= number < partition.log.log_end_offset:
                held = _crc_at(partition.log, number)
                if held != crc:
                    self._broken(step, f"{name}: {step.node} leads, and at the committed offset "
                                       f"{number} it has another record")
            elif number >= partition.log.log_end_offset:
                self._broken(step, f"{name}: {step.node} leads without the committed offset "
                                   f"{number}; its log ends at {partition.log.log_end_offset}")

    def _check_fold(self, step: Step) -> None:
        machine = self.cluster.world.nodes[step.node].machine
        if machine is not None and self.cluster.trace.state.get(step.node, {}) != (
            machine.live_view()
        ):
            shown, live = self.cluster.trace.state.get(step.node, {}), machine.live_view()
            paths = [path for path in {**shown, **live} if shown.get(path) != live.get(path)]
            self._broken(step, f"{step.node}: the trace and the machine disagree about {paths}")

    def _broken(self, step: Step, what: str) -> None:
        raise Broken(f"seed {self.cluster.setup.seed}, step {step.seq}, {step.at_ms} ms: {what}")


def _batches(log: Any, offset: int, upto: int) -> list[Any]:
    found: list[Any] = []
    while offset < upto:
        read = log.read(offset, 1 << 26, upto)
        if not read.chunks:
            break
        found += read.chunks
        offset = read.next_offset
    return found


def _crc_at(log: Any, offset: int) -> int | None:
    read = log.read(offset, 1, log.log_end_offset)
    return int(parse_header(read.chunks[0]).crc) if read.chunks else None
