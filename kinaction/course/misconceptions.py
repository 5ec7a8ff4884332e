"""The 25 beliefs about Kafka that the course sets out to break, by number.

Rule kept: a belief is worded once, here, as somebody would say it who holds it.
"""

from __future__ import annotations

BELIEFS: dict[int, str] = {
    1: "reading a record takes it out of the log",
    2: "a topic keeps its records in order",
    3: "adding partitions does no harm to keys",
    4: "more consumers are always faster",
    5: "with fewer consumers than partitions some partitions stay unread",
    6: "records without a key go round robin",
    7: "one key is the same partition in every client",
    8: "acks=all waits for every replica",
    9: "min.insync.replicas blocks every write",
    10: "acknowledged means written to disk",
    11: "three replicas and acks=all can lose nothing",
    12: "acks=1 is the default",
    13: "a new consumer sees the old records",
    14: "subscribe() assigns partitions at once",
    15: "earliest reads everything again at each start",
    16: "the committed offset is the last processed one",
    17: "auto-commit is safe",
    18: "heartbeats protect slow work",
    19: "idempotence is exactly-once",
    20: "order needs one request in flight",
    21: "offsets have no gaps, and lag reaches 0",
    22: "retention and compaction act at once",
    23: "the bootstrap server answered, so I am connected",
    24: "a window gives one result",
    25: "any topic is a table, and any join works",
}


def belief(which: int | str) -> str:
    """The sentence of misconception number `which`; a belief given in words is its own sentence."""
    return BELIEFS[which] if isinstance(which, int) else which
