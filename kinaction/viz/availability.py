"""How each partition did over time: it commits, acks=all waits, or there is no leader.

acks=all waits where records lie above the high watermark and it does not move for half a second.
"""

from collections.abc import Mapping, Sequence

from kinaction.kernel.value import value
from kinaction.viz.plan import METADATA, partition_of, topic_of
from kinaction.viz.replicas import Partition

STALL_MS = 500
OK, WAIT, NONE = "ok", "wait", "none"


@value
class Span:
    """A stretch of time of one column: `kind` is "ok", "wait" or "none"."""

    from_ms: int
    to_ms: int
    kind: str


class Availability:
    """Collects the spans of every column, from its first leader on, while the trace is folded."""

    def __init__(self) -> None:
        self._marks: dict[str, list[tuple[int, str]]] = {}
        self._stalled: dict[str, tuple[int, int]] = {}

    def take(self, now_ms: int, partition: Partition) -> None:
        """Take a column as it is from now on."""
        key = partition.key
        is_new = key not in self._marks and partition.leader is None
        if key == METADATA or not partition.replicas or is_new:
            return
        self._settle(now_ms, key)
        leader = partition.leader
        held = self._stalled.get(key)
        if leader is None or leader.end <= partition.hw:
            self._stalled.pop(key, None)
        elif held is None or held[1] != partition.hw:
            self._stalled[key] = (now_ms, partition.hw)
        self._mark(now_ms, key, NONE if leader is None else OK)

    def spans(self, end_ms: int) -> dict[str, tuple[Span, ...]]:
        """The spans of every column up to the end of the trace."""
        found = {}
        for key in list(self._marks):
            self._settle(end_ms, key)
            marks = self._marks[key]
            ends = [at for at, _ in marks[1:]] + [max(end_ms, marks[-1][0])]
            found[key] = _joined([Span(at, end, kind)
                                  for (at, kind), end in zip(marks, ends, strict=True)])
        return found

    def _settle(self, now_ms: int, key: str) -> None:
        """A stall that lasted: write it down as waiting from where it began."""
        held = self._stalled.get(key)
        if held is not None and now_ms - held[0] > STALL_MS:
            marks = self._marks[key]
            while marks and marks[-1][0] >= held[0]:
                marks.pop()
            self._mark(held[0], key, WAIT)

    def _mark(self, at_ms: int, key: str, kind: str) -> None:
        marks = self._marks.setdefault(key, [])
        if marks and marks[-1][0] == at_ms:
            marks.pop()
        marks.append((at_ms, kind))


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    made: list[Span] = []
    for span in spans:
        if made and made[-1].kind == span.kind:
            made[-1] = Span(made[-1].from_ms, span.to_ms, span.kind)
        elif span.to_ms > span.from_ms:
            made.append(span)
    return tuple(made)


def trouble(
    spans: Mapping[str, Sequence[Span]], is_short: bool = False
) -> list[tuple[str, str]]:
    """The longest trouble as words with classes: how long, what waits, what has no leader."""
    worst = _worst(spans)
    if worst is None:
        return []
    waits = _names(spans, worst, WAIT)
    headless = _names(spans, worst, NONE)
    words = [] if is_short else [("m", f"for {clock(worst.to_ms - worst.from_ms, 2)} ")]
    if waits:
        more = ("; " if is_short else ", and ") if headless else ""
        words += [("wt b", "acks=all waits"), ("m", f" on {waits}{more}")]
    if headless:
        verb = "have" if " and " in headless else "has"
        words.append(("err b", f"{headless} {verb} no leader"))
    return words


def trouble_ms(spans: Mapping[str, Sequence[Span]]) -> int:
    """The middle of the longest trouble; -1 for none."""
    worst = _worst(spans)
    return -1 if worst is None else (worst.from_ms + worst.to_ms) // 2


def _worst(spans: Mapping[str, Sequence[Span]]) -> Span | None:
    return max(
        (span for held in spans.values() for span in held if span.kind != OK),
        key=lambda span: span.to_ms - span.from_ms, default=None,
    )


def _names(spans: Mapping[str, Sequence[Span]], worst: Span, kind: str) -> str:
    """The partitions that had this trouble for most of the time of the worst one."""
    keys = [key for key, held in spans.items() if _overlap(held, worst, kind) * 10
            >= (worst.to_ms - worst.from_ms) * 6]
    if len(keys) > 4:
        return f"{len(keys)} partitions"
    several = len({topic_of(key) for key in spans}) > 1
    names = [key if several else str(partition_of(key)) for key in keys]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if names[1:] else "".join(names)


def _overlap(held: Sequence[Span], worst: Span, kind: str) -> int:
    return sum(max(0, min(span.to_ms, worst.to_ms) - max(span.from_ms, worst.from_ms))
               for span in held if span.kind == kind)


def clock(ms: int, decimals: int = 3) -> str:
    """A time as people say it: "12.953 s", "4.00 s", "120 ms"."""
    if ms < 1000 and decimals < 3:
        return f"{ms} ms"
    return f"{ms / 1000:.{decimals}f} s"
