"""The life of every record: sent, appended, fetched, committed, acknowledged, read; and its waits.

Collected while a film is folded. Records of one batch share one life; the longest gap of a life is
its wait, with the reason that the replicas gave at that time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kinaction.kernel.effects import Append
from kinaction.kernel.events import Received
from kinaction.kernel.trace import Step
from kinaction.viz.carried import contents_of
from kinaction.viz.plan import METADATA, node_title
from kinaction.viz.replicas import Partition
from kinaction.viz.traffic import Sent, Traffic

MOST_LIVES = 2000
LEAST_WAIT_MS = 20


class Life:
    """One batch: offsets first to last, its moments [at_ms, seq, words], what its records say."""

    def __init__(self, first: int, last: int, data: Any) -> None:
        self.first = first
        self.last = last
        self.moments: list[tuple[int, int, str]] = []
        self.reason = ""
        self.records = contents_of(data)[: last - first + 1]

    def add(self, at_ms: int, seq: int, words: str) -> None:
        """Note a moment, once."""
        if all(words != known for _, _, known in self.moments):
            self.moments.append((at_ms, seq, words))

    def wait(self) -> tuple[int, str] | None:
        """(index of the moment before the longest gap, the reason), if it was a wait."""
        gaps = [after[0] - before[0]
                for before, after in zip(self.moments, self.moments[1:], strict=False)]
        longest = max(gaps, default=0)
        if longest < LEAST_WAIT_MS or longest * 2 < self.moments[-1][0] - self.moments[0][0]:
            return None
        at = gaps.index(longest)
        return (at, self._why(self.moments[at + 1][2]))

    def _why(self, after: str) -> str:
        if after.startswith("committed"):
            return self.reason or "waits for the in-sync replicas"
        if after.startswith("read by"):
            return f"waits for {after.removeprefix('read by ')} to poll"
        if after.startswith("ack"):
            return "waits for its ack"
        if after.startswith("fetched by"):
            return f"waits for {after.removeprefix('fetched by ')} to fetch"
        return "waits"

    def to_list(self) -> list[Any]:
        """As JSON-able data: first, last, moments, wait, records."""
        wait = self.wait()
        return [self.first, self.last, [list(moment) for moment in self.moments],
                list(wait) if wait else None, [list(record) for record in self.records]]


class Lives:
    """The lives of the records of some columns."""

    def __init__(self, keys: Iterable[str], traffic: Traffic) -> None:
        self._by_key: dict[str, list[Life]] = {key: [] for key in keys if key != METADATA}
        self._traffic = traffic

    def take(self, step: Step, before: Mapping[str, Partition]) -> None:
        """Take a step; `before` is how the columns were until now."""
        for effect in step.effects:
            if type(effect) is Append and effect.log in self._by_key and effect.count:
                self._appended(step, effect)
        for path, old, new in step.changed:
            part, _, rest = path.partition("/")
            key, _, field = rest.partition("/")
            if part == "partitions" and field == "high_watermark" and key in self._by_key:
                self._committed(step, key, (old or 0, new or 0), before.get(key))
        for number, message in step.sends():
            if message.api == "Produce" and not message.is_request:
                self._told(step, self._traffic.by_number[number], "ack sent")
        if type(step.event) is Received:
            self._received(step, step.event.number)
        for fact in step.facts():
            if type(fact).__name__ == "RecordsHandedOver":
                self._read(step, fact)

    def at(self, key: str, offset: int) -> Life | None:
        """The life of a record, newest writing of its offset."""
        held = self._by_key.get(key, [])
        at = bisect_right(held, offset, key=lambda life: life.first) - 1
        return held[at] if at >= 0 and held[at].first <= offset <= held[at].last else None

    def to_dict(self) -> dict[str, list[Any]]:
        """The newest lives of every column as JSON-able data, in the order of their offsets."""
        return {key: [life.to_list() for life in held[-MOST_LIVES:]]
                for key, held in self._by_key.items()}

    def _appended(self, step: Step, effect: Append) -> None:
        last = effect.base_offset + effect.count - 1
        request = self._request_of(step)
        if request is not None:
            life = self._fresh(effect, last)
            life.add(request.sent_ms, request.sent_seq,
                     f"sent by {node_title(request.source)}")
            life.add(step.at_ms, step.seq, f"appended on {node_title(step.node)}")
            return
        known = self._within(effect.log, effect.base_offset, last)
        for life in known or [self._fresh(effect, last)]:
            life.add(step.at_ms, step.seq, f"fetched by {node_title(step.node)}")

    def _request_of(self, step: Step) -> Sent | None:
        if type(step.event) is not Received or step.event.message.api != "Produce":
            return None
        return self._traffic.by_number.get(step.event.number)

    def _fresh(self, effect: Append, last: int) -> Life:
        """A new life; what was written at these offsets before is no more."""
        held = self._by_key[effect.log]
        while held and held[-1].last >= effect.base_offset:
            held.pop()
        life = Life(effect.base_offset, last, effect.data)
        held.append(life)
        return life

    def _within(self, key: str, first: int, last: int) -> list[Life]:
        held = self._by_key[key]
        at = max(0, bisect_right(held, first, key=lambda life: life.first) - 1)
        return [life for life in held[at:] if life.last >= first and life.first <= last]

    def _committed(
        self, step: Step, key: str, moved: tuple[int, int], before: Partition | None
    ) -> None:
        """The leader's high watermark passed records."""
        old, new = moved
        is_leader = any(
            path.endswith(f"{key}/role") and now == "leader" for path, _, now in step.changed
        ) or (before is not None and before.leader is not None
              and before.leader.broker == step.node)
        if not is_leader or new <= old:
            return
        for life in self._within(key, old, new - 1):
            if life.last < new:
                life.add(step.at_ms, step.seq, f"committed, HW {old}→{new}")
                life.reason = self._held_back(life, before)

    @staticmethod
    def _held_back(life: Life, before: Partition | None) -> str:
        """Which member of the ISR had not got the record yet."""
        if before is None:
            return ""
        slow = [held for held in before.replicas
                if held.broker in before.isr and held.end <= life.last]
        held = min(slow, key=lambda held: (held.is_alive, held.end), default=None)
        if held is None:
            return ""
        name = node_title(held.broker)
        return f"waits for {name}" + ("" if held.is_alive else ", dead but in the ISR")

    def _told(self, step: Step, sent: Sent, words: str) -> None:
        for token in sent.tokens:
            life = self.at(token.key, token.offset)
            if life is not None and sent.kind == "ack":
                life.add(step.at_ms, step.seq, words)

    def _received(self, step: Step, number: int) -> None:
        sent = self._traffic.by_number.get(number)
        if sent is not None and sent.kind == "ack":
            self._told(step, sent, f"ack reaches {node_title(step.node)}")

    def _read(self, step: Step, fact: Any) -> None:
        key = f"{fact.topic}-{fact.partition}"
        if key in self._by_key:
            for life in self._within(key, fact.first, fact.last):
                life.add(step.at_ms, step.seq, f"read by {node_title(step.node)}")


def life_lines(moments: Sequence[Sequence[Any]]) -> list[str]:
    """A life as lines of text: "4.062 s sent by producer 1"."""
    return [f"{at / 1000:.3f} s {words}" for at, _, words in moments]
