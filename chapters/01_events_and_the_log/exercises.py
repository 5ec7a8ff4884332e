"""Exercises and predictions of chapter 01."""

import random
import runpy
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kinaction.course import (
    BadAnswer,
    Choice,
    Exercise,
    Prediction,
    Verdict,
    fixed,
    scenario,
    solved,
    unanswered,
    with_keys,
    wrong,
)

runs = scenario("01")
SEEDS = (1, 2, 3, 4, 5)
QUEUE = "a reader takes records out, as from a queue"


def some_lines(count: int, services: Sequence[str] = ("shop", "auth", "search")) -> list[Any]:
    """Lines that differ in nothing but their number and service."""
    return [
        SimpleNamespace(
            service=services[n % len(services)], request_id=f"r{n}", level="INFO", text=f"line {n}"
        )
        for n in range(count)
    ]


def found_by_a_newcomer(written: int, read_by_a: int, read_by_b: int, seed: int) -> tuple[int, int]:
    """What group C finds after A and B have read so much, and what the brokers hold."""
    cluster = runs.prepared(seed)
    runs.write(cluster, some_lines(written))
    for group, count in (("a", read_by_a), ("b", read_by_b)):
        if count:
            runs.read(runs.reader(cluster, group), count)
    found = runs.read(runs.reader(cluster, "c"), written + 1) if written else []
    return len(found), sum(log_ends(cluster))


def log_ends(cluster: Any, topic: str = runs.TOPIC) -> list[int]:
    """The log end offset of every partition, as its leader has it."""
    state = cluster.trace.fold()
    partitions = sorted(
        int(path.split("/")[1].rpartition("-")[2])
        for path in state[1]
        if path.startswith(f"image/{topic}-") and path.endswith("/leader")
    )
    return [
        state[cluster.leader(topic, p)][f"partitions/{topic}-{p}/log_end_offset"]
        for p in partitions
    ]


def check_finds(finds: Callable[[int, int, int], Any]) -> Verdict:
    """1.1: five triples, each run with real groups."""
    for seed, triple in enumerate(((9, 9, 0), (9, 4, 2), (6, 0, 0), (5, 5, 5), (8, 8, 3)), 1):
        said = finds(*triple)
        if said is None:
            return unanswered()
        truth = found_by_a_newcomer(*triple, seed)
        if said != truth:
            return wrong(
                f"finds{triple} gave {said!r}; group C found {truth[0]} and the brokers hold "
                f"{truth[1]}. Anna's mark is Anna's.",
                misconception=1,
                see="the columns between Anna's first and last read: no cell changes",
            )
    return solved()


def check_offsets(offsets: Callable[[list[int]], Any]) -> Verdict:
    """1.2: random sequences of partitions, compared with delivery reports."""
    dice = random.Random(12)
    for round_ in range(20):
        partitions = 1 + round_ % 5
        listed = [int(dice.random() * partitions) for _ in range(3 + round_ % 6)]
        said = offsets(list(listed))
        if said is None:
            return unanswered()
        truth = offsets_given(listed, partitions, seed=1 + round_ % 3)
        if list(said) != truth:
            return wrong(
                f"offsets({listed}) gave {list(said)}, the brokers gave {truth}. There is one "
                "counter a partition, not one for the topic.",
                misconception=2,
                see="the cells with number 0: one in each column",
            )
    return solved()


def offsets_given(partitions: list[int], count: int, seed: int) -> list[int]:
    """The offsets that records sent to these partitions really get."""
    cluster = runs.prepared(seed, partitions=count)
    producer, reports = cluster.producer(), []
    for partition in partitions:
        producer.produce(
            runs.TOPIC,
            value="x",
            partition=partition,
            on_delivery=lambda error, message: reports.append(message.offset()),
        )
        producer.flush()
    return reports


def first_inversion(cluster: Any, written: list[Any]) -> int | None:
    """The first step after which Bert has a line, but not one that was written before it."""
    at = {(message.partition(), message.offset()): n for n, message in enumerate(written)}
    has: set[int] = set()
    for step, fact in cluster.trace.facts("RecordsHandedOver"):
        if fact.topic == runs.TOPIC:
            has |= {at[fact.partition, offset] for offset in range(fact.first, fact.last + 1)}
            if max(has) >= len(has):
                return int(step.seq)
    return None


def check_inversion(moments: Any) -> Verdict:
    """1.3: the step, under two seeds."""
    for seed, said in with_keys(moments, tuple(runs.INVERTING)).items():
        cluster, written = runs.story(seed)
        truth = first_inversion(cluster, written)
        if not isinstance(said, int):
            raise BadAnswer(f"a step is a whole number, not {said!r}")
        if said != truth:
            appended = [step.seq for step, _ in cluster.trace.facts("HighWatermarkAdvanced")]
            early = said <= appended[-1]
            return wrong(
                f"seed {seed}, step {said}: "
                + (
                    "the brokers had the lines in the order of time; look at the reader's door."
                    if early
                    else "Bert had met a line too early before this, or not yet."
                ),
                misconception=2,
                see="the ochre flags",
            )
    return solved()


def unseen_lines(seed: int) -> list[Any]:
    """Sixty lines of twenty requests that are not in the file."""
    make = runpy.run_path(str(Path(__file__).parent / "make_data.py"))["server_lines"]
    made = make(requests=20, seed=100 + seed, failing=7)
    return [SimpleNamespace(**row) for row in made]


def check_key(key_of: Callable[[Any], Any]) -> Verdict:
    """1.4: no request may be torn by any delay, and at least two columns carry load."""
    for seed in SEEDS:
        lines = unseen_lines(seed)
        if any(key_of(line) is None for line in lines):
            return unanswered()
        cluster = runs.prepared(seed)
        reports = runs.write(cluster, lines, lambda line: str(key_of(line)))
        verdict = judge_key(lines, [message.partition() for message in reports])
        if not verdict.solved:
            return verdict
    return solved()


def judge_key(lines: list[Any], partitions: list[int]) -> Verdict:
    """Whether two lines of one request lie in two partitions, and how the load is spread."""
    home: dict[str, tuple[Any, int]] = {}
    for line, partition in zip(lines, partitions, strict=True):
        first, column = home.setdefault(line.request_id, (line, partition))
        if column != partition:
            return wrong(
                f"request {line.request_id}: “{first.text}” is in column {column}, “{line.text}” "
                f"in column {partition}. Delay one answer, and the second is read first.",
                misconception=2,
            )
    load = Counter(partitions)
    if len(load) < 2:
        return wrong(
            f"the order is kept, but column {partitions[0]} has all {len(lines)} lines and the "
            "others have none."
        )
    return solved()


def check_reader(config: Any) -> Verdict:
    """1.5: a fresh group with this config reads the nine lines that are there."""
    if not isinstance(config, dict):
        raise BadAnswer("a dict of consumer settings is expected")
    for seed in (1, 2, 3):
        cluster = runs.prepared(seed)
        runs.write(cluster, some_lines(9))
        consumer = cluster.consumer({**config, "group.id": f"fresh-{seed}"})
        consumer.subscribe([runs.TOPIC])
        count = len(runs.read(consumer, 9))
        if count != 9:
            return wrong(
                f"the reader got {count} of the 9 lines. A reader without a mark begins where "
                "its reset policy says, and the default is the end.",
                misconception=13,
            )
    return solved()


def check_partner(partner: Callable[[str, int], Any]) -> Verdict:
    """1.6: another key in the same column, for keys and numbers of partitions not in the text."""
    for key, count in (("search", 3), ("search", 4), ("tram-7", 3), ("Zoë", 12), ("a", 4)):
        other = partner(key, count)
        if other is None:
            return unanswered()
        if other == key:
            return wrong(f"partner({key!r}, {count}) is the same key; another one is asked for.")
        cluster = runs.prepared(1, partitions=count)
        where = [r.partition() for r in runs.write(cluster, some_lines(2), iter_key(key, other))]
        if where[0] != where[1]:
            return wrong(
                f"with {count} partitions {key!r} is in {where[0]} and {other!r} in {where[1]}. "
                "A key's partition depends on the number of partitions.",
                misconception="keys that share a column belong together",
            )
    return solved()


def iter_key(*keys: str) -> Callable[[Any], str]:
    """Gives one key after the other, whatever the line."""
    left = iter(keys)
    return lambda _line: next(left)


RETENTION_KEYS = ("log_start", "log_end", "next_offset", "lines_seen")


def after_retention(count: int, retention_ms: int, seed: int) -> dict[str, int]:
    """What is there after `count` lines were left alone for longer than their retention."""
    cluster = runs.prepared(seed, partitions=1, retention_ms=retention_ms)
    runs.write(cluster, some_lines(count))
    cluster.run(seconds=retention_ms // 1000 + 120)
    path = f"partitions/{runs.TOPIC}-0/"
    seen = cluster.trace.fold()[cluster.leader(runs.TOPIC, 0)]
    lines_seen = len(runs.read(runs.reader(cluster, "late"), 1, seconds=10.0))
    return {
        "log_start": seen[path + "log_start_offset"],
        "log_end": seen[path + "log_end_offset"],
        "next_offset": runs.write(cluster, some_lines(1))[0].offset(),
        "lines_seen": lines_seen,
    }


def check_retention(answer: Any) -> Verdict:
    """1.7: a function of the number of lines, run for three counts and two retention times."""
    for count, retention_ms, seed in ((6, 60_000, 7), (1, 60_000, 2), (9, 120_000, 3)):
        said = answer(count)
        if said is None:
            return unanswered()
        truth = after_retention(count, retention_ms, seed)
        for key in RETENTION_KEYS:
            if with_keys_or_zero(said)[key] != truth[key]:
                return wrong(
                    f"after {count} lines, {key} is {truth[key]}, not {said[key]}. Numbers are "
                    "promises to readers: they are not given twice.",
                    misconception=22 if key == "lines_seen" else 1,
                )
    return solved()


def with_keys_or_zero(said: Any) -> dict[str, Any]:
    """The answer's dict; with_keys, but 0 is an answer."""
    if not isinstance(said, dict) or set(said) != set(RETENTION_KEYS):
        raise BadAnswer(f"a dict with the keys {', '.join(RETENTION_KEYS)} is expected")
    return said


def check_viewer(view: Callable[[Any, int], Any]) -> Verdict:
    """1.9: every record is an event, equal ones too."""
    for seed in SEEDS:
        dice = random.Random(seed)
        lines = [
            SimpleNamespace(
                service=("shop", "auth")[int(dice.random() * 2)],
                request_id="r",
                level="INFO",
                text=("start", "stop")[int(dice.random() * 2)],
            )
            for _ in range(9)
        ]
        cluster = runs.prepared(seed, partitions=1)
        written = [message.value() for message in runs.write(cluster, lines)]
        seen = view(runs.reader(cluster, "viewer"), 9)
        if seen is None:
            return unanswered()
        if list(seen) != written:
            return wrong(
                f"the log has {len(written)} records, the viewer shows {len(seen)}. Two equal "
                "lines are two events.",
                misconception="a log is a table: the newest value of a key wins",
            )
    return solved()


def bert_finds() -> str:
    """The truth of 1.A."""
    return str(found_by_a_newcomer(9, 9, 0, seed=7)[0])


def one_lane_cells() -> str:
    """The truth of 1.B."""
    cluster = runs.prepared(7, partitions=1)
    texts = ("start", "login anna", "login anna", "stop")
    lines = [SimpleNamespace(service="web", request_id="", level="", text=t) for t in texts]
    return str(runs.write(cluster, lines)[-1].offset() + 1)


def next_offset_after_retention() -> str:
    """The truth of 1.H."""
    return f"they go, and the next line gets offset {after_retention(6, 60_000, 7)['next_offset']}"


PREDICTIONS = (
    Prediction(
        id="1.A",
        question="Anna has read all nine lines. How many does Bert find?",
        choices=(
            Choice(text="0", reply="Nothing left any column.", misconception=1),
            Choice(text="some", reply="Only members of one group share.", misconception=QUEUE),
            Choice(text="9", reply="Reading changes nothing on a broker."),
        ),
        truth=bert_finds,
    ),
    Prediction(
        id="1.B",
        question="Four sends, one key, two of them equal. How many cells has the column?",
        choices=(
            Choice(text="1", reply="A log keeps every one.", misconception="the newest value wins"),
            Choice(text="3", reply="Equal lines are two events.", misconception="equal ones merge"),
            Choice(text="4", reply="A record is never merged with another."),
        ),
        truth=one_lane_cells,
    ),
    Prediction(
        id="1.C",
        question="Six lines in three partitions, written in the order 1 to 6. How are they read?",
        choices=(
            Choice(text="1 2 3 4 5 6, always", reply="Compare the seeds.", misconception=2),
            Choice(text="sorted by their timestamps", reply="Nobody sorts.", misconception=2),
            Choice(
                text="in some order; only lines of one partition keep theirs",
                reply="Within a partition the numbers rise, under every seed.",
            ),
        ),
        truth=fixed("in some order; only lines of one partition keep theirs"),
    ),
    Prediction(
        id="1.D",
        question="Can a delay make Bert see two lines of ONE partition in the wrong order?",
        choices=(
            Choice(text="yes, with the right delay", reply="The whole answer is late, or nothing."),
            Choice(text="no", reply="The next fetch begins where the last one ended."),
        ),
        truth=fixed("no"),
    ),
    Prediction(
        id="1.E",
        question="Four keys, three partitions. What happens to the fourth?",
        choices=(
            Choice(text="it is refused", reply="Any number of keys may share a partition."),
            Choice(text="it takes turns", reply="It stays where its hash says.", misconception=6),
            Choice(text="it shares a partition with another key", reply="And it will, for good."),
        ),
        truth=fixed("it shares a partition with another key"),
    ),
    Prediction(
        id="1.F",
        question="Which key keeps the story of one request in order, and lets the load spread?",
        choices=(
            Choice(text="host", reply="One request visits several hosts."),
            Choice(text="level", reply="ERROR and INFO would part."),
            Choice(text="request_id", reply="What must not overtake each other, shares a key."),
            Choice(
                text="the same key for all", reply="In order, and one column does all the work."
            ),
        ),
        truth=fixed("request_id"),
    ),
    Prediction(
        id="1.G",
        question="Bert goes back to offset 0 of partition 2. What does he get?",
        choices=(
            Choice(text="an error, it was read already", reply="A log is read.", misconception=1),
            Choice(text="the first line of partition 2 again", reply="As often as he likes."),
            Choice(text="that line, and Anna gets it too", reply="Anna's mark is Anna's."),
        ),
        truth=fixed("the first line of partition 2 again"),
    ),
    Prediction(
        id="1.H",
        question="Six lines, kept for a minute, and nobody reads them. After 150 seconds?",
        choices=(
            Choice(
                text="they stay, for nobody has read them", reply="Time decides.", misconception=1
            ),
            Choice(
                text="they go, and the next line gets offset 0",
                reply="An offset is never given twice.",
            ),
            Choice(text="they go, and the next line gets offset 6", reply="Numbers go on."),
        ),
        truth=next_offset_after_retention,
    ),
    Prediction(
        id="1.I",
        question="audit died halfway. Who notices?",
        choices=(
            Choice(text="the web shop slows down", reply="It does not know who reads."),
            Choice(text="alerts stops", reply="Readers do not know one another."),
            Choice(text="nobody", reply="Writers and readers know the log, not each other."),
        ),
        truth=fixed("nobody"),
    ),
)

EXERCISES = (
    Exercise(
        id="1.1",
        title="What the newcomer finds",
        kind="code",
        statement="""Groups A and B have read some of `written` lines. Return two numbers: what a
new group C finds (from the earliest), and how many records the brokers still hold.""",
        name="finds",
        stub="def finds(written, read_by_a, read_by_b):\n    ...",
        solution="def finds(written, read_by_a, read_by_b):\n    return written, written",
        hints=(
            "What changed in the columns when Anna read?",
            "C has no mark yet, and A's mark is A's.",
            "Two equal numbers.",
        ),
        insight="a log is read, not consumed; what moves is the reader's own mark.",
        check=check_finds,
        misconceptions=(1,),
        traps=(
            (
                "def finds(written, a, b):\n    return written - a, written - a",
                "reading a record takes it out",
            ),
        ),
    ),
    Exercise(
        id="1.2",
        title="Which number do they get?",
        kind="code",
        statement="""Records are sent to the partitions `[0, 2, 2, 1, 2]` of an empty topic. Write
`offsets(partitions)`: the offset each of them gets.""",
        name="offsets",
        stub="def offsets(partitions):\n    ...",
        solution="""def offsets(partitions):
    return [partitions[:n].count(partition) for n, partition in enumerate(partitions)]""",
        hints=(
            "How many cells are called 0?",
            "There is a counter for each partition.",
            "How often did this partition occur before this place?",
        ),
        insight="an offset is a position in one partition.",
        check=check_offsets,
        misconceptions=(2,),
        traps=(
            (
                "def offsets(partitions):\n    return list(range(len(partitions)))",
                "one counter a partition",
            ),
        ),
    ),
    Exercise(
        id="1.3",
        title="The first line out of turn",
        kind="moment",
        statement="""`cluster, written = scenario("01").story(seed)` writes six lines and lets Bert
read them. Find the first step after which Bert has handed over a line, but not one written before
it; for both seeds in the cell. The facts `RecordsHandedOver` have `partition`, `first` and `last`.""",
        name="out_of_turn",
        stub='out_of_turn = {seed: ... for seed in scenario("01").INVERTING}',
        solution="""def first_out_of_turn(seed):
    cluster, written = scenario("01").story(seed)
    order = {(m.partition(), m.offset()): n for n, m in enumerate(written)}
    has = set()
    for step, fact in cluster.trace.facts("RecordsHandedOver"):
        has |= {order[fact.partition, offset] for offset in range(fact.first, fact.last + 1)}
        if max(has) >= len(has):
            return step.seq

out_of_turn = {seed: first_out_of_turn(seed) for seed in scenario("01").INVERTING}""",
        hints=(
            "Watch the flags that leave, not the pills that arrive.",
            "Two columns are involved.",
            "Walk the RecordsHandedOver facts and keep the set of lines that Bert has.",
        ),
        insight="the brokers had them in order; only the reader's way is without order.",
        check=check_inversion,
        misconceptions=(2,),
        traps=(("out_of_turn = {seed: 10 for seed in scenario('01').INVERTING}", "order of time"),),
    ),
    Exercise(
        id="1.4",
        title="Whose story?",
        kind="code",
        statement="""Choose the key: `key_of(line)` gets a line with `host`, `service`,
`request_id`, `level`, `text`. No delay may tear the story of one request, and at least two columns
must carry load. Sixty lines that you have not seen will be sent.""",
        name="key_of",
        stub="def key_of(line):\n    return None",
        solution="def key_of(line):\n    return line.request_id",
        hints=(
            "What must not overtake what?",
            "It is a column of the file.",
            "Seven letters, an underscore, two letters.",
        ),
        insight="what must keep its order shares a key.",
        check=check_key,
        misconceptions=(2,),
        traps=(
            ("def key_of(line):\n    return line.host", "Delay one answer"),
            ("def key_of(line):\n    return 'all'", "the others have none"),
        ),
    ),
    Exercise(
        id="1.5",
        title="The reader that prints nothing",
        kind="config",
        statement="""Nine lines are in the topic, and a reader of a new group with this config gets
none of them. Add one setting.""",
        name="reader_config",
        stub='reader_config = {"group.id": "newcomer"}',
        solution='reader_config = {"group.id": "newcomer", "auto.offset.reset": "earliest"}',
        hints=(
            "Where does a reader without a mark begin?",
            "There is a policy for it, and its default is latest.",
            "auto.offset.reset",
        ),
        insight="a group without a mark begins at the end, unless you say otherwise.",
        check=check_reader,
        misconceptions=(13,),
        traps=(('reader_config = {"auto.offset.reset": "latest"}', "got 0 of the 9"),),
    ),
    Exercise(
        id="1.6",
        title="Two keys, one column",
        kind="code",
        statement="""Write `partner(key, n)`: another key that shares the partition of `key` when a
topic has `n` partitions.""",
        name="partner",
        stub="def partner(key, n):\n    ...",
        solution="""def partner(key, n):
    from kinaction.client.murmur2 import murmur2
    column = lambda text: (murmur2(text.encode()) & 0x7FFFFFFF) % n
    return next(other for i in range(10_000) if column(other := f"{key}{i}") == column(key))""",
        hints=(
            "Try names until one fits.",
            'f"{key}{i}" for i = 0, 1, 2 … are names enough.',
            "Ask a scratch topic with n partitions, or murmur2 in kinaction.client.murmur2.",
        ),
        insight="same key, same column; same column does not mean same key.",
        check=check_partner,
        traps=(
            ("def partner(key, n):\n    return 'login'", "depends on the number of partitions"),
        ),
    ),
    Exercise(
        id="1.7",
        title="After the minute",
        kind="code",
        statement="""`count` lines lay in a one-partition topic until retention removed them all.
Return a dict: `log_start`, `log_end`, `next_offset` (of the next line), `lines_seen` (by a reader
that comes now, before that line).""",
        name="emptied",
        stub="def emptied(count):\n    ...",
        solution="""def emptied(count):
    return {"log_start": count, "log_end": count, "next_offset": count, "lines_seen": 0}""",
        hints=(
            "Nothing is renumbered.",
            "The log is empty: its start is its end.",
            "Its end was `count` before, and it still is.",
        ),
        insight="time removes, readers do not, and no number is given twice.",
        check=check_retention,
        misconceptions=(1, 22),
        traps=(
            (
                "def emptied(count):\n    return dict(log_start=0, log_end=0, next_offset=0, "
                "lines_seen=0)",
                "promises to readers",
            ),
        ),
    ),
    Exercise(
        id="1.9",
        title="The viewer that loses lines",
        kind="repair",
        statement="""The log viewer shows fewer lines than the log has. Repair its loop so that
`view(consumer, count)` returns every value, in order.""",
        name="view",
        stub="""def view(consumer, count):
    latest = {}
    for message in scenario("01").read(consumer, count):
        latest[message.key()] = message.value()
    return list(latest.values())""",
        solution="""def view(consumer, count):
    return [message.value() for message in scenario("01").read(consumer, count)]""",
        hints=(
            "What does a dict do with a key that it has?",
            "You want all of them, so you want a list.",
            "Append every value.",
        ),
        insight="a log is not a table; it can become one, and chapter 12 does that.",
        check=check_viewer,
        traps=(
            (
                "def view(consumer, count):\n    return "
                "{m.value() for m in scenario('01').read(consumer, count)}",
                "Two equal lines are two events",
            ),
        ),
    ),
)
