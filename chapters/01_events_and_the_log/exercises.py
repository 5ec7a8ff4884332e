"""Exercises and predictions of chapter 01."""

import random
import runpy
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kinaction
from kinaction.course import (
    BadAnswer,
    Choice,
    Exercise,
    Prediction,
    Verdict,
    scenario,
    solved,
    unanswered,
    with_keys,
    wrong,
)
from kinaction.course.lines import rows

runs = scenario("01")
TOPIC = runs.TOPIC
SEEDS = (1, 2, 3, 4, 5)
QUEUE = "a reader takes records out, as from a queue"
TABLE = "a log is a table: the newest value of a key wins"


def some_lines(count: int, services: Sequence[str] = ("shop", "auth", "search")) -> list[Any]:
    """Lines that differ in nothing but their number and service."""
    return [
        SimpleNamespace(at_ms=10 * n, service=services[n % len(services)], request_id=f"r{n}",
                        level="INFO", text=f"line {n}")
        for n in range(count)
    ]


def log_ends(cluster: Any) -> list[int]:
    """How far the log of each partition goes, as its leader has it."""
    return [
        cluster.trace.state[cluster.leader(TOPIC, p)][f"partitions/{TOPIC}-{p}/log_end_offset"]
        for p in range(3)
    ]


# -- 1.1, 1.A, 1.G: reading --------------------------------------------------------------------


def found_by_a_newcomer(written: int, read_by_a: int, read_by_b: int, seed: int) -> tuple[int, int]:
    """What group C finds after A and B have read so much, and what the brokers hold."""
    cluster = runs.written(seed, some_lines(written))
    for group, count in (("a", read_by_a), ("b", read_by_b)):
        if count:
            runs.reader(cluster, group).consume(count, timeout=20)
    found = runs.reader(cluster, "c").consume(written + 1, timeout=5)
    return len(found), sum(len(cluster.log(TOPIC, p)) for p in range(3))


def check_finds(finds: Callable[[int, int, int], Any]) -> Verdict:
    """1.1: five triples, each run with real groups."""
    for seed, triple in enumerate(((9, 9, 0), (9, 4, 2), (6, 0, 0), (5, 5, 5), (8, 8, 3)), 1):
        said = finds(*triple)
        if said is None:
            return unanswered()
        if not isinstance(said, tuple | list) or len(said) != 2:
            raise BadAnswer(f"two numbers are expected, like (9, 9), not {said!r}")
        truth = found_by_a_newcomer(*triple, seed)
        if tuple(said) != truth:
            return wrong(finds_reply(triple, tuple(said), truth), misconception=1,
                         see="the columns between Anna's first read and her last: no cell changes")
    return solved()


def finds_reply(triple: tuple[int, int, int], said: Any, truth: tuple[int, int]) -> str:
    """What the run shows against this answer."""
    written, by_a, by_b = triple
    found = (f"{written} lines written, {by_a} read by A and {by_b} by B: C found {truth[0]} and "
             f"the brokers hold {truth[1]}, not {said[0]} and {said[1]}.")
    if said[0] in (written - by_a, written - by_a - by_b) and said[0] != written:
        return f"{found} You treat it as a queue. A's mark is A's, and C has none yet."
    return f"{found} C begins at the start of the log, whatever the others did."


def bert_finds() -> str:
    """1.A: what the second reader finds."""
    found = found_by_a_newcomer(9, 9, 0, seed=7)[0]
    return "some of them" if 0 < found < 9 else str(found)


AGAIN = (
    "an error: these lines were read already", "the first line of partition 2 again",
    "the first line of partition 2, and Anna gets it again too")


def read_again() -> str:
    """1.G: what a reader gets that goes back to the beginning of partition 2."""
    cluster = runs.written(7, rows("01/server_lines.csv")[:9])
    anna, bert = runs.reader(cluster, "anna"), runs.reader(cluster, "bert")
    for one in (anna, bert):
        one.consume(9, timeout=20)
    try:
        bert.seek(kinaction.TopicPartition(TOPIC, 2, 0))
        first = bert.poll(5.0)
    except kinaction.KafkaError:
        return AGAIN[0]
    assert first.value() == cluster.log(TOPIC, 2)[0].value
    return AGAIN[2] if anna.poll(5.0) else AGAIN[1]


# -- 1.2, 1.9, 1.B: the number under a record --------------------------------------------------


def check_offsets(offsets: Callable[[list[int]], Any]) -> Verdict:
    """1.2: twenty random sequences of partitions, compared with delivery reports."""
    dice = random.Random(12)
    cluster = kinaction.Cluster(brokers=3, seed=1)
    for round_ in range(20):
        count = 1 + round_ % 5
        listed = [int(dice.random() * count) for _ in range(3 + round_ % 6)]
        if round_ == 0:
            listed, count = [0, 2, 2, 1, 2], 3
        said = offsets(list(listed))
        if said is None:
            return unanswered()
        truth = offsets_given(cluster, f"round-{round_}", count, listed)
        if list(said) != truth:
            return offsets_reply(listed, list(said), truth)
    return solved()


def offsets_given(cluster: Any, topic: str, count: int, partitions: list[int]) -> list[int]:
    """The offsets that records sent to these partitions of a new topic really get."""
    cluster.create_topic(topic, partitions=count, replication_factor=3)
    producer = cluster.clients.get("producer-1") or cluster.producer()
    reports: list[int] = []
    for partition in partitions:
        producer.produce(topic, value="x", partition=partition,
                         on_delivery=lambda _, message: reports.append(message.offset()))
        producer.flush()
    return reports


def offsets_reply(listed: list[int], said: list[Any], truth: list[int]) -> Verdict:
    """What the delivery reports say against this answer."""
    found = f"offsets({listed}): the brokers gave {truth}, not {said}."
    if said == list(range(len(listed))):
        return wrong(
            f"{found} That is one counter for the topic. There is one for each partition: "
            f"{truth.count(0)} records got number 0.",
            misconception="a topic counts its records", see="the cells named 0, one in each column")
    if said == [number + 1 for number in truth]:
        return wrong(f"{found} The first record of a partition has number 0.")
    return wrong(f"{found} How many records stood in that partition before?",
                 see="the cells of one column, from left to right")


def check_viewer(view: Callable[[Any, int], Any]) -> Verdict:
    """1.9: every record is an event, equal ones too."""
    for seed in SEEDS:
        dice = random.Random(seed)
        lines = [
            SimpleNamespace(at_ms=0, request_id="r", level="INFO",
                            service=("shop", "auth")[int(dice.random() * 2)],
                            text=("start", "stop")[int(dice.random() * 2)])
            for _ in range(9)
        ]
        cluster = runs.written(seed, lines, partitions=1)
        kept = [record.value for record in cluster.log(TOPIC)]
        seen = view(runs.reader(cluster, "viewer"), 9)
        if seen is None:
            return unanswered()
        if list(seen) != kept:
            return viewer_reply(list(seen), kept)
    return solved()


def viewer_reply(seen: list[Any], kept: list[bytes]) -> Verdict:
    """What the log has that the viewer does not show."""
    if Counter(seen) == Counter(kept):
        return wrong("all lines are there, in another order than the log has.",
                     misconception="the order of a log can be made again later",
                     see="the cells from left to right: that is the order")
    most = Counter(kept).most_common(1)[0]
    return wrong(
        f"the log has {len(kept)} records, your viewer shows {len(seen)}. “{most[0].decode()}” "
        f"stands there {most[1]} times: two equal lines are two events.",
        misconception=TABLE, see="the cells of column 0: there are nine")


def one_lane_cells() -> str:
    """1.B: how many cells four sends make."""
    texts = ("start", "login anna", "login anna", "stop")
    lines = [SimpleNamespace(at_ms=0, service="web", request_id="", level="", text=text)
             for text in texts]
    return str(len(runs.written(7, lines, partitions=1).log(TOPIC)))


# -- 1.3, 1.C, 1.D: order ----------------------------------------------------------------------


def handed_over(cluster: Any) -> list[tuple[int, int]]:
    """(step, time of the line) of every line that Bert was handed, in his order."""
    return [
        (step.seq, int(cluster.log(TOPIC, fact.partition)[offset].value.split()[0]))
        for step, fact in cluster.trace.facts("RecordsHandedOver") if fact.topic == TOPIC
        for offset in range(fact.first, fact.last + 1)
    ]


def lacks(times: list[int], has: list[int]) -> list[int]:
    """The lines that are missing although a later one is there."""
    return [at for at in times if at not in has and at < max(has, default=-1)]


def first_inversion(cluster: Any) -> int:
    """The first step after which Bert has a line, but not one that was written before it."""
    moments = handed_over(cluster)
    times, has = sorted(at for _, at in moments), []
    for seq, at in moments:
        has.append(at)
        if lacks(times, has):
            return seq
    raise AssertionError("Bert met every line in its turn")


def check_inversion(moments: Any) -> Verdict:
    """1.3: the step, under two seeds."""
    for seed, said in with_keys(moments, runs.INVERTING).items():
        cluster = runs.story(seed)
        if not isinstance(said, int):
            raise BadAnswer(f"a step is a whole number, not {said!r}")
        if said != first_inversion(cluster):
            return inversion_reply(cluster, said, f"seed {seed}, step {said}")
    return solved()


def inversion_reply(cluster: Any, said: int, where: str) -> Verdict:
    """What Bert has at this step."""
    appended = [step.seq for step, _ in cluster.trace.facts("HighWatermarkAdvanced")]
    handed = handed_over(cluster)
    times, has = sorted(at for _, at in handed), [at for seq, at in handed if seq <= said]
    if said <= appended[-1]:
        return wrong(
            f"{where}: here a line is being appended. The brokers had them in the order of time, "
            "each waited for the one before. Look at the reader's door.",
            misconception=2, see="the flags that fly east, not the blue pills")
    listed = ", ".join(map(str, sorted(has))) or "no line"
    if not lacks(times, has):
        return wrong(f"{where}: Bert has {listed} (ms), and misses none before these. Go on.",
                     see="the next flag that arrives")
    return wrong(
        f"{where}: Bert has {listed} (ms) and not {lacks(times, has)[0]}. True, but it was not the "
        "first time: such a thing happened before.",
        misconception=2, see="the steps in which Bert hands over a record")


ORDERS = (
    "1 2 3 4 5 6, always", "always in one order, but another one",
    "it depends; only the lines of one partition keep their order")


def reading_order() -> str:
    """1.C: the orders in which Bert reads six lines, under three seeds."""
    lines = rows("01/server_lines.csv")[:6]
    seen = []
    for seed in runs.LESSON_SEEDS:
        read = runs.reader(runs.written(seed, lines), "bert").consume(6, timeout=20)
        assert runs.torn(read, lambda message: message.partition()) is None
        seen.append([runs.ms_of(message) for message in read])
    if all(order == sorted(order) for order in seen):
        return ORDERS[0]
    return ORDERS[1] if all(order == seen[0] for order in seen) else ORDERS[2]


def delay_within_a_partition() -> str:
    """1.D: whether any delay of any answer turns two lines of one partition round."""
    lines = rows("01/server_lines.csv")[:6]
    runs_of_bert = runs.every_delay(lambda: runs.written(8, lines), 6)
    found = [runs.torn(read, lambda message: message.partition()) for read in runs_of_bert]
    return "yes, with the right delay" if any(found) else "no, with no delay"


# -- 1.6, 1.E: keys ----------------------------------------------------------------------------


def check_partner(partner: Callable[[str, int], Any]) -> Verdict:
    """1.6: another key in the same column, for keys and numbers of partitions not in the text."""
    for key, count in (("search", 3), ("search", 4), ("tram-7", 3), ("Zoë", 12), ("a", 4)):
        other = partner(key, count)
        if other is None:
            return unanswered()
        if not isinstance(other, str):
            raise BadAnswer(f"a key is a text here, not {other!r}")
        if other == key:
            return wrong(f"partner({key!r}, {count}) is the same key; another one is asked for.")
        where = runs.columns_of((key, other), partitions=count)
        if where[key] != where[other]:
            return partner_reply(key, other, count, where)
    return solved()


def partner_reply(key: str, other: str, count: int, where: dict[str, int]) -> Verdict:
    """Where the two keys go, and where they went with three partitions."""
    with_three = runs.columns_of((key, other))
    shared = f" With 3 partitions they share {with_three[key]}." * (
        with_three[key] == with_three[other])
    return wrong(
        f"with {count} partitions {key!r} is in {where[key]} and {other!r} in {where[other]}."
        f"{shared} The hash is taken modulo the number of partitions.",
        misconception="keys that share a column belong together",
        see="the delivery reports of both keys")


FOURTH = ("it is refused", "it takes turns", "it shares a partition with another key, for good")


def fourth_key() -> str:
    """1.E: what becomes of the fourth key of three partitions."""
    keys = ("shop", "auth", "search", "login")
    found = [runs.columns_of(keys, seed) for seed in runs.LESSON_SEEDS]
    if any(len(where) < 4 for where in found):
        return FOURTH[0]
    return FOURTH[2] if all(where == found[0] for where in found) else FOURTH[1]


# -- 1.4, 1.F: which key -----------------------------------------------------------------------


def unseen_lines(seed: int) -> list[Any]:
    """Sixty lines of twenty requests that are not in the file."""
    make = runpy.run_path(str(Path(__file__).parent / "make_data.py"))["server_lines"]
    made = make(requests=20, seed=100 + seed, failing=7)
    return [SimpleNamespace(**row) for row in made]


def check_key(key_of: Callable[[Any], Any]) -> Verdict:
    """1.4: no request may be torn by any delay, and at least two columns carry load."""
    for seed in SEEDS[:3]:
        lines = unseen_lines(seed)
        if any(key_of(line) is None for line in lines):
            return unanswered()
        verdict = judge_key(seed, lines, key_of)
        if not verdict.solved:
            return verdict
    return solved()


def judge_key(seed: int, lines: list[Any], key_of: Callable[[Any], Any]) -> Verdict:
    """Try every delay of one answer to the reader; then look how the load is spread."""
    for read in runs.every_delay(
        lambda: runs.written(seed, lines, key=key_of, at_once=True), len(lines)
    ):
        pair = runs.torn(read, runs.request_of)
        if pair is not None:
            return wrong(
                f"seed {seed}: of request {runs.request_of(pair[0])} the reader met "
                f"“{said(pair[0])}” before “{said(pair[1])}”. They lie in the columns "
                f"{pair[0].partition()} and {pair[1].partition()}, and an answer was late.",
                misconception=2, see="the keys of these two lines: they differ")
    load = Counter(message.partition() for message in read)
    if len(load) < 2:
        return wrong(
            f"the order is kept, but column {read[0].partition()} has all {len(read)} lines and "
            "the two others have none.",
            misconception="order needs one column for everything",
            see="the columns after all lines are written")
    return solved()


def said(message: Any) -> str:
    """The line of a message."""
    return str(message.value().decode())


KEYS = ("host", "level", "request_id", "the same key for all")


def best_key() -> str:
    """1.F: the key under which no request is torn and the load spreads."""
    lines = rows("01/server_lines.csv")
    keys: tuple[Callable[[Any], Any], ...] = (
        lambda line: line.host, lambda line: line.level, lambda line: line.request_id,
        lambda _: "all")
    good = [name for name, key in zip(KEYS, keys, strict=True)
            if judge_key(8, list(lines), key).solved]
    return ", ".join(good)


# -- 1.8: an attack on the order ---------------------------------------------------------------


def check_overtake(answer: Any) -> Verdict:
    """1.8: one delay that turns cause and effect round, and a setting that it does no harm to."""
    overtake, safe = answer
    if overtake is ... or safe is ... or safe is None:
        return unanswered()
    if not isinstance(safe, dict) or not safe or not set(safe) <= {"partitions", "key"}:
        raise BadAnswer('safe is a dict like {"partitions": 2} or {"key": "level"}, '
                        f"not {safe!r}")
    verdict = judge_overtake(overtake)
    return judge_safe(overtake, safe) if verdict.solved else verdict


def judge_overtake(overtake: Callable[[Any], Any]) -> Verdict:
    """Whether the attack makes Bert meet the ERROR before the login in some run, by its delay."""
    caused, delays = 0, 0
    for seed in SEEDS:
        twin = too_early(runs.written(seed, at_once=True), None)
        cluster = runs.written(seed, at_once=True)
        early = too_early(cluster, overtake)
        others = [fact for _, fact in cluster.trace.facts(*OTHER_FAULTS)]
        held = len(list(cluster.trace.facts("MessageDelayed")))
        if others or held > 1:
            return wrong(f"seed {seed}: one delay is allowed, and no other fault.")
        caused += early and not twin
        delays += held
    if caused:
        return solved()
    if not delays:
        return unanswered_or_late()
    return wrong(
        "Bert met the login before the ERROR, whatever you held up, or he meets it too late "
        "without you as well. The login's answer has to be late, and the ERROR's not.",
        misconception="any delay does it", see="which broker sends Bert the login's column")


OTHER_FAULTS = ("MessageDropped", "MessageDuplicated", "LinkCut", "NodeCrashed", "NodePaused")


def unanswered_or_late() -> Verdict:
    """The reply to an attack that held up nothing."""
    return wrong(
        "nothing was held up. When your attack begins, all lines are written: a Produce request "
        "does not come any more. (Had you delayed one before, the line would have been *appended* "
        "later, and no reader been fooled.) What is still to come are the answers to Bert's "
        "fetches.",
        misconception="the order is lost on the way in",
        see="the flags that fly east to Bert")


def too_early(cluster: Any, overtake: Callable[[Any], Any] | None) -> bool:
    """Whether Bert, who reads all lines after the attack, meets the ERROR before its login."""
    bert = runs.reader(cluster, "bert")
    if overtake is not None:
        overtake(cluster)
    read = bert.consume(24, timeout=30)
    places = {runs.ms_of(message): at for at, message in enumerate(read)}
    story = [line for line in rows("01/server_lines.csv") if line.request_id == "r7"]
    assert len(places) == len(read) == 24
    return places[story[-1].at_ms] < places[story[0].at_ms]


def judge_safe(overtake: Callable[[Any], Any], safe: dict[str, Any]) -> Verdict:
    """Whether the attack, and any other delay, does no harm under this setting."""
    for seed in SEEDS[:3]:
        try:
            is_torn = too_early(runs.written(seed, at_once=True, **safe), overtake)
        except kinaction.KafkaError:
            is_torn = False  # it aims at a partition that is not there
        reads = runs.every_delay(
            lambda seed=seed: runs.written(seed, at_once=True, **safe), 24)  # type: ignore[misc]
        if is_torn or any(order_of_r7(read) for read in reads):
            return wrong(
                f"the attack works. But under {safe!r} and seed {seed} Bert can still be made to "
                "meet the ERROR before the login: they lie in two columns.",
                misconception=2, see="the columns of the lines of r7 under your setting")
    return solved()


def order_of_r7(read: Sequence[Any]) -> bool:
    """Whether the ERROR of r7 comes before its login."""
    mine = [runs.ms_of(message) for message in read if runs.request_of(message) == "r7"]
    return mine.index(max(mine)) < mine.index(min(mine))


# -- 1.5: a reader that prints nothing ---------------------------------------------------------


def check_reader(config: Any) -> Verdict:
    """1.5: a fresh group with this config reads the nine lines that are there."""
    if not isinstance(config, dict):
        raise BadAnswer("a dict of consumer settings is expected")
    if config == {"group.id": "newcomer"}:
        return unanswered()
    for seed in (1, 2, 3):
        cluster = runs.written(seed, some_lines(9))
        try:
            consumer = cluster.consumer({**config, "group.id": f"fresh-{seed}"})
        except kinaction.KafkaError as problem:
            raise BadAnswer(str(problem).partition(": ")[2]) from None
        consumer.subscribe([TOPIC])
        count = len(consumer.consume(9, timeout=10))
        if count != 9:
            return wrong(
                f"seed {seed}: the reader got {count} of the 9 lines. A reader without a mark "
                "begins where its reset policy says, and when nothing is said that is the end.",
                misconception=13,
                see="the mark ◢ of the reader: it stands at the end before he reads")
    return solved()


# -- 1.7, 1.H: retention -----------------------------------------------------------------------

RETENTION_KEYS = ("log_start", "log_end", "next_offset", "lines_seen")


def after_retention(count: int, retention_ms: int, seed: int) -> dict[str, int]:
    """What is there after `count` lines were left alone for longer than their retention."""
    cluster = runs.prepared(seed, partitions=1, retention_ms=retention_ms)
    runs.write(cluster, some_lines(count))
    cluster.run(seconds=retention_ms // 1000 + 20)
    path = f"partitions/{TOPIC}-0/"
    state = cluster.trace.state[cluster.leader(TOPIC, 0)]
    start, end = state[path + "log_start_offset"], state[path + "log_end_offset"]
    seen = len(runs.reader(cluster, "late").consume(1, timeout=5))
    return {"log_start": start, "log_end": end, "lines_seen": seen,
            "next_offset": runs.write(cluster, some_lines(1))[0].offset()}


def check_retention(emptied: Any) -> Verdict:
    """1.7: a function of the number of lines, run for three counts and two retention times."""
    for count, retention_ms, seed in ((6, 60_000, 7), (1, 60_000, 2), (9, 120_000, 3)):
        answer = emptied(count)
        if answer is None:
            return unanswered()
        if not isinstance(answer, dict) or set(answer) != set(RETENTION_KEYS):
            raise BadAnswer(f"a dict with the keys {', '.join(RETENTION_KEYS)} is expected")
        truth = after_retention(count, retention_ms, seed)
        for key in RETENTION_KEYS:
            if answer[key] != truth[key]:
                return retention_reply(count, key, answer[key], truth[key])
    return solved()


def retention_reply(count: int, key: str, answer: Any, truth: int) -> Verdict:
    """What the run says to one wrong number."""
    found = f"{count} lines, and their time is over: {key} is {truth}, not {answer}."
    if key == "lines_seen":
        return wrong(f"{found} Whether somebody has read them makes no difference.",
                     misconception="what nobody has read is kept",
                     see="the column after the minute: it is empty")
    if key == "log_start":
        return wrong(f"{found} The log starts behind what is gone.",
                     misconception="an empty log begins at 0 again",
                     see="the fact LogStartMoved")
    return wrong(
        f"{found} Numbers are promises to readers. Were one given twice, Anna's mark {truth} "
        "would mean another line.",
        misconception="an empty log begins at 0 again", see="the cell that is written next")


GOES = (
    "they are still there: nobody has read them", "they are gone, and the next line gets offset 0",
    "they are gone, and the next line gets offset 6")


def after_the_minute() -> str:
    """1.H: whether the lines are there, and the next offset."""
    found = after_retention(6, 60_000, 7)
    if found["log_start"] < found["log_end"]:
        return GOES[0]
    return GOES[1] if found["next_offset"] == 0 else GOES[2]


NOTICES = ("the web shop: its writes slow down", "watch: it gets nothing any more", "nobody")


def who_notices() -> str:
    """1.I: what changes for writer and readers when one reader dies."""
    cluster = runs.written(7)
    watch, audit = runs.reader(cluster, "watch"), runs.reader(cluster, "audit")
    for one in (watch, audit):
        one.consume(24, timeout=20)
    before_ms = time_to_write(cluster)
    cluster.kill(audit)
    after_ms = time_to_write(cluster)
    if after_ms > before_ms + 100:
        return NOTICES[0]
    return NOTICES[2] if len(watch.consume(2, timeout=5)) == 2 else NOTICES[1]


def time_to_write(cluster: Any) -> int:
    """How long a line takes until it is acknowledged."""
    begun_ms = cluster.now_ms
    runs.write(cluster, some_lines(1))
    return int(cluster.now_ms - begun_ms)


PREDICTIONS = (
    Prediction(
        id="1.A",
        question="Anna has read all nine lines. How many does Bert find?",
        choices=(
            Choice(text="0", reply="Nothing left any column.", misconception=1),
            Choice(text="some of them", reply="Only the members of one group share the work, and "
                   "Bert has a group of his own.", misconception=QUEUE),
            Choice(text="9", reply="Reading changes nothing on a broker."),
        ),
        truth=bert_finds,
    ),
    Prediction(
        id="1.B",
        question="Four sends, one key, and two of them are equal. How many cells has the column "
        "then?",
        choices=(
            Choice(text="1", reply="A log keeps every one of them.", misconception=TABLE),
            Choice(text="3", reply="Two equal lines are two events.",
                   misconception="equal records are merged"),
            Choice(text="4", reply="No record is ever merged with another, or replaced by it."),
        ),
        truth=one_lane_cells,
    ),
    Prediction(
        id="1.C",
        question="Six lines in three partitions, written in the order 1 to 6. In which order does "
        "Bert read them?",
        choices=(
            Choice(text=ORDERS[0], reply="Compare the seeds.", misconception=2),
            Choice(text=ORDERS[1], reply="Compare the seeds.",
                   misconception="a client sorts what it gets"),
            Choice(text=ORDERS[2],
                   reply="Three brokers answer him, each as fast as it can."),
        ),
        truth=reading_order,
    ),
    Prediction(
        id="1.D",
        question="Can a delay make Bert read two lines of ONE partition in the wrong order?",
        choices=(
            Choice(text="yes, with the right delay",
                   reply="Every answer to him was held up in turn, and it never came to that.",
                   misconception="on a network everything can overtake everything"),
            Choice(text="no, with no delay",
                   reply="He asks for what comes next only when he has what came before."),
        ),
        truth=delay_within_a_partition,
    ),
    Prediction(
        id="1.E",
        question="Four keys, three partitions. What becomes of the fourth?",
        choices=(
            Choice(text=FOURTH[0], reply="Any number of keys may share a partition.",
                   misconception="a partition belongs to one key"),
            Choice(text=FOURTH[1], reply="A key stays where its hash says.", misconception=6),
            Choice(text=FOURTH[2], reply="Under every seed, in every cluster."),
        ),
        truth=fourth_key,
    ),
    Prediction(
        id="1.F",
        question="Which key keeps the story of one request in order, and still spreads the load?",
        choices=(
            Choice(text=KEYS[0], reply="One request visits more than one host."),
            Choice(text=KEYS[1], reply="The ERROR and its INFO lines would part."),
            Choice(text=KEYS[2], reply="What must not overtake each other, shares a key."),
            Choice(text=KEYS[3], reply="All in order, and one column does all the work."),
        ),
        truth=best_key,
    ),
    Prediction(
        id="1.G",
        question="Bert has read everything. Now he goes back to offset 0 of partition 2. What does "
        "he get?",
        choices=(
            Choice(text=AGAIN[0], reply="A log can be read as often as one likes.",
                   misconception=1),
            Choice(text=AGAIN[1], reply="As often as he likes."),
            Choice(text=AGAIN[2], reply="Anna's mark is Anna's.",
                   misconception="all readers share one mark"),
        ),
        truth=read_again,
    ),
    Prediction(
        id="1.H",
        question="Six lines, kept for a minute, and nobody reads them. What is after 150 seconds?",
        choices=(
            Choice(text=GOES[0], reply="Their time was over, read or not.",
                   misconception="what nobody has read is kept"),
            Choice(text=GOES[1], reply="A number that was given is not given again.",
                   misconception="an empty log begins at 0 again"),
            Choice(text=GOES[2], reply="Time has removed them; the count goes on."),
        ),
        truth=after_the_minute,
    ),
    Prediction(
        id="1.I",
        question="`audit` is dead. Who notices?",
        choices=(
            Choice(text=NOTICES[0], reply="It does not know who reads.",
                   misconception="a writer waits for its readers"),
            Choice(text=NOTICES[1], reply="Readers do not know one another.",
                   misconception="readers stand in one queue"),
            Choice(text=NOTICES[2], reply="Writers and readers know the log, not each other."),
        ),
        truth=who_notices,
    ),
)

EXERCISES = (
    Exercise(
        id="1.1",
        title="What the newcomer finds",
        kind="predict",
        statement="""`written` lines were written. Group A has read `read_by_a` of them, group B
`read_by_b`. Return two numbers: how many a new group C finds, which begins at the earliest, and how
many the brokers still hold.""",
        name="finds",
        stub="def finds(written, read_by_a, read_by_b):\n    ...",
        solution="def finds(written, read_by_a, read_by_b):\n    return written, written",
        hints=(
            "What changed in the columns when Anna read?",
            "C has no mark yet, and A's mark is A's.",
            "Both numbers are the same, and neither A nor B is in them.",
        ),
        insight="a log is read, not consumed. What moves is the reader's own mark.",
        check=check_finds,
        misconceptions=(1,),
        traps=(
            ("def finds(written, a, b):\n    return written - a, written - a",
             "You treat it as a queue"),
            ("def finds(written, a, b):\n    return written, written - a - b",
             "reading a record takes it out"),
            ("def finds(written, a, b):\n    return written", "two numbers are expected"),
        ),
    ),
    Exercise(
        id="1.2",
        title="Which numbers do they get?",
        kind="code",
        statement="""Records are sent, one after the other, to the partitions `[0, 2, 2, 1, 2]` of
an empty topic. Write `offsets(partitions)`: the list of the offsets that they get.""",
        name="offsets",
        stub="def offsets(partitions):\n    ...",
        solution="""def offsets(partitions):
    return [partitions[:n].count(partition) for n, partition in enumerate(partitions)]""",
        hints=(
            "How many cells are called 0?",
            "There is a counter for each partition. A dict that begins at 0 will do.",
            "How often did this partition come before this place in the list?",
        ),
        insight="an offset is a position in one partition.",
        check=check_offsets,
        misconceptions=(2,),
        traps=(
            ("def offsets(partitions):\n    return range(len(partitions))",
             "That is one counter for the topic"),
            ("""def offsets(partitions):
    return [partitions[:n + 1].count(p) for n, p in enumerate(partitions)]""",
             "has number 0"),
            ("def offsets(partitions):\n    return partitions", "How many records stood in"),
        ),
    ),
    Exercise(
        id="1.3",
        title="The first line that comes too early",
        kind="moment",
        statement="""`scenario("01").story(seed)` is a run in which Bert reads the six lines with
`poll`, one at a time. Find the **first** step at which he was handed a line while he does not have
one that was written before it, under seed 7 and under seed 8. (A line begins with its time.)""",
        name="too_early",
        stub="too_early = {7: ..., 8: ...}",
        solution="""def first_too_early(run):
    times, has = [9, 31, 37, 52, 55, 57], []
    for step, fact in run.trace.facts("RecordsHandedOver"):
        line = run.log(fact.topic, fact.partition)[fact.first]
        has.append(int(line.value.split()[0]))
        if sorted(has) != times[:len(has)]:
            return step.seq

too_early = {seed: first_too_early(scenario("01").story(seed)) for seed in (7, 8)}""",
        hints=(
            "Look at the flags that fly to Bert, not at the pills.",
            "Two columns are involved: where does the line lie that he should have had?",
            'run.trace.facts("RecordsHandedOver") are the steps. Compare the times of the lines.',
        ),
        insight="order is a property of a partition. A topic has none.",
        check=check_inversion,
        misconceptions=(2,),
        traps=(
            ("""def appended(run):
    return next(run.trace.facts("HighWatermarkAdvanced"))[0].seq

too_early = {seed: appended(scenario("01").story(seed)) for seed in (7, 8)}""",
             "The brokers had them in the order of time"),
            ("""def fourth(run):
    return [step.seq for step, _ in run.trace.facts("RecordsHandedOver")][3]

too_early = {seed: fourth(scenario("01").story(seed)) for seed in (7, 8)}""",
             "it was not the first time"),
            ("""def first(run):
    return next(run.trace.facts("RecordsHandedOver"))[0].seq

too_early = {seed: first(scenario("01").story(seed)) for seed in (7, 8)}""",
             "misses none before these. Go on"),
        ),
    ),
    Exercise(
        id="1.4",
        title="A key for the story",
        kind="code",
        statement="""Write `key_of(line)`: the key under which **no** delay of any answer can tear
the story of a request, and under which at least two columns carry load. A line has `.at_ms .host
.service .request_id .level .text`.""",
        name="key_of",
        stub="def key_of(line):\n    return None",
        solution="def key_of(line):\n    return line.request_id",
        hints=(
            "Ask: what must never overtake what?",
            "It is a column of the file.",
            "Seven letters, an underscore and two letters.",
        ),
        insight="what must keep its order shares a key.",
        check=check_key,
        misconceptions=(2,),
        traps=(
            ("def key_of(line):\n    return line.host", "They lie in the columns"),
            ("def key_of(line):\n    return line.service", "They lie in the columns"),
            ("def key_of(line):\n    return line.level", "They lie in the columns"),
            ("def key_of(line):\n    return 'all'", "the two others have none"),
        ),
    ),
    Exercise(
        id="1.5",
        title="The reader that prints nothing",
        kind="config",
        statement="""Nine lines are in the topic, and a reader of a new group with this config gets
none of them. Add one setting, so that it gets all nine.""",
        name="reader_config",
        stub='reader_config = {"group.id": "newcomer"}',
        solution='reader_config = {"group.id": "newcomer", "auto.offset.reset": "earliest"}',
        hints=(
            "Where does a reader begin that has no mark?",
            "There is a reset policy for it, and its default is latest.",
            "auto.offset.reset",
        ),
        insight="a group without a mark begins at the end, unless you say otherwise.",
        check=check_reader,
        misconceptions=(13,),
        traps=(
            ('reader_config = {"group.id": "newcomer-2"}', "got 0 of the 9 lines"),
            ('reader_config = {"group.id": "newcomer", "auto.offset.reset": "latest"}',
             "begins where its reset policy says"),
            ('reader_config = {"group.id": "newcomer", "auto.offset.reset": "beginning"}',
             "auto.offset.reset"),
            ('reader_config = "earliest"', "a dict of consumer settings"),
        ),
    ),
    Exercise(
        id="1.6",
        title="Two keys, one column",
        kind="code",
        statement="""Write `partner(key, n)`: *another* key that shares the partition of `key` in a
topic with `n` partitions. `scenario("01").columns_of(["shop", "auth"], partitions=4)` asks a
scratch cluster where keys go.""",
        name="partner",
        stub="def partner(key, n):\n    ...",
        solution="""def partner(key, n):
    names = [key] + [f"{key}{number}" for number in range(20 * n)]
    column = scenario("01").columns_of(names, partitions=n)
    return next(name for name in names[1:] if column[name] == column[key])""",
        hints=(
            "Try names until one fits.",
            'f"{key}{number}" for number = 0, 1, 2 … are names enough.',
            "Send them all to a topic with n partitions, and take one that went where key went.",
        ),
        insight="same key, same column. Same column does not mean same key.",
        check=check_partner,
        traps=(
            ("def partner(key, n):\n    return 'login'", "With 3 partitions they share 2"),
            ("def partner(key, n):\n    return key", "is the same key"),
            ("def partner(key, n):\n    return 5", "a key is a text here"),
        ),
    ),
    Exercise(
        id="1.7",
        title="After the minute",
        kind="predict",
        statement="""`count` lines lay in a topic with one partition, until retention had removed
them all. Return a dict: `log_start`, `log_end`, `next_offset` (of the next line), `lines_seen` (by
a new reader from the earliest, who comes before that line).""",
        name="emptied",
        stub="def emptied(count):\n    ...",
        solution="""def emptied(count):
    return {"log_start": count, "log_end": count, "next_offset": count, "lines_seen": 0}""",
        hints=(
            "Nothing is ever renumbered.",
            "The log is empty: its start is its end.",
            "Its end was `count` before, and it still is.",
        ),
        insight="time removes records, readers do not, and no number is given twice.",
        check=check_retention,
        misconceptions=(1,),
        traps=(
            ("""def emptied(count):
    return dict(log_start=0, log_end=0, next_offset=0, lines_seen=0)""",
             "The log starts behind what is gone"),
            ("""def emptied(count):
    return dict(log_start=count, log_end=count, next_offset=0, lines_seen=0)""",
             "Numbers are promises to readers"),
            ("""def emptied(count):
    return dict(log_start=count, log_end=count, next_offset=count, lines_seen=count)""",
             "Whether somebody has read them"),
            ("def emptied(count):\n    return count", "a dict with the keys"),
        ),
    ),
    Exercise(
        id="1.8",
        title="Effect before cause",
        kind="attack",
        statement="""All 24 lines are written, keyed by service, and Bert (client `"bert"`) is about
to read them. `overtake(cluster)`: with **one** delay and nothing else, make him meet the ERROR of
`r7` before the login of `r7`. Then defend: `safe`, either `{"partitions": …}` or `{"key": …}` (a
column of the file), under which no delay whatever can do that.""",
        name="(overtake, safe)",
        stub="""def overtake(cluster):
    ...

safe = ...""",
        solution="""def overtake(cluster):
    slow = cluster.leader("kinaction_server_logs", 2)
    cluster.when(
        lambda m: m.api == "Fetch" and (m.source, m.target) == (slow, "bert"),
        lambda number: cluster.delay(number, ms=500))

safe = {"key": "request_id"}""",
        hints=(
            "Which columns hold the login and the ERROR of r7, and who leads these?",
            "Hold up an answer to Bert's fetch from the broker that leads column 2.",
            "The cell with `late.when(...)` above does it. Safe is one column, or one key.",
        ),
        insight="between two columns only luck keeps the order. Within one, the log does.",
        check=check_overtake,
        misconceptions=(2,),
        traps=(
            ("""def overtake(cluster):
    cluster.when(lambda m: m.api == "Produce", lambda n: cluster.delay(n, ms=500))

safe = {"partitions": 1}""", "nothing was held up"),
            ("""def overtake(cluster):
    slow = cluster.leader("kinaction_server_logs", 1)
    cluster.when(
        lambda m: m.api == "Fetch" and (m.source, m.target) == (slow, "bert"),
        lambda number: cluster.delay(number, ms=500))

safe = {"partitions": 1}""", "The login's answer has to be late"),
            ("""def overtake(cluster):
    slow = cluster.leader("kinaction_server_logs", 2)
    cluster.when(
        lambda m: m.api == "Fetch" and (m.source, m.target) == (slow, "bert"),
        lambda number: cluster.delay(number, ms=500))

safe = {"key": "level"}""", "they lie in two columns"),
            ("""def overtake(cluster):
    cluster.kill(cluster.leader("kinaction_server_logs", 2))

safe = {"partitions": 1}""", "one delay is allowed"),
            ("def overtake(cluster):\n    pass\n\nsafe = 'one partition'", "safe is a dict like"),
        ),
    ),
    Exercise(
        id="1.9",
        title="The viewer that loses lines",
        kind="repair",
        statement="""The log viewer shows fewer lines than the log has. Repair it, so that
`view(consumer, count)` returns every value, in order.""",
        name="view",
        stub="""def view(consumer, count):
    latest = {}
    for message in consumer.consume(count, timeout=20):
        latest[message.key()] = message.value()
    return list(latest.values())""",
        solution="""def view(consumer, count):
    return [message.value() for message in consumer.consume(count, timeout=20)]""",
        hints=(
            "What does a dict do with a key that it has already?",
            "You want all of them, so you want a list.",
            "Append every value.",
        ),
        insight="a log is not a table. It can be made into one, and chapter 12 does that.",
        check=check_viewer,
        traps=(
            ("""def view(consumer, count):
    return {m.value() for m in consumer.consume(count, timeout=20)}""",
             "two equal lines are two events"),
            ("""def view(consumer, count):
    return sorted(m.value() for m in consumer.consume(count, timeout=20))""",
             "in another order than the log has"),
        ),
    ),
)
