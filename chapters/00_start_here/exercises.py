"""Exercises and predictions of chapter 00."""

from collections.abc import Callable
from typing import Any

import kinaction
from kinaction.course import (
    BadAnswer,
    Choice,
    Exercise,
    Prediction,
    Verdict,
    one_of,
    scenario,
    solved,
    unanswered,
    with_keys,
    wrong,
)
from kinaction.course.observe import (
    appends,
    between,
    calls,
    end_offsets,
    fact_steps,
    messages_of,
)

SEEDS = (7, 11, 23)
runs = scenario("00")
TOPIC = runs.TOPIC
COUNTS = ("2", "5 to 10", "more than 10")
MAILBOX = "a broker is a mailbox: one message there, one back"


def delivered_at(cluster: Any) -> int:
    """The step in which the producer learned that its first record is acknowledged."""
    return next(fact_steps(cluster.trace, "RecordsDelivered", topic=TOPIC)).seq


# -- 0.1, 0.A: how many messages --------------------------------------------------------------


def for_a_second_record(seed: int) -> int:
    """The messages of a second record by the same producer: it knows the way by then."""
    cluster = runs.hello(seed)
    cluster.run(ms=30)
    runs.again(cluster, "hello again")
    sent = list(calls(cluster.trace, "flush"))[-1].seq
    told = list(fact_steps(cluster.trace, "RecordsDelivered", topic=TOPIC))[-1].seq
    return messages_of(between(cluster.trace, sent, told))


def count_choice(count: int) -> str:
    """The choice that a number of messages belongs to."""
    if count > 10:
        return COUNTS[2]
    return COUNTS[0] if count <= 2 else COUNTS[1]


def check_messages(answer: Any) -> Verdict:
    """0.1: the choice that holds under every seed."""
    one_of(answer, COUNTS)
    talks = {seed: runs.conversation(runs.hello(seed)) for seed in SEEDS}
    if all(count_choice(talk.messages) == answer for talk in talks.values()):
        counts = ", ".join(str(talk.messages) for talk in talks.values())
        return solved(f"{counts} messages under the seeds 7, 11 and 23. Every word can be heard.")
    if answer == COUNTS[0]:
        first = next(f for f in runs.hello(7).trace.flights() if f.message.source == "producer-1")
        return wrong(
            "that is the record and its answer. "
            f"Step {first.sent_seq} of seed 7 is a question, {first.message.api}, that the "
            "producer asked before it knew where to send anything.",
            misconception=MAILBOX, see="the hollow tokens at the start of the picture")
    return wrong(
        f"seed 7 takes {talks[7].messages}. The *second* record of the same producer takes "
        f"{for_a_second_record(7)}: by then it knows the way. The first one has to ask for it.",
        misconception="a client knows from the start where to send",
        see="the hollow tokens that run ahead of the first blue pill")


# -- 0.2, 0.3, 0.B: four moments ----------------------------------------------------------------


def third_copy(cluster: Any) -> int:
    """The step in which the third broker stored the record."""
    return [step.seq for step, end in appends(cluster.trace, TOPIC, 1) if end == 1][2]


def check_moment(moments: Any) -> Verdict:
    """0.2: a step on all three brokers and not yet acknowledged, under two seeds."""
    for seed, step in with_keys(moments, (7, 11)).items():
        verdict = judge_moment(runs.hello(seed), step, f"seed {seed}")
        if not verdict.solved:
            return verdict
    return solved()


def judge_moment(cluster: Any, step: Any, where: str) -> Verdict:
    """Whether `step` lies between the third copy and the acknowledgment."""
    if not isinstance(step, int):
        raise BadAnswer(f"a step is a whole number, not {step!r}")
    first, acknowledged = third_copy(cluster), delivered_at(cluster)
    if step >= acknowledged:
        return wrong(
            f"{where}, step {step}: here the promise is already given, in step {acknowledged}. "
            "Go back until the green token has not yet arrived.",
            misconception="stored and acknowledged are one moment",
            see=f"step {first}, when the third broker stores the record")
    if step < first:
        has = [node for node, end in end_offsets(cluster.trace, TOPIC, 1, step).items() if end]
        who = " and ".join(f"broker {node}" for node in has) or "no broker"
        return wrong(
            f"{where}, step {step}: {who} has the record at this step"
            f"{', and the others have not' if has else ''}.",
            misconception="a record on the leader is on all of them" if has else None,
            see=f"step {first}, when the third broker stores it")
    return solved()


def check_moment_function(moment: Callable[[Any], Any]) -> Verdict:
    """0.3: the same, computed from the trace of any cluster."""
    seen = runs.hello(7)
    said = moment(seen)
    if said is None:
        return unanswered()
    verdict = judge_moment(seen, said, "seed 7")
    for seed, brokers in ((1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (2, 5)):
        if not verdict.solved:
            return verdict
        cluster = runs.hello(seed, brokers)
        now = moment(cluster)
        verdict = judge_moment(cluster, now, f"seed {seed} on {brokers} brokers")
        if not verdict.solved and now == said:
            return wrong(
                f"step {said} is right under seed 7. Under seed {seed} on {brokers} brokers the "
                f"third copy is stored in step {third_copy(cluster)}.",
                misconception="a step's number means the same in every run",
                see="how your function finds its number: it has to search the trace it is given")
    return verdict


MOMENTS = ("1, 2, 3, 4", "3, 1, 2, 4", "1, 3, 2, 4")


def order_of_moments(seed: int) -> str:
    """In which order third copy (1), high watermark (2), ack (3) and print (4) come."""
    cluster = runs.hello(seed)
    answer = cluster.sent(cluster.message("Produce", value="hello world", answer=True))
    passed, _ = next(cluster.trace.facts("HighWatermarkAdvanced"))
    effects = [type(effect).__name__ for effect in cluster.trace[answer].effects]
    at = {
        "1": (third_copy(cluster), 0),
        "2": (passed.seq, effects.index("Noted") if passed.seq == answer else 0),
        "3": (answer, effects.index("Send")),
        "4": (delivered_at(cluster), 0),
    }
    return ", ".join(sorted(at, key=lambda moment: at[moment]))


# -- 0.C: backwards -----------------------------------------------------------------------------

STEPPED_BACK = (
    "it undid the send", "nothing: it showed an earlier state", "it ran everything again")


def stepping_back() -> str:
    """What a look at an earlier step does to the cluster: compares it before and after."""
    cluster = runs.hello(7)
    steps, records = len(cluster.trace), len(cluster.log(TOPIC, 1))
    earlier = cluster.back(to=cluster.opening)
    leader = cluster.leader(TOPIC, 1)
    assert earlier.state[leader][f"partitions/{TOPIC}-1/log_end_offset"] == 0
    if len(cluster.log(TOPIC, 1)) < records:
        return STEPPED_BACK[0]
    return STEPPED_BACK[1] if len(cluster.trace) == steps else STEPPED_BACK[2]


# -- 0.4, 0.7, 0.D: a broker dies ---------------------------------------------------------------


def waiting(cluster: Any, dead: int) -> list[int]:
    """The partitions whose readers get no answer in the two seconds after that broker's death."""
    other = cluster.fork()
    other.kill(dead)
    reader = other.consumer({"group.id": "asks"})
    return [partition for partition in range(3) if not answers(reader, partition)]


def answers(reader: Any, partition: int) -> bool:
    """Whether somebody tells the reader within two seconds how long the log is."""
    try:
        there = kinaction.TopicPartition(TOPIC, partition)
        reader.get_watermark_offsets(there, timeout=2.0)
    except kinaction.KafkaError:
        return False
    return True


def check_dead(answer: Any) -> Verdict:
    """0.4: which partitions wait, for each broker that may die."""
    cluster = runs.hello(7)
    for dead, listed in with_keys(answer, (1, 2, 3)).items():
        if not isinstance(listed, list | tuple | set) or not set(listed) <= {0, 1, 2}:
            raise BadAnswer(f"for broker {dead}: a list of partitions like [0, 2], not {listed!r}")
        truth = waiting(cluster, dead)
        for partition in range(3):
            if (partition in listed) != (partition in truth):
                return dead_reply(cluster, dead, partition, partition in truth)
    return solved()


def dead_reply(cluster: Any, dead: int, partition: int, waits: bool) -> Verdict:
    """Why this partition waits, or does not, when that broker is dead."""
    leader = cluster.leader(TOPIC, partition)
    if waits:
        return wrong(
            f"broker {dead} dies, and the readers of partition {partition} get no answer: its ★ "
            f"stood in row {dead}. The two ● have the records, and do not serve them.",
            misconception="any broker with a copy answers",
            see=f"the ★ in column partition {partition}")
    return wrong(
        f"broker {dead} dies, and partition {partition} goes on: its ★ stands in row {leader}. A "
        "row died; only the column whose ★ stood in that row has nobody to talk to.",
        misconception="a dead broker stops the whole topic",
        see=f"the ★ in column partition {partition}")


OTHER_FAULTS = ("LinkCut", "NodePaused", "MessageDropped", "MessageDelayed")


def check_attack(attack: Callable[[Any], Any]) -> Verdict:
    """0.7: one kill before the next record, whose ack then comes after more than five seconds."""
    for seed in SEEDS:
        cluster = runs.hello(seed, brokers=5)
        cluster.run(ms=30)
        verdict = judge_attack(cluster, attack, f"seed {seed}")
        if not verdict.solved:
            return verdict
    return solved()


def judge_attack(cluster: Any, attack: Callable[[Any], Any], where: str) -> Verdict:
    """Run the attack, send a record, measure its ack."""
    attack(cluster)
    dead = [step.node for step in fact_steps(cluster.trace, "NodeCrashed")]
    if not dead:
        return unanswered("no attack yet: nobody was killed.")
    if len(dead) > 1 or list(cluster.trace.facts(*OTHER_FAULTS)):
        return wrong(f"{where}: more was done than one kill. One is enough.")
    in_sync, leader, sent_ms = cluster.isr(TOPIC, 1), cluster.leader(TOPIC, 1), cluster.now_ms
    runs.again(cluster, "are you there?")
    acks = [step.at_ms for step in fact_steps(cluster.trace, "RecordsDelivered", topic=TOPIC)]
    if len(acks) < 2:
        return wrong(f"{where}: the record was never acknowledged: that is more than a delay.")
    if acks[-1] - sent_ms > 5_000:
        return solved()
    if dead[0] in in_sync:
        return wrong(f"{where}: the ack came after {acks[-1] - sent_ms} ms.")
    return wrong(
        f"{where}: the ack came after {acks[-1] - sent_ms} ms. Nobody was waiting for broker "
        f"{dead[0]}: in sync for partition 1 are {', '.join(map(str, sorted(in_sync)))}, led by "
        f"{leader}.",
        misconception="any dead broker is felt by every write",
        see="the dots in column partition 1, before you kill, and at the clock after you did")


GONE = (
    "gone", "there, and readable at once", "there, but nobody serves it for about 9 s",
    "there, but nobody serves it for about 30 s")


def after_the_kill(seed: int) -> str:
    """What becomes of the record when its leader dies, and how soon somebody leads again."""
    cluster = runs.hello(seed)
    died_ms = cluster.now_ms
    cluster.kill(cluster.leader(TOPIC, 1))
    cluster.run_until("a new leader is elected")
    waited_ms = cluster.now_ms - died_ms
    if [record.value for record in cluster.log(TOPIC, 1)] != [b"hello world"]:
        return GONE[0]
    if waited_ms < 1_000:
        return GONE[1]
    return GONE[2] if waited_ms < 15_000 else GONE[3]


# -- 0.5, 0.E: another future -------------------------------------------------------------------


def check_fork(lose_request: Callable[[Any], Any]) -> Verdict:
    """0.5: forks, drops the request, runs on; its trace says what was done."""
    for seed in (7, 11):
        cluster = runs.hello(seed)
        other = lose_request(cluster)
        if other is None:
            return unanswered()
        verdict = judge_fork(cluster, other, f"seed {seed}")
        if not verdict.solved:
            return verdict
    return solved()


def judge_fork(cluster: Any, other: Any, where: str) -> Verdict:
    """Whether `other` is the fork of `cluster` in which exactly the Produce request was lost."""
    if not hasattr(other, "trace"):
        raise BadAnswer(f"the function returns the fork, a cluster, not {other!r}")
    lost = [fact.number for _, fact in other.trace.facts("MessageDropped")]
    if len(lost) != 1:
        return wrong(f"{where}: {len(lost)} messages were lost in the cluster you return, not one.")
    request = cluster.message("Produce", value="hello world")
    if lost[0] != request:
        return wrong(
            f"{where}: message {lost[0]} was dropped. This is the answer: the record was already "
            f"stored when you dropped it. The request that carries it is message {request}.",
            misconception="a lost answer is a lost record",
            see=f"step {cluster.received(request)}, where the request arrives and is stored")
    sent = cluster.sent(request)
    past = [step.to_dict() for step in cluster.trace.steps[: sent + 1]]
    if past != [step.to_dict() for step in other.trace.steps[: sent + 1]]:
        return wrong(f"{where}: the cluster you return has another past than the one you were "
                     "given. fork() keeps it.")
    if not list(fact_steps(other.trace, "RecordsDelivered", topic=TOPIC)):
        return wrong(
            f"{where}: your fork ends at {other.now_ms} ms, before the second try. The producer "
            "waits 30 seconds for an answer (request.timeout.ms).",
            misconception="a lost message is noticed at once", see="the clock of your fork")
    return solved()


def copies_after_a_lost_ack(seed: int) -> str:
    """How many records the log holds, 40 seconds after the answer was lost."""
    cluster = runs.hello(seed)
    answer = cluster.message("Produce", value="hello world", answer=True)
    other = cluster.fork(at=cluster.sent(answer))
    other.drop(message=answer)
    return str(len(other.run(seconds=40).log(TOPIC, 1)))


# -- 0.6, 0.F: chance ---------------------------------------------------------------------------

FACTS = (
    "partition of the key", "offset of the record", "leader of partition 1", "time of the ack",
    "number of copies", "what acks=all promises",
)


def fact_of(cluster: Any, name: str) -> object:
    """One of the six facts of a run."""
    told = cluster.trace[delivered_at(cluster)]
    report = next(fact for fact in told.facts() if type(fact).__name__ == "RecordsDelivered")
    ends = end_offsets(cluster.trace, TOPIC, 1, told.seq)
    return {
        FACTS[0]: report.partition,
        FACTS[1]: report.base_offset,
        FACTS[2]: cluster.leader(TOPIC, 1),
        FACTS[3]: told.at_ms,
        FACTS[4]: sum(end > 0 for end in ends.values()),
        FACTS[5]: all(ends[broker] > report.base_offset for broker in cluster.isr(TOPIC, 1)),
    }[name]


def changing_facts() -> list[str]:
    """The facts that differ between any two of ten seeds."""
    clusters = [runs.hello(seed) for seed in range(1, 11)]
    return [name for name in FACTS if len({fact_of(held, name) for held in clusters}) > 1]


WHY_FIXED = {
    FACTS[0]: "it is a hash of the key's bytes: “alert” is partition 1 of 3 on every machine",
    FACTS[1]: "the first record of a partition has offset 0",
    FACTS[4]: "you asked for three copies",
    FACTS[5]: "a promise that hung on chance would be none: at the ack, all in sync have it",
}


def check_seed(answer: Any) -> Verdict:
    """0.6: which facts differ between ten seeds."""
    if not isinstance(answer, set | frozenset | list | tuple):
        raise BadAnswer(f'a set of names like {{"{FACTS[0]}"}} is expected, not {answer!r}')
    if ... in answer:
        return unanswered()
    changing = changing_facts()
    for name in sorted(answer, key=str):
        one_of(name, FACTS)
        if name not in changing:
            return wrong(
                f"{name}: the same under ten seeds, for {WHY_FIXED.get(name, 'it is computed')}.",
                misconception="everything in the picture is chance",
                see='scenario("00").hello(seed=23) beside the run of seed 7')
    left = [name for name in changing if name not in answer]
    if left:
        return wrong(
            f"one more changes: {left[0]}.",
            misconception="one run shows how it always is",
            see='scenario("00").hello(seed=23) beside the run of seed 7')
    return solved()


SEED_CHANGES = (
    "nothing", "the partition of the key", "who leads, and when the answer comes")


def what_the_seed_changes() -> str:
    """What differs between seed 7 and the other seed of the lesson."""
    one, other = runs.hello(7), runs.hello(runs.OTHER)
    if any(fact_of(one, name) != fact_of(other, name) for name in (FACTS[0], FACTS[1], FACTS[5])):
        return SEED_CHANGES[1]
    rolled = (FACTS[2], FACTS[3])
    return SEED_CHANGES[2 if all(fact_of(one, n) != fact_of(other, n) for n in rolled) else 0]


# -- 0.G: the same keys again -------------------------------------------------------------------

AGAIN = (
    "to the next free partition, in turn", "to the same partition, in place of the old record",
    "to the same partition, behind the old record")


def second_round() -> str:
    """Where records with keys that were used before go."""
    cluster = runs.prepared(7)
    producer, reports = cluster.producer(), []
    for key in ("ada", "ben", "hana", "kim", "tom") * 2:
        producer.produce(TOPIC, key=key, value="hi", on_delivery=lambda _, m: reports.append(m))
        producer.flush()
    if any(old.partition() != new.partition()
           for old, new in zip(reports[:5], reports[5:], strict=True)):
        return AGAIN[0]
    kept = sum(len(cluster.log(TOPIC, partition)) for partition in range(3))
    return AGAIN[2] if kept == len(reports) else AGAIN[1]


PREDICTIONS = (
    Prediction(
        id="0.A",
        question="How many messages travel over the wires between `produce` and the printed "
        "answer?",
        choices=(
            Choice(text=COUNTS[0], reply="A broker is no mailbox.", misconception=MAILBOX),
            Choice(
                text=COUNTS[1],
                reply="The copies are fetched, with a question and an answer each, and before "
                "that the producer has to find its way."),
            Choice(text=COUNTS[2],
                   reply="Asking the way, the record, its copies, the answer."),
        ),
        truth=lambda: count_choice(runs.conversation(runs.hello(7)).messages),
    ),
    Prediction(
        id="0.B",
        question="In which order do the four moments come?",
        choices=(
            Choice(text=MOMENTS[0],
                   reply="The leader answers only when it knows of all the copies."),
            Choice(
                text=MOMENTS[1],
                reply="That would be `acks=1`: an answer as soon as the leader has it. You asked "
                "for `acks=all`."),
            Choice(
                text=MOMENTS[2],
                reply="The leader learns of a copy only when the follower asks for what comes "
                "next.",
                misconception="the leader pushes the copies, so it knows at once"),
        ),
        truth=lambda: order_of_moments(7),
    ),
    Prediction(
        id="0.C",
        question="You stepped back until the log was empty. What did that do to the cluster?",
        choices=(
            Choice(text=STEPPED_BACK[0], reply="The record is still there: press **End**."),
            Choice(text=STEPPED_BACK[1], reply="The player reads what was recorded."),
            Choice(text=STEPPED_BACK[2], reply="The trace has as many steps as before."),
        ),
        truth=stepping_back,
    ),
    Prediction(
        id="0.D",
        question="The broker that led partition 1 is dead. Where is hello world?",
        choices=(
            Choice(text=GONE[0], reply="Two other brokers have it.",
                   misconception="a record lives on one machine"),
            Choice(text=GONE[1], reply="The two others have it, and nobody has told them to "
                   "serve it.", misconception="a dead machine is noticed at once"),
            Choice(text=GONE[2], reply="Then one of the copies is made the leader."),
            Choice(
                text=GONE[3],
                reply="30 s is another clock, `replica.lag.time.max.ms`: it is for a broker that "
                "lives and is slow."),
        ),
        truth=lambda: after_the_kill(7),
    ),
    Prediction(
        id="0.E",
        question="The answer is lost. How many hello worlds are in the log after 40 seconds?",
        choices=(
            Choice(text="0", reply="It was stored before its answer was lost.",
                   misconception="a lost answer is a lost record"),
            Choice(text="1", reply="The producer sends again, and the broker knows it already."),
            Choice(text="2", reply="So it was once. Today the broker recognises what is sent "
                   "again.", misconception="every resend stores again"),
        ),
        truth=lambda: copies_after_a_lost_ack(7),
    ),
    Prediction(
        id="0.F",
        question=f"What is different under seed {runs.OTHER}?",
        choices=(
            Choice(text=SEED_CHANGES[0], reply="Delays and leaders are rolled."),
            Choice(text=SEED_CHANGES[1], reply="That is computed: a hash of the key's bytes.",
                   misconception="everything in the picture is chance"),
            Choice(text=SEED_CHANGES[2], reply="That is chance. What Kafka computes is not."),
        ),
        truth=what_the_seed_changes,
    ),
    Prediction(
        id="0.G",
        question="In the second round, where does each friend's record go?",
        choices=(
            Choice(text=AGAIN[0], reply="A key decides alone, whatever went before.",
                   misconception=6),
            Choice(text=AGAIN[1], reply="Nothing was overwritten: look at the offsets.",
                   misconception="a log is a table: the newest value of a key wins"),
            Choice(text=AGAIN[2], reply="Same key, same partition, next offset."),
        ),
        truth=second_round,
    ),
)

EXERCISES = (
    Exercise(
        id="0.1",
        title="How many messages?",
        kind="predict",
        statement="""How many messages does the first hello world take, from `produce` to the
printed answer: `"2"`, `"5 to 10"` or `"more than 10"`? Your choice must hold under every seed.""",
        name="messages",
        stub="messages = ...",
        solution='messages = "more than 10"',
        hints=(
            "Count the colours in the picture first, then the tokens of each colour.",
            "What did the producer have to ask before it could send?",
            'scenario("00").conversation(cluster) counts them for you.',
        ),
        insight="every word can be heard.",
        check=check_messages,
        traps=(
            ('messages = "2"', "a question, ApiVersions, that the producer asked before"),
            ('messages = "2"', "mailbox"),
            ('messages = "5 to 10"', "by then it knows the way"),
            ('messages = "many"', "none of '2'"),
        ),
    ),
    Exercise(
        id="0.2",
        title="Stored, not promised",
        kind="moment",
        statement="""Find a step at which the record is on **all three** brokers and is **not yet**
acknowledged, under seed 7 and under seed 11. The player shows the number of the step beside its
clock. `scenario("00").hello(seed=11)` in a cell of its own gives you the other picture.""",
        name="moments",
        stub="moments = {7: ..., 11: ...}",
        solution="""def ack_leaves(seed):
    run = scenario("00").hello(seed)
    return run.sent(run.message("Produce", value="hello world", answer=True))

moments = {seed: ack_leaves(seed) for seed in (7, 11)}""",
        hints=(
            "Three cells in column partition 1, and no green token has reached the producer.",
            "Go to the end, then step back with ← until `print` has not run yet.",
            "The interval begins when the second purple square has landed.",
        ),
        insight="being stored everywhere and being acknowledged are two moments.",
        check=check_moment,
        traps=(
            ("moments = {7: 100, 11: 100}", "no broker has the record at this step"),
            ("""run = scenario("00").hello(seed=7)
arrived = run.received(run.message("Produce"))
moments = {7: arrived, 11: arrived}""", "has the record at this step, and the others have not"),
            ("""run = scenario("00").hello(seed=7)
moments = dict.fromkeys((7, 11), run.received(run.message("Produce", answer=True)))""",
             "here the promise is already given"),
            ("moments = {7: ..., 11: 5}", "no answer yet for 7"),
            ("moments = {7: 'the end', 11: 5}", "a step is a whole number"),
        ),
    ),
    Exercise(
        id="0.3",
        title="Let the trace say it",
        kind="code",
        statement="""Write `moment(cluster)`: it returns such a step for **any** run of this hello
world, found in `cluster.trace`. `cluster.trace.facts("RecordsDelivered")` gives pairs of a step and
a fact, in the order in which they happened; a step has its number in `.seq`. Which fact is noted
at a step that you want?""",
        name="moment",
        stub="def moment(cluster):\n    ...",
        solution="""def moment(cluster):
    for step, fact in cluster.trace.facts("HighWatermarkAdvanced"):
        return step.seq""",
        hints=(
            "Search the facts, not the messages. The cell above prints all of them.",
            "When the leader knows that all have it, the high watermark moves.",
            'The first step of cluster.trace.facts("HighWatermarkAdvanced") is one of them.',
        ),
        insight="every question about a run is a question to its trace.",
        check=check_moment_function,
        traps=(
            ("""right = scenario("00").hello(seed=7)
right = right.sent(right.message("Produce", answer=True))
def moment(cluster):
    return right""", "is right under seed 7. Under seed"),
            ("def moment(cluster):\n    return 3", "no broker has the record at this step"),
            ("""def moment(cluster):
    return next(cluster.trace.facts("RecordsDelivered"))[0].seq""",
             "the promise is already given"),
        ),
    ),
    Exercise(
        id="0.4",
        title="One broker less",
        kind="predict",
        statement="""Any of the three brokers may be the one that dies. For each of them: which
partitions of the first picture (seed 7) give their **readers** no answer right after it? A list of
partitions for each broker, like `[0, 2]`.""",
        name="no_answer",
        stub="no_answer = {1: ..., 2: ..., 3: ...}",
        solution="""run = scenario("00").hello(seed=7)
led_by = {p: run.leader("kinaction_helloworld", p) for p in range(3)}
no_answer = {broker: [p for p in range(3) if led_by[p] == broker] for broker in (1, 2, 3)}""",
        hints=(
            "Look for ★, not for ●.",
            "One column at a time: in which row stands its ★?",
            '`scenario("00").hello(seed=7).leader("kinaction_helloworld", p)` tells you.',
        ),
        insight="a topic fails in columns: readers wait where the leader died. For writers see "
        "the next exercise.",
        check=check_dead,
        traps=(
            ("no_answer = {b: [0, 1, 2] for b in (1, 2, 3)}", "A row died; only the column"),
            ("no_answer = {b: [] for b in (1, 2, 3)}", "and do not serve them"),
            ("no_answer = {1: 'partition 1', 2: [], 3: []}", "a list of partitions like [0, 2]"),
        ),
    ),
    Exercise(
        id="0.5",
        title="Lose the question",
        kind="code",
        statement="""We lost the answer. Now lose the **question**: write `lose_request(cluster)`.
It forks a finished hello world, drops the Produce *request* that carries it, runs the fork for 40
seconds and returns the fork.""",
        name="lose_request",
        stub="def lose_request(cluster):\n    ...",
        solution="""def lose_request(cluster):
    request = cluster.message("Produce", value="hello world")
    other = cluster.fork(at=cluster.sent(request))
    other.drop(message=request)
    return other.run(seconds=40)""",
        hints=(
            "Which token carries the value: the blue or the green one?",
            '`cluster.message("Produce", value="hello world")` is the number of the request.',
            "Fork at the step that sent it, cluster.sent(request): there it is under way.",
        ),
        insight="stored once again, this time by the second try. The producer cannot tell a lost "
        "question from a lost answer, so it has to ask again.",
        check=check_fork,
        traps=(
            (
                """def lose_request(cluster):
    answer = cluster.message("Produce", value="hello world", answer=True)
    other = cluster.fork(at=cluster.sent(answer))
    other.drop(message=answer)
    return other.run(seconds=40)""",
                "the record was already stored when you dropped it",
            ),
            (
                """def lose_request(cluster):
    request = cluster.message("Produce", value="hello world")
    other = cluster.fork(at=cluster.sent(request))
    other.drop(message=request)
    return other""",
                "before the second try",
            ),
            (
                """def lose_request(cluster):
    return cluster.fork().run(seconds=40)""",
                "0 messages were lost",
            ),
            (
                """def lose_request(cluster):
    request = cluster.message("Produce", value="hello world")
    cluster.drop(message=request)
    return cluster.run(seconds=40)""",
                "is not under way now",
            ),
        ),
    ),
    Exercise(
        id="0.6",
        title="What the dice decide",
        kind="predict",
        statement="Six facts of a hello world: "
        + ", ".join(f'`"{name}"`' for name in FACTS)
        + ". Which of them change with the seed? Put those into the set.",
        name="rolled",
        stub="rolled = {...}",
        solution='rolled = {"leader of partition 1", "time of the ack"}',
        hints=(
            "Two groups: what is computed or promised, and what is rolled.",
            'Look at scenario("00").hello(seed=23) beside seed 7.',
            "Two of the six change.",
        ),
        insight="chance is the world's. What Kafka computes and promises does not hang on it.",
        check=check_seed,
        traps=(
            ('rolled = {"partition of the key"}', "“alert” is partition 1 of 3 on every machine"),
            ('rolled = {"time of the ack"}', "one more changes: leader of partition 1"),
            ('rolled = {"what acks=all promises", "time of the ack"}', "a promise that hung on"),
            ('rolled = {"the weather"}', "none of 'partition of the key'"),
            ('rolled = "time of the ack"', "a set of names"),
        ),
    ),
    Exercise(
        id="0.7",
        title="Hold up the answer",
        kind="attack",
        statement="""Now **five** brokers, and still three copies of each partition. Write
`attack(cluster)`: with **one** kill and nothing else, make the answer to the *next* record with key
"alert" (partition 1, `acks=all`) take more than 5 seconds. It is sent right after your attack.""",
        name="attack",
        stub="def attack(cluster):\n    ...",
        solution="""def attack(cluster):
    cluster.kill(cluster.isr("kinaction_helloworld", 1)[-1])""",
        hints=(
            "Whom does the answer wait for?",
            "For every broker that is in sync for partition 1: a dead one too, until it is missed.",
            'cluster.isr("kinaction_helloworld", 1) names them. Kill one, and wait for nothing.',
        ),
        insight="a dead broker is missed, not noticed, and that takes a timeout.",
        check=check_attack,
        traps=(
            (
                """def attack(cluster):
    in_sync = cluster.isr("kinaction_helloworld", 1)
    cluster.kill(next(broker for broker in cluster.brokers if broker not in in_sync))""",
                "Nobody was waiting for broker",
            ),
            (
                """def attack(cluster):
    cluster.kill(cluster.leader("kinaction_helloworld", 1))
    cluster.run(seconds=20)""",
                "Nobody was waiting for broker",
            ),
            (
                """def attack(cluster):
    for broker in cluster.isr("kinaction_helloworld", 1):
        cluster.kill(broker)""",
                "more was done than one kill",
            ),
            ("def attack(cluster):\n    cluster.kill('broker 1')", "there is no node"),
        ),
    ),
)
