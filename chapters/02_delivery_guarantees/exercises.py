"""Exercises and predictions of chapter 02."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from kinaction.course import (
    BadAnswer,
    Choice,
    Exercise,
    Prediction,
    Verdict,
    fixed,
    one_of,
    scenario,
    solved,
    unanswered,
    with_keys,
    wrong,
)
from kinaction.course.observe import appends, fact_steps

SEEDS = (7, 11, 23)
runs = scenario("02")
TOPIC, FARES = runs.TOPIC, runs.FARES
M2 = FARES[1]
NOT_STORED = "an error means not stored"
ONLY_FASTER = "acks=0 is only faster"
WORLD = "exactly-once reaches the world outside"


# -- 2.1 ---------------------------------------------------------------------------------------

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "acks=0": {"acks": "0"},
    "retries=0": {"retries": 0},
    "no idempotence": {"enable.idempotence": False},
}
CASES = tuple((fault, setting) for fault in ("lost request", "lost answer") for setting in SETTINGS)


def fate(case: tuple[str, str], seed: int) -> tuple[int, str]:
    """Copies in the log, and the last report, of one of three fares under one fault."""
    values = [runs.fare(number) for number in (1, 2, 3)]
    lost = runs.Fault(values[seed % 3], is_answer=case[0] == "lost answer", is_reset=True)
    cluster = runs.faulty(SETTINGS[case[1]], values, seed, lost)
    return runs.copies(cluster, lost.value), runs.reports(cluster, lost.value)[-1]


def check_table(answer: Any) -> Verdict:
    """2.1: six cells, each the same under every seed."""
    for case, cell in with_keys(answer, CASES).items():
        if not isinstance(cell, tuple | list) or len(cell) != 2 or ... in cell:
            return unanswered(f"{case}: (copies in the log, report), such as (1, 'delivered').")
        one_of(cell[0], (0, 1, 2))
        one_of(cell[1], ("delivered", "error"))
        for seed in SEEDS:
            found = fate(case, seed)
            if found != tuple(cell):
                return judge_cell(case, seed, tuple(cell), found)
    return solved()


def judge_cell(
    case: tuple[str, str], seed: int, said: tuple[Any, ...], found: tuple[int, str]
) -> Verdict:
    """The reply to a wrong cell."""
    where = f"{case[0]}, {case[1]}, seed {seed}: {found[0]} in the log, and {found[1]!r}"
    if case[1] == "acks=0":
        return wrong(
            f"{where}. Nobody waits for an answer, so there is none to lose, and nothing to report "
            "but that it was sent.", misconception=ONLY_FASTER, see="when the report comes")
    if said[0] < found[0] and case[0] == "lost answer":
        return wrong(
            f"{where}. The fault is at the producer's end; look at the broker's lifeline, the cell "
            "is there.", misconception=NOT_STORED, see="the broker's line, before the ✕")
    if case[1] == "no idempotence":
        return wrong(
            f"{where}. It sends again until somebody answers, and without a number the broker "
            "takes a resend for something new.", misconception="a lost message is a lost record",
            see="the second request")
    return wrong(f"{where}. One try and no second one: what has arrived has arrived, and the "
                 "producer does not know.", misconception=NOT_STORED)


# -- 2.2 ---------------------------------------------------------------------------------------


def with_a_copy(seed: int) -> Any:
    """Four fares; the answer to one of them is lost in silence, without idempotence."""
    values = [runs.fare(number) for number in (1, 2, 3, 4)]
    lost = runs.Fault(values[seed % 4], is_answer=True, is_reset=False)
    return runs.faulty({"enable.idempotence": False}, values, seed, lost)


def second_copy(cluster: Any) -> tuple[int, int]:
    """The step that appended the second copy, and the one in which the producer lost patience."""
    values = [record.value for record in cluster.log(TOPIC)]
    second = next(at for at, value in enumerate(values) if value in values[:at])
    appended = next(step.seq for step, end in appends(cluster.trace, TOPIC, 0) if end == second + 1)
    timers = [step for step in cluster.trace.causes(appended)
              if type(step.event).__name__ == "TimerFired"]
    return appended, timers[-1].seq


def check_second_copy(find: Callable[[Any], Any]) -> Verdict:
    """2.2: both steps, in three runs."""
    for seed in SEEDS:
        cluster = with_a_copy(seed)
        answer = find(cluster)
        if answer is None:
            return unanswered()
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise BadAnswer(f"two steps are expected, (appended, gave_up), not {answer!r}")
        verdict = judge_second_copy(cluster, f"seed {seed}", *answer)
        if verdict is not None:
            return verdict
    return solved()


def judge_second_copy(cluster: Any, where: str, appended: Any, gave_up: Any) -> Verdict | None:
    """What is wrong with the two steps; None: nothing."""
    copy_seq, timer_seq = second_copy(cluster)
    resent = next(fact_steps(cluster.trace, "BatchResent")).seq
    if appended == resent:
        return wrong(
            f"{where}: in step {appended} it is sent a second time, and it can still be lost. The "
            "copy exists when the broker's log has it.",
            misconception="sent is stored", see=f"step {copy_seq}")
    if appended != copy_seq:
        return wrong(f"{where}: step {appended} is not the append of a fare that the log has "
                     "already.", see="the violet frame in the picture")
    if gave_up == copy_seq:
        return wrong(f"{where}: that is the effect; follow its causes back.")
    if gave_up != timer_seq:
        words = f"step {gave_up} is not where the producer ran out of patience"
        return wrong(f"{where}: {words}. Nothing arrived there: a timer fired.",
                     see=f"cluster.trace.causes({copy_seq})")
    return None


# -- 2.3 ---------------------------------------------------------------------------------------

GOALS = ("never_twice", "never_lost", "neither_and_ordered")


def check_configs(answer: Any) -> Verdict:
    """2.3: every single loss in a run of five fares, two seeds, for each of three configs."""
    given = with_keys(answer, GOALS)
    values = [runs.fare(number) for number in range(1, 6)]
    for goal in GOALS:
        if not isinstance(given[goal], Mapping):
            raise BadAnswer(f"{goal}: a producer's config is a dict, not {given[goal]!r}")
        for seed in SEEDS[:2]:
            for lost in runs.every_fault(values):
                try:
                    cluster = runs.faulty(given[goal], values, seed, lost)
                except runs.KafkaError as error:
                    return wrong(f"{goal}: no producer can be made of this: {error}")
                verdict = judge_config(cluster, values, goal, f"{goal}, seed {seed}, {lost}")
                if verdict is not None:
                    return verdict
    return solved()


def judge_config(cluster: Any, values: list[str], goal: str, where: str) -> Verdict | None:
    """Whether the goal was missed under this fault; None: it was not."""
    log = [record.value.decode() for record in cluster.log(TOPIC)]
    doubled = [value for value in values if log.count(value) > 1]
    lost = [value for value in values if value not in log]
    if doubled and goal != "never_lost":
        return wrong(
            f"{where}: {runs.short(doubled[0])} stands in the log twice. It was sent again, and "
            "it had been stored before.",
            misconception="retries are harmless", see="the second append")
    if lost and goal != "never_twice":
        told = runs.reports(cluster, lost[0])[-1]
        words = "and nobody was told" if told == "delivered" else "and the producer said so"
        more = f", and {len(lost) - 1} more behind it" if len(lost) > 1 else ""
        return wrong(f"{where}: {runs.short(lost[0])} is lost{more}, {words}.",
                     misconception=ONLY_FASTER if told == "delivered" else NOT_STORED,
                     see="who tried again")
    if goal == "neither_and_ordered" and log != values:
        order = " ".join(runs.short(value) for value in log)
        return wrong(f"{where}: the order is {order}.")
    return None


# -- 2.4, 2.5: the consumer's end --------------------------------------------------------------

GUARANTEES = ("at most once", "at least once", "exactly once")


def check_till(answer: Any) -> Verdict:
    """2.4: killed at every step between two polls, no fare goes uncharged; and its name."""
    work, guarantee = answer
    worst = 1
    for seed in SEEDS:
        steps = runs.steps_of_work(work, seed)
        if not len(steps):
            return wrong("undisturbed, this till does not get through three fares: it charges, and "
                         "commits, each of them.")
        for at in steps:
            charged = runs.crashing(work, seed, at).charged
            missing = [number for number in (1, 2, 3) if number not in charged]
            if missing:
                return wrong(
                    f"seed {seed}, the till dies after step {at}: m{missing[0]} is never charged. "
                    "The commit had said that it is done.",
                    misconception=16, see="the commit arrow and the ✕ below it")
            worst = max(worst, *(charged.count(number) for number in (1, 2, 3)))
    if guarantee is ...:
        return unanswered("the till is repaired; now name its guarantee.")
    one_of(guarantee, GUARANTEES)
    truth = GUARANTEES[1] if worst > 1 else GUARANTEES[2]
    if guarantee != truth:
        return wrong(
            f"the till is repaired. Its guarantee is another one: some crash made it charge a fare "
            f"{worst} times.", misconception=WORLD, see="a ● twice with the same name")
    return solved()


class Crash(RuntimeError):
    """The till dies here."""


class Store(dict[str, Any]):
    """A database: each call is one transaction, and a crash takes the unfinished one back."""


def check_charge(charge_once: Callable[[dict[str, Any], Any], Any]) -> Verdict:
    """2.5: what readers really got from five runs, in order and mixed; the sum is exact."""
    for seed in (1, 2, 3, 4, 5):
        fares, owed = runs.handed_over(seed)
        for order in (fares, sorted(fares, key=lambda one: -one["fare"])):
            for crash_after in (None, 0, 2, 4):
                where = f"seed {seed}, {len(fares)} fares handed over" + (
                    "" if order is fares else ", the last number first")
                verdict = judge_charge(charge_once, order, owed, crash_after, where)
                if verdict is not None:
                    return verdict
    return solved()


def judge_charge(
    charge_once: Callable[[dict[str, Any], Any], Any], fares: list[dict[str, Any]], owed: int,
    crash_after: int | None, where: str,
) -> Verdict | None:
    """Charge these fares; after a crash the last one is handed over again. None: the sum fits."""
    db = Store(cents=0)
    for number, fare in enumerate(fares):
        charge_once(dict(fare), db)
        if number == crash_after:
            db = copy.deepcopy(db)
            charge_once(dict(fare), db)
    if not isinstance(db.get("cents"), int):
        raise BadAnswer(f"db['cents'] holds {db.get('cents')!r}, not a number of cents")
    if db["cents"] == owed:
        return None
    if db["cents"] == 0:
        return wrong(f"{where}: nothing was charged. A till that starts anew has an empty db; what "
                     "it remembers must be in there.", misconception="a process lives for ever")
    if db["cents"] < owed and where.endswith("first"):
        return wrong(
            f"{where}: {owed - db['cents']} cents too little. In order it was right. A number that "
            "is lower than the last one may still be new.",
            misconception="records come in the order of their numbers")
    if db["cents"] < owed:
        return wrong(
            f"{where}: {owed - db['cents']} cents too little. Somebody bought two equal tickets, "
            "and one of them was not charged.", misconception="equal means the same",
            see="the number of each fare")
    return wrong(
        f"{where}: {db['cents'] - owed} cents too much. A fare came again, and was charged again.",
        misconception=WORLD, see="the number of each fare")


# -- 2.6, 2.7: attacks -------------------------------------------------------------------------


def check_attack(attack: Callable[[Any], Any]) -> Verdict:
    """2.6: one drop; two copies without idempotence, one with it."""
    for seed in SEEDS:
        found = []
        for config in ({"enable.idempotence": False}, {}):
            fork = attack(runs.sent(config, seed=seed))
            if fork is None:
                return unanswered()
            drops = len(list(fork.trace.facts("MessageDropped")))
            if drops != 1:
                return wrong(f"seed {seed}: {drops} messages were dropped, not one.")
            fork.run(seconds=40)
            found.append(runs.copies(fork, M2))
        if found != [2, 1]:
            return judge_attack(seed, found)
    return solved()


def judge_attack(seed: int, found: list[int]) -> Verdict:
    """The reply to an attack that does not double the record, or doubles both."""
    where = f"seed {seed}: {found[0]} without idempotence, {found[1]} with it"
    if found == [1, 1]:
        return wrong(f"{where}. It was not stored when it was lost, so the resend is the first "
                     "copy.", misconception="a lost message is a lost record",
                     see="whether the cell comes before the ✕")
    return wrong(f"{where}. It should be 2 and 1.", misconception=19)


def check_duplicates(answer: Any) -> Verdict:
    """2.7: two equal values under two numbers, by code only."""
    for attack, crashes in zip(answer, (0, 1), strict=True):
        for seed in SEEDS:
            cluster = runs.sent({}, FARES[:1], seed)
            producer = cluster.clients["producer-1"]
            attack(cluster, producer)
            cluster.run(seconds=60)
            verdict = judge_duplicates(cluster, crashes, f"{attack.__name__}, seed {seed}")
            if verdict is not None:
                return verdict
    return solved()


def judge_duplicates(cluster: Any, crashes: int, where: str) -> Verdict | None:
    """What is missing from a duplicate with idempotence; None: nothing."""
    faults = [fact for _, fact in cluster.trace.facts(
        "MessageDropped", "MessageDelayed", "MessageDuplicated", "LinkCut")]
    dead = [step.node for step, _ in cluster.trace.facts("NodeCrashed")]
    log = [record for record in cluster.log(TOPIC) if record.value == M2.encode()]
    known = next(fact_steps(cluster.trace, "DuplicateRecognised"), None)
    if not log and not faults and not dead:
        return unanswered()
    if faults:
        seen = f" recognised at step {known.seq}:" if known else ""
        return wrong(
            f"{where}:{seen} the client's own resend carries the number of the first try. Leave "
            "the network alone; who else can send it again?", misconception=19,
            see="seq in the dashed box" if known else "who sends again")
    if any(node in cluster.brokers for node in dead):
        return wrong(f"{where}: a broker was killed. Only the producer may die.")
    if len(dead) != crashes:
        return wrong(f"{where}: the producer died {len(dead)} times; {crashes} expected.")
    if any(record.producer_id < 0 for record in log):
        return wrong(f"{where}: that producer was not idempotent.")
    if len(log) != 2:
        return wrong(f"{where}: m2 is stored {len(log)} times, 2 expected.", misconception=19)
    return None


# -- 2.8 ---------------------------------------------------------------------------------------

LATE = ((10, 30), (40, 30), (40, 120))


def check_late(answer: Any) -> Verdict:
    """2.8: report, copies, and copies after a blind resend, for three pairs of clocks."""
    for case, cell in with_keys(answer, LATE).items():
        if not isinstance(cell, tuple | list) or len(cell) != 3 or ... in cell:
            return unanswered(f"{case}: (report, copies, copies after the application's resend).")
        one_of(cell[0], ("delivered", "error"))
        for seed in SEEDS:
            found = runs.late_answer(*case, seed)
            if found != tuple(cell):
                return judge_late(case, seed, tuple(cell), found)
    return solved()


def judge_late(
    case: tuple[int, int], seed: int, said: tuple[Any, ...], found: tuple[str, int, int]
) -> Verdict:
    """The reply to a wrong line."""
    where = f"answer {case[0]} s late, patience {case[1]} s, seed {seed}: {found}"
    if said[0] != found[0]:
        return wrong(
            f"{where}. There are two clocks: after request.timeout.ms (30 s) it tries again, after "
            "delivery.timeout.ms it gives up.", misconception="a timeout is the end",
            see="the producer's line at 30 s")
    if said[1] != found[1]:
        return wrong(
            f"{where}. It was appended 20 ms after it was sent, whatever was reported later.",
            misconception=NOT_STORED, see="the first append of m2")
    return wrong(
        f"{where}. The application's own resend is a new call with a new sequence.",
        misconception=19, see="the sequences in the log")


# -- predictions -------------------------------------------------------------------------------


def two_futures() -> tuple[Any, Any]:
    """Beat 1: the request lost, and the answer lost, with retries=0."""
    cluster = runs.sent({"retries": 0})
    return runs.lose(cluster, M2), runs.lose(cluster, M2, answer=True)


def told_choice() -> str:
    """2.A: what the producer reports in the two futures."""
    found = [[fact.error for _, fact in one.trace.facts("DeliveryFailed")] for one in two_futures()]
    assert found[0], "the lost request is reported"
    return TOLD[1] if found[0] == found[1] else TOLD[0]


TOLD = ("a: an error, b: delivered", "the same error in both", "two different errors")


def stored_choice() -> str:
    """2.B: in which of the two futures m2 is stored."""
    return {(0, 0): STORED[0], (1, 1): STORED[1], (0, 1): STORED[2]}[
        tuple(runs.copies(one, M2) for one in two_futures())]


STORED = ("in neither: it failed", "in both", "only in b")


def copies_choice(config: Mapping[str, Any]) -> str:
    """2.C: copies after a lost answer."""
    return str(runs.copies(runs.lose(runs.sent(config), M2, answer=True), M2))


def acks_0_choice() -> str:
    """2.D: what a producer with acks=0 says of a lost request."""
    cluster = runs.prepared()
    producer = cluster.producer({"acks": "0", **runs.AT_ONCE})
    producer.produce(TOPIC, value=FARES[0])
    producer.flush()
    said: list[Any] = []
    producer.produce(TOPIC, value=M2, on_delivery=lambda error, message: said.append(
        (error, message.offset())))
    cluster.drop(cluster.message("Produce", value=M2))
    producer.flush()
    cluster.run(seconds=60)
    if not said:
        return SAYS[1]
    return SAYS[0] if said[0][0] else SAYS[2]


SAYS = ("an error, after 30 s", "nothing", "delivered, at offset -1")


def known_choice() -> str:
    """2.E: copies with the defaults, and why."""
    cluster = runs.lose(runs.sent({}), M2, answer=True)
    if runs.copies(cluster, M2) == 2:
        return KNOWN[0]
    producer = cluster.clients["producer-1"]
    for _ in range(2):
        producer.produce(TOPIC, key="Ada", value=M2)
    producer.flush()
    return KNOWN[2] if runs.copies(cluster, M2) == 3 else KNOWN[1]


KNOWN = ("2", "1: the broker compares key and value", "1: the broker compares a number")


def again_choice() -> str:
    """2.F: copies after two calls, and after a restart."""
    cluster = runs.prepared()
    producer = cluster.producer({})
    for _ in range(2):
        producer.produce(TOPIC, key="Ada", value=M2)
    producer.flush()
    done = runs.sent({})
    reborn = done.fork(at=done.sent(done.message("Produce", value=M2, answer=True)))
    reborn.kill("producer-1")
    second = reborn.producer({})
    second.produce(TOPIC, key="Ada", value=M2)
    second.flush()
    return f"{runs.copies(cluster, M2)} and {runs.copies(reborn, M2)}"


def crash_choice() -> str:
    """2.G: how often m3 is charged, for the two orders."""
    found = [runs.crashing(work).charged.count(3)
             for work in (runs.charge_then_commit, runs.commit_then_charge)]
    return f"{found[0]} and {found[1]} times"


def panel_choice(guarantee: str) -> str:
    """2.H, 2.I: how often m3 is charged in a panel."""
    return f"{runs.processed(runs.pipeline(guarantee))['m3']} ×"


PREDICTIONS = (
    Prediction(
        id="2.A",
        question="What does the producer report in the two futures?",
        choices=(
            Choice(text=TOLD[0], misconception="the producer knows what the broker did",
                   reply="In b its answer is lost, too. It knows nothing."),
            Choice(text=TOLD[1], reply="It waited, and nobody came. It cannot know more."),
            Choice(text=TOLD[2], misconception="the producer knows what was lost",
                   reply="It sees the same thing in both: silence."),
        ),
        truth=told_choice,
    ),
    Prediction(
        id="2.B",
        question="In which of them is m2 in the log?",
        choices=(
            Choice(text=STORED[0], misconception=NOT_STORED,
                   reply="In b the broker had it before the answer was lost."),
            Choice(text=STORED[1], misconception="a broker waits for the producer to know",
                   reply="In a the broker has never heard of it."),
            Choice(text=STORED[2], reply="One report, two worlds."),
        ),
        truth=stored_choice,
    ),
    Prediction(
        id="2.C",
        question="How many copies of m2 are in the log afterwards?",
        choices=(
            Choice(text="0", misconception=NOT_STORED,
                   reply="It was there before the answer was lost."),
            Choice(text="1", misconception="the broker compares the values",
                   reply="To the broker the second request is a request like any other."),
            Choice(text="2", reply="Stored, not acknowledged, sent again, stored again."),
        ),
        truth=lambda: copies_choice({"enable.idempotence": False}),
    ),
    Prediction(
        id="2.D",
        question="acks=0, and m2's request is lost. What does print show for m2?",
        choices=(
            Choice(text=SAYS[0], misconception="a producer is told of every loss",
                   reply="Nobody waits for an answer, so nobody misses one."),
            Choice(text=SAYS[1], misconception=ONLY_FASTER,
                   reply="It does say something, and too early."),
            Choice(text=SAYS[2],
                   reply="It means: the bytes have left. -1 is the offset of nobody knows."),
        ),
        truth=acks_0_choice,
    ),
    Prediction(
        id="2.E",
        question="How many copies now, and why?",
        choices=(
            Choice(text=KNOWN[0], misconception="a resend is a copy",
                   reply="So it was before Kafka 3.0. Idempotence is on by default."),
            Choice(text=KNOWN[1], misconception="the broker compares the values",
                   reply="Then the equal fares sent on purpose would be missing."),
            Choice(text=KNOWN[2], reply="Producer id, epoch, sequence."),
        ),
        truth=known_choice,
    ),
    Prediction(
        id="2.F",
        question="How many copies of m2: after two calls, and after a restart?",
        choices=(
            Choice(text="1 and 1", misconception=19,
                   reply="Neither of the two is a resend of the producer."),
            Choice(text="1 and 2", misconception="equal records are one record",
                   reply="Two calls, two numbers, two records."),
            Choice(text="2 and 2", reply="A second call and a second process have new numbers."),
        ),
        truth=again_choice,
    ),
    Prediction(
        id="2.G",
        question="How often is m3 charged: charge then commit, and commit then charge?",
        choices=(
            Choice(text="1 and 1 times", misconception=16,
                   reply="A crash between two calls leaves one of them undone."),
            Choice(text="2 and 0 times", reply="The commit decides where the next till goes on."),
            Choice(text="2 and 1 times", misconception=16,
                   reply="The commit said that m3 is done, so nobody reads it again."),
            Choice(text="1 and 0 times", misconception="a broker knows what was processed",
                   reply="It knows the last commit, and that says: m3 is next."),
        ),
        truth=crash_choice,
    ),
    Prediction(
        id="2.H",
        question="“At least once”: how often is m3 charged?",
        choices=(
            Choice(text="1 ×", misconception="two faults on one record do not add up",
                   reply="The answer was lost, and then the till died."),
            Choice(text="2 ×", misconception="two faults on one record do not add up",
                   reply="There are two copies in the log, and one of them was charged twice."),
            Choice(text="3 ×", reply="Two copies, and one of them was worked on twice."),
        ),
        truth=lambda: panel_choice("at least once"),
    ),
    Prediction(
        id="2.I",
        question="“Idempotent”: how often is m3 charged?",
        choices=(
            Choice(text="1 ×", misconception=19,
                   reply="The producer is idempotent. The till is not, and it died."),
            Choice(text="2 ×", reply="One copy, worked on twice."),
            Choice(text="3 ×", misconception="idempotence changes nothing",
                   reply="It removed the second copy."),
        ),
        truth=lambda: panel_choice("idempotent"),
    ),
    Prediction(
        id="2.J",
        question="The till remembers the numbers of the fares it has charged. Where must that "
                 "memory be?",
        choices=(
            Choice(text="in the process", misconception="a process lives for ever",
                   reply="It dies in the crash that it is needed for."),
            Choice(text="in a file next to the database",
                   misconception="two writes are one",
                   reply="A crash between the two writes leaves one of them undone."),
            Choice(text="in the same database transaction as the charge",
                   reply="Number and charge, both or neither."),
        ),
        truth=fixed("in the same database transaction as the charge"),
    ),
)

EXERCISES = (
    Exercise(
        id="2.1",
        title="Six little accidents",
        kind="predict",
        statement="""One of three fares has an accident: its request is lost, or the answer to it,
and the connection breaks with it. Three producers: `acks=0`; `retries=0`; and the default without
idempotence. For each: how many copies are in the log in the end, and what does the producer
report, `"delivered"` or `"error"`?""",
        name="table",
        stub="""table = {
    ("lost request", "acks=0"): (..., ...), ("lost answer", "acks=0"): (..., ...),
    ("lost request", "retries=0"): (..., ...), ("lost answer", "retries=0"): (..., ...),
    ("lost request", "no idempotence"): (..., ...), ("lost answer", "no idempotence"): (..., ...),
}""",
        solution="""table = {
    ("lost request", "acks=0"): (0, "delivered"), ("lost answer", "acks=0"): (1, "delivered"),
    ("lost request", "retries=0"): (0, "error"), ("lost answer", "retries=0"): (1, "error"),
    ("lost request", "no idempotence"): (1, "delivered"),
    ("lost answer", "no idempotence"): (2, "delivered"),
}""",
        hints=(
            "Fill in the copies first; they do not depend on what the producer believes.",
            "acks=0 has no answer to lose.",
            "Two of the six are the first section; the last two are the second one.",
        ),
        insight="the report is about the producer, the log is about the broker.",
        check=check_table,
        traps=(
            (
                ("table = {(f, s): (1 if f == 'lost answer' else 0, 'error')\n"
                "         for f in ('lost request', 'lost answer')\n"
                "         for s in ('acks=0', 'retries=0', 'no idempotence')}"),
                "none to lose",
            ),
            (
                (
                    "table = {('lost request', 'acks=0'): (0, 'delivered'),\n"
                    "    ('lost answer', 'acks=0'): (1, 'delivered'),\n"
                    "    ('lost request', 'retries=0'): (0, 'error'),\n"
                    "    ('lost answer', 'retries=0'): (0, 'error'),\n"
                    "    ('lost request', 'no idempotence'): (1, 'delivered'),\n"
                    "    ('lost answer', 'no idempotence'): (2, 'delivered')}"
                ),
                "the cell is there",
            ),
            (
                (
                    "table = {('lost request', 'acks=0'): (0, 'delivered'),\n"
                    "    ('lost answer', 'acks=0'): (1, 'delivered'),\n"
                    "    ('lost request', 'retries=0'): (0, 'error'),\n"
                    "    ('lost answer', 'retries=0'): (1, 'error'),\n"
                    "    ('lost request', 'no idempotence'): (2, 'delivered'),\n"
                    "    ('lost answer', 'no idempotence'): (2, 'delivered')}"
                ),
                "sends again until somebody answers",
            ),
        ),
    ),
    Exercise(
        id="2.2",
        title="Where the copy comes from",
        kind="moment",
        statement="""Four fares, no idempotence, and one answer is lost in silence. Write
`second_copy(cluster)`: it returns two steps, the one that appended the *second* copy, and the one
in which the producer lost its patience. It is tried on three runs.

`cluster.log(...)` shows what is stored, `appends(cluster.trace, "kinaction_fares", 0)` yields
(step, log end offset) for every append, `cluster.trace.causes(seq)` a step and what led to it, back
to the first cause; a timer is a step whose `event` is a `TimerFired`.""",
        name="second_copy",
        stub="""from kinaction.course.observe import appends

def second_copy(cluster):
    return None""",
        solution="""from kinaction.course.observe import appends

def second_copy(cluster):
    values = [record.value for record in cluster.log("kinaction_fares")]
    second = next(at for at, value in enumerate(values) if value in values[:at])
    ends = {end: step.seq for step, end in appends(cluster.trace, "kinaction_fares", 0)}
    appended = ends[second + 1]
    timers = [step for step in cluster.trace.causes(appended)
              if type(step.event).__name__ == "TimerFired"]
    return appended, timers[-1].seq""",
        hints=(
            "The violet frame is the copy. What came some 30 s before it?",
            ("Find the offset of the value that stands there twice, then its append, then its "
            "causes."),
            ("Two timers are among the causes: the pause before the resend, and before that the "
            "end of the wait."),
        ),
        insight="a copy has a cause: nobody answered in time.",
        check=check_second_copy,
        misconceptions=(19,),
        traps=(
            (
                ("def second_copy(cluster):\n"
                "    return next(s for s, f in cluster.trace.facts('BatchResent')).seq, 0"),
                "it can still be lost",
            ),
            ("def second_copy(cluster):\n    return 30, 20", "not the append"),
            (
                ("from kinaction.course.observe import appends\n"
                "def second_copy(cluster):\n"
                "    values = [r.value for r in cluster.log('kinaction_fares')]\n"
                "    at = next(n for n, v in enumerate(values) if v in values[:n])\n"
                "    log = appends(cluster.trace, 'kinaction_fares', 0)\n"
                "    seq = next(step.seq for step, end in log if end == at + 1)\n"
                "    return seq, cluster.trace[seq].cause"),
                "ran out of patience",
            ),
        ),
    ),
    Exercise(
        id="2.3",
        title="Three producers",
        kind="config",
        statement="""Three configs: under *no* single loss of a request or an answer may
`never_twice` store a fare twice, `never_lost` lose one, `neither_and_ordered` do either, or change
the order. All of these losses will be tried, in silence and with a reset.""",
        name="configs",
        stub="""configs = {
    "never_twice": {"acks": "0"},
    "never_lost": {"acks": "0"},
    "neither_and_ordered": {"acks": "0"},
}""",
        solution="""configs = {
    "never_twice": {"acks": "all", "retries": 0},
    "never_lost": {"enable.idempotence": False},
    "neither_and_ordered": {},
}""",
        hints=(
            "Which of them may send again, and which may not?",
            "acks and retries do the first two.",
            "For the third, leave everything as it is: {}.",
        ),
        insight="at most once, at least once, and, at this end, once.",
        check=check_configs,
        misconceptions=(19,),
        traps=(
            (
                (
                    'configs = {"never_twice": {"acks": "0"}, "never_lost": {"acks": "0"},\n'
                    '           "neither_and_ordered": {}}'
                ),
                "and nobody was told",
            ),
            (
                ('configs = {"never_twice": {}, "never_lost": {"retries": 0}, '
                '"neither_and_ordered": {}}'),
                "and the producer said so",
            ),
            (
                (
                    'configs = {"never_twice": {"enable.idempotence": False},\n'
                    '           "never_lost": {}, "neither_and_ordered": {}}'
                ),
                "stands in the log twice",
            ),
            (
                (
                    'configs = {"never_twice": {}, "never_lost": {},\n'
                    '    "neither_and_ordered": {"acks": "1", "enable.idempotence": True}}'
                ),
                "needs acks=all",
            ),
        ),
    ),
    Exercise(
        id="2.4",
        title="The till that gives free rides",
        kind="repair",
        statement="""This till commits before it charges. It will be killed at every step between
two polls. Repair it by moving one line, so that no fare is ever left uncharged, and say which
guarantee it has then: `"at most once"`, `"at least once"` or `"exactly once"`.""",
        name="(work, guarantee)",
        stub="""def work(consumer, charge):
    message = consumer.poll(1.0)
    if message is not None:
        consumer.commit(message, asynchronous=False)
        charge(message)

guarantee = ...""",
        solution="""def work(consumer, charge):
    message = consumer.poll(1.0)
    if message is not None:
        charge(message)
        consumer.commit(message, asynchronous=False)

guarantee = "at least once\"""",
        hints=(
            "What if it dies here? Ask it of every line.",
            "The commit says: done.",
            "Swap the two calls; a crash between them now repeats the charge.",
        ),
        insight="the commit is the consumer's acknowledgment, so it comes after the work.",
        check=check_till,
        misconceptions=(16,),
        traps=(
            (
                ("def work(consumer, charge):\n"
                "    message = consumer.poll(1.0)\n"
                "    if message is not None:\n"
                "        consumer.commit(message, asynchronous=False)\n"
                "        charge(message)\n"
                "guarantee = 'at least once'"),
                "is never charged",
            ),
            (
                ("def work(consumer, charge):\n"
                "    message = consumer.poll(1.0)\n"
                "    if message is not None:\n"
                "        charge(message)\n"
                "        consumer.commit(message, asynchronous=False)\n"
                "guarantee = 'exactly once'"),
                "another one",
            ),
            (
                ("def work(consumer, charge):\n"
                "    consumer.poll(1.0)\n"
                "guarantee = 'at least once'"),
                "does not get through",
            ),
        ),
    ),
    Exercise(
        id="2.5",
        title="Charge once",
        kind="code",
        statement="""Fares come at least once, sometimes again, and not always in order. Write
`charge_once(fare, db)`, five lines at most. `fare` has `fare` (its number), `passenger` and
`cents`; `db` is a dict that survives crashes, begins as `{"cents": 0}`, and takes all changes of
one call or none. In the end `db["cents"]` is what was bought, to the cent.""",
        name="charge_once",
        stub="""def charge_once(fare, db):
    db["cents"] += fare["cents"]""",
        solution="""def charge_once(fare, db):
    charged = db.setdefault("charged", set())
    if fare["fare"] not in charged:
        charged.add(fare["fare"])
        db["cents"] += fare["cents"]""",
        hints=(
            "By what do you know a fare again?",
            "Look before you charge, and remember that you did. In db, not in your program.",
            'db.setdefault("charged", set()) holds the numbers.',
        ),
        insight="at least once, plus work that may be repeated: from outside it is once.",
        check=check_charge,
        traps=(
            ("def charge_once(fare, db):\n    db['cents'] += fare['cents']", "cents too much"),
            (
                ("def charge_once(fare, db):\n"
                "    seen = db.setdefault('seen', set())\n"
                "    what = (fare['passenger'], fare['cents'])\n"
                "    if what not in seen:\n"
                "        seen.add(what)\n"
                "        db['cents'] += fare['cents']"),
                "two equal tickets",
            ),
            (
                ("seen = set()\n"
                "def charge_once(fare, db):\n"
                "    if fare['fare'] not in seen:\n"
                "        seen.add(fare['fare'])\n"
                "        db['cents'] += fare['cents']"),
                "must be in there",
            ),
            (
                ("def charge_once(fare, db):\n"
                "    if fare['fare'] > db.get('last', 0):\n"
                "        db['last'] = fare['fare']\n"
                "        db['cents'] += fare['cents']"),
                "may still be new",
            ),
        ),
    ),
    Exercise(
        id="2.6",
        title="One drop",
        kind="attack",
        statement="""`attack(cluster)` gets a finished run in which `m1` and `m2` were sent and
acknowledged. Return a fork of it in which exactly *one* message was dropped, such that `m2` is
stored twice by a producer without idempotence, and once by one with it. Both will be tried.""",
        name="attack",
        stub="""m2 = scenario("02").FARES[1]

def attack(cluster):
    ...""",
        solution="""m2 = scenario("02").FARES[1]

def attack(cluster):
    answer = cluster.message("Produce", value=m2, answer=True)
    fork = cluster.fork(at=cluster.sent(answer))
    fork.drop(answer)
    return fork""",
        hints=(
            "Which loss comes after the append?",
            'The answer: cluster.message("Produce", value=m2, answer=True).',
            "Fork at the step that sent it, drop it, return the fork.",
        ),
        insight="the lost answer is the one loss that makes a copy.",
        check=check_attack,
        misconceptions=(19,),
        traps=(
            (
                ("m2 = scenario('02').FARES[1]\n"
                "def attack(cluster):\n"
                "    request = cluster.message('Produce', value=m2)\n"
                "    fork = cluster.fork(at=cluster.sent(request))\n"
                "    fork.drop(request)\n"
                "    return fork"),
                "the resend is the first copy",
            ),
            ("def attack(cluster):\n    return cluster.fork()", "0 messages were dropped"),
        ),
    ),
    Exercise(
        id="2.7",
        title="Twice, in spite of it",
        kind="attack",
        statement="""The producer is idempotent. Without touching the network, get `m2` into the log
twice: with `by_calling(cluster, producer)`, nobody dies; with `by_dying(cluster, producer)`, the
producer dies once while the answer is under way, and nobody else.""",
        name="(by_calling, by_dying)",
        stub="""m2 = scenario("02").FARES[1]

def by_calling(cluster, producer):
    ...

def by_dying(cluster, producer):
    ...""",
        solution="""m2 = scenario("02").FARES[1]

def by_calling(cluster, producer):
    for _ in range(2):
        producer.produce("kinaction_fares", key="Ada", value=m2)
    producer.flush()

def by_dying(cluster, producer):
    producer.produce("kinaction_fares", key="Ada", value=m2)
    cluster.run(ms=30)
    cluster.kill(producer)
    second = cluster.producer()
    second.produce("kinaction_fares", key="Ada", value=m2)
    second.flush()""",
        hints=(
            "Who counts the sequences? What begins anew when the producer does?",
            "by_calling: say it twice. by_dying: a new producer has a new id.",
            "produce, cluster.run(ms=30), cluster.kill(producer), cluster.producer(), produce.",
        ),
        insight="it deduplicates the resends of one producer's session, and nothing else.",
        check=check_duplicates,
        misconceptions=(19,),
        traps=(
            (
                ("m2 = scenario('02').FARES[1]\n"
                "def by_calling(cluster, producer):\n"
                "    producer.produce('kinaction_fares', key='Ada', value=m2)\n"
                "    cluster.run(ms=25)\n"
                "    cluster.drop(cluster.message('Produce', value=m2, answer=True))\n"
                "    producer.flush()\n"
                "by_dying = by_calling"),
                "recognised at step",
            ),
            (
                ("m2 = scenario('02').FARES[1]\n"
                "def by_calling(cluster, producer):\n"
                "    producer.produce('kinaction_fares', key='Ada', value=m2)\n"
                "    producer.flush()\n"
                "by_dying = by_calling"),
                "m2 is stored 1 times",
            ),
            (
                ("m2 = scenario('02').FARES[1]\n"
                "def by_calling(cluster, producer):\n"
                "    other = cluster.producer({'enable.idempotence': False})\n"
                "    for _ in range(2):\n"
                "        other.produce('kinaction_fares', key='Ada', value=m2)\n"
                "    other.flush()\n"
                "by_dying = by_calling"),
                "was not idempotent",
            ),
        ),
    ),
    Exercise(
        id="2.8",
        title="Too late",
        kind="predict",
        statement="""An idempotent producer; the answer to `m2` is late, and the producer has
patience (`delivery.timeout.ms`) for so many seconds; `request.timeout.ms` is 30 s. For each pair
(seconds late, patience): the report, `"delivered"` or `"error"`; the copies of `m2` in the log;
and the copies after an application that calls `produce` again whenever it is told of an error.""",
        name="late",
        stub="""late = {
    (10, 30): (..., ..., ...),
    (40, 30): (..., ..., ...),
    (40, 120): (..., ..., ...),
}""",
        solution="""late = {
    (10, 30): ("delivered", 1, 1),
    (40, 30): ("error", 1, 2),
    (40, 120): ("delivered", 1, 1),
}""",
        hints=(
            "The report and the log are two things.",
            "Two clocks: when does it try again, when does it give up?",
            "The application's second call has a new sequence.",
        ),
        insight="an error means: unknown. Whoever sends again needs a name for the fare.",
        check=check_late,
        misconceptions=(19,),
        traps=(
            (
                ('late = {(10, 30): ("delivered", 1, 1), (40, 30): ("error", 0, 1), '
                '(40, 120): ("delivered", 1, 1)}'),
                "whatever was reported later",
            ),
            (
                ('late = {(10, 30): ("delivered", 1, 1), (40, 30): ("error", 1, 1), '
                '(40, 120): ("delivered", 1, 1)}'),
                "a new sequence",
            ),
            (
                ('late = {(10, 30): ("delivered", 1, 1), (40, 30): ("error", 1, 2), '
                '(40, 120): ("error", 1, 2)}'),
                "two clocks",
            ),
        ),
    ),
)
