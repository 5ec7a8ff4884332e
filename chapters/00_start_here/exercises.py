"""Exercises and predictions of chapter 00."""

from collections.abc import Callable
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
from kinaction.course.observe import appends, calls, cone, fact_steps, messages_of

SEEDS = (7, 11, 23)
runs = scenario("00")
TOPIC = runs.TOPIC
COUNTS = ("2", "5 to 10", "more than 10")
MAILBOX = "a broker is a mailbox: one message there, one back"


def delivered_at(cluster: Any) -> int:
    """The step in which the producer learned that its record is acknowledged."""
    return next(fact_steps(cluster.trace, "RecordsDelivered", topic=TOPIC)).seq


def messages_for_one_record(seed: int) -> int:
    """The messages between `produce` and the printed answer that the call caused."""
    cluster = runs.hello(seed)
    called = next(calls(cluster.trace, "produce")).seq
    return messages_of(cone(cluster.trace, called, delivered_at(cluster)))


def count_choice(count: int) -> str:
    """The choice that a number of messages belongs to."""
    if count > 10:
        return COUNTS[2]
    return COUNTS[0] if count <= 2 else COUNTS[1]


def check_messages(answer: Any) -> Verdict:
    """0.1: the choice that holds under every seed."""
    one_of(str(answer), COUNTS)
    counted = {seed: messages_for_one_record(seed) for seed in SEEDS}
    if all(count_choice(count) == str(answer) for count in counted.values()):
        return solved(f"{counted[7]} messages under seed 7, and never as few as a mailbox needs.")
    if str(answer) == COUNTS[0]:
        return wrong(
            "that is the record and its answer. The copies are messages too, and the first token "
            f"is a question asked before anybody knew where to send. Seed 7: {counted[7]}.",
            misconception=MAILBOX,
            see="the hollow tokens at the start of the picture",
        )
    return wrong(
        f"seed 7 needs {counted[7]}: each copy is fetched, with a question and an answer.",
        misconception="the leader pushes a copy to each follower",
        see="the purple squares",
    )


def stored_not_acknowledged(cluster: Any) -> tuple[int, int]:
    """The first step after the third copy was stored, and the first after the acknowledgment."""
    third = [step.seq for step, end in appends(cluster.trace, TOPIC, 1) if end == 1][2]
    return third, delivered_at(cluster)


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
    first, acknowledged = stored_not_acknowledged(cluster)
    if step < first:
        return wrong(
            f"{where}, step {step}: one of the three brokers has not stored the record yet.",
            misconception="a record on the leader is safe",
            see=f"column partition 1, step {first}",
        )
    if step >= acknowledged:
        return wrong(
            f"{where}, step {step}: here the promise is already given; go back until the green "
            "token has not yet arrived.",
            misconception=8,
            see=f"step {acknowledged}",
        )
    return solved()


def check_moment_function(moment: Callable[[Any], Any]) -> Verdict:
    """0.3: the same, computed from the trace of any cluster."""
    for seed, brokers in ((1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (2, 5)):
        cluster = runs.hello(seed, brokers)
        step = moment(cluster)
        if step is None:
            return unanswered()
        verdict = judge_moment(cluster, step, f"seed {seed} on {brokers} brokers")
        if not verdict.solved:
            return verdict
    return solved()


def served(cluster: Any, dead: int) -> dict[int, str]:
    """For each partition: "serves" or "waits", right after that broker was killed."""
    leaders = {partition: cluster.leader(TOPIC, partition) for partition in range(3)}
    return {p: "waits" if leader == dead else "serves" for p, leader in leaders.items()}


def check_dead(answer: Any) -> Verdict:
    """0.4: which partitions wait, for each broker that may die."""
    cluster = runs.hello(7)
    table = with_keys(answer, (1, 2, 3))
    for dead in (1, 2, 3):
        said = with_keys(table[dead], (0, 1, 2))
        truth = served(cluster, dead)
        for partition in range(3):
            one_of(said[partition], ("serves", "waits"))
            if said[partition] != truth[partition]:
                return wrong(
                    f"broker {dead} dies, partition {partition}: it {truth[partition]}, because "
                    f"its ★ stands in row {cluster.leader(TOPIC, partition)}.",
                    misconception="a dead broker stops the whole topic",
                    see="the ★ of each column",
                )
    return solved()


def check_fork(fork: Callable[[Any], Any]) -> Verdict:
    """0.5: forks, drops the request, runs; the log is compared with what the function returns."""
    for seed in (7, 11):
        cluster = runs.hello(seed)
        other = fork(cluster)
        if other is None:
            return unanswered()
        verdict = judge_fork(cluster, other)
        if not verdict.solved:
            return verdict
    return solved()


def judge_fork(cluster: Any, other: Any) -> Verdict:
    """Whether `other` is the fork of `cluster` in which exactly the first Produce was lost."""
    dropped = [fact for _, fact in other.trace.facts("MessageDropped")]
    if len(dropped) != 1:
        return wrong(f"{len(dropped)} messages were dropped in the fork, not one.")
    request = cluster.message("Produce", value="hello world")
    if dropped[0].number != request:
        return wrong(
            f"message {dropped[0].number} was dropped. Was the record stored already? The request "
            f"that carries it is message {request}.",
            misconception="a lost answer is a lost record",
            see="which token carries the value",
        )
    if not list(fact_steps(other.trace, "RecordsDelivered", topic=TOPIC)):
        return wrong("the fork ends before the second try: run it for 40 seconds.")
    return solved()


FACTS = (
    "partition of the key",
    "offset of the record",
    "leader of partition 1",
    "time of the ack",
    "number of copies",
    "what acks=all promises",
)


def fact_of(cluster: Any, name: str) -> object:
    """One of the six facts of a run."""
    delivered = next(fact for _, fact in cluster.trace.facts("RecordsDelivered"))
    return {
        FACTS[0]: delivered.partition,
        FACTS[1]: delivered.base_offset,
        FACTS[2]: cluster.leader(TOPIC, 1),
        FACTS[3]: cluster.trace[delivered_at(cluster)].at_ms,
        FACTS[4]: len(list(appends(cluster.trace, TOPIC, 1))),
        FACTS[5]: len(list(appends(cluster.trace, TOPIC, 1))),
    }[name]


def check_seed(answer: Any) -> Verdict:
    """0.6: which facts differ between ten seeds."""
    if not isinstance(answer, set) or ... in answer:
        return unanswered()
    clusters = [runs.hello(seed) for seed in range(1, 11)]
    changing = [n for n in FACTS if len({fact_of(cluster, n) for cluster in clusters}) > 1]
    for name in sorted(answer, key=str):
        one_of(name, FACTS)
        if name not in changing:
            return wrong(
                f"{name}: the same under ten seeds. What Kafka computes or promises does not hang "
                "on chance.",
                misconception="the picture is random",
            )
    left = [name for name in changing if name not in answer]
    if left:
        return wrong(f"{left[0]} changes too: the dice decide it.")
    return solved()


def check_attack(attack: Callable[[Any], Any]) -> Verdict:
    """0.7: one kill before the next record, whose ack then comes after more than five seconds."""
    for seed in SEEDS:
        verdict = judge_attack(runs.prepared(seed), attack)
        if not verdict.solved:
            return verdict
    return solved()


def judge_attack(cluster: Any, attack: Callable[[Any], Any]) -> Verdict:
    """Run the attack, send a record, measure its ack."""
    producer = cluster.producer({"acks": "all"})
    attack(cluster)
    kills = len(list(fact_steps(cluster.trace, "NodeCrashed")))
    if kills == 0:
        return unanswered()
    producer.produce(TOPIC, key="alert", value="are you there?", on_delivery=runs.silent)
    producer.flush()
    sent = [step.at_ms for step in calls(cluster.trace, "produce")][-1]
    acks = [step.at_ms for step in fact_steps(cluster.trace, "RecordsDelivered", topic=TOPIC)]
    if kills > 1:
        return wrong(f"{kills} kills; one is enough.")
    if not acks:
        return wrong("the record was never acknowledged: that is more than a delay.")
    if acks[-1] - sent <= 5_000:
        return wrong(
            f"the ack came after {acks[-1] - sent} ms: nobody was waiting for this broker.",
            misconception="a dead broker is noticed at once",
        )
    return solved()


PREDICTIONS = (
    Prediction(
        id="0.A",
        question="How many messages travel between `produce` and the printed answer?",
        choices=(
            Choice(text=COUNTS[0], reply="A broker is no mailbox.", misconception=MAILBOX),
            Choice(text=COUNTS[1], reply="Copies are fetched, and the way has to be asked first."),
            Choice(text=COUNTS[2], reply="Asking the way, the record, its copies, the answer."),
        ),
        truth=lambda: count_choice(messages_for_one_record(7)),
    ),
    Prediction(
        id="0.B",
        question="In which order do the four moments come?",
        choices=(
            Choice(
                text="1, 2, 3, 4", reply="The leader must hear of the copies before it answers."
            ),
            Choice(
                text="3, 1, 2, 4",
                reply="That would be acks=1: an answer as soon as the leader has it.",
                misconception=12,
            ),
            Choice(
                text="1, 3, 2, 4",
                reply="The leader knows of a copy only when the follower asks for what comes next.",
                misconception="the leader pushes copies, so it knows at once",
            ),
        ),
        truth=fixed("1, 2, 3, 4"),
    ),
    Prediction(
        id="0.C",
        question="You stepped back until the log was empty. What did that do to the cluster?",
        choices=(
            Choice(text="it undid the send", reply="The record is still there: press End."),
            Choice(text="nothing, it showed an earlier state", reply="The slider only reads."),
            Choice(text="it ran everything again", reply="The trace has as many steps as before."),
        ),
        truth=fixed("nothing, it showed an earlier state"),
    ),
    Prediction(
        id="0.D",
        question="The broker that led partition 1 is dead. Where is hello world?",
        choices=(
            Choice(text="gone", reply="Two other brokers have it.", misconception=10),
            Choice(
                text="there, and readable at once", reply="Nobody serves it until it is missed."
            ),
            Choice(
                text="there, but nobody serves it for about 9 s", reply="Then a copy takes over."
            ),
            Choice(
                text="there, but nobody serves it for about 30 s",
                reply="30 s is replica.lag.time.max.ms, another clock. Here it is 9 s.",
            ),
        ),
        truth=fixed("there, but nobody serves it for about 9 s"),
    ),
    Prediction(
        id="0.E",
        question="The answer is lost. How many hello worlds are in the log after 40 seconds?",
        choices=(
            Choice(text="0", reply="It was stored before its answer was lost."),
            Choice(text="1", reply="The producer sends again, and the broker knows it already."),
            Choice(text="2", reply="So it was once. Idempotence is on by default since Kafka 3.0."),
        ),
        truth=fixed("1"),
    ),
    Prediction(
        id="0.F",
        question="What is different under seed 8?",
        choices=(
            Choice(text="nothing", reply="Times and leaders are rolled."),
            Choice(text="the partition of the key", reply="That is computed: a hash of its bytes."),
            Choice(
                text="who leads, and when the ack comes", reply="Chance; Kafka computes the rest."
            ),
        ),
        truth=fixed("who leads, and when the ack comes"),
    ),
)

EXERCISES = (
    Exercise(
        id="0.1",
        title="How many messages?",
        kind="predict",
        statement="""How many messages does one hello world take, from `produce` to the printed
answer: `"2"`, `"5 to 10"` or `"more than 10"`? Your choice must hold under every seed.""",
        name="messages",
        stub="messages = ...",
        solution='messages = "more than 10"',
        hints=(
            "Count the colours in the picture, not the pills.",
            "What did the client have to ask before it could send?",
            "Two copies are fetched, each with a question and an answer; add the way there.",
        ),
        insight="Kafka is a conversation between machines.",
        check=check_messages,
        traps=(('messages = "2"', "mailbox"), ('messages = "many"', "none of '2'")),
    ),
    Exercise(
        id="0.2",
        title="Stored, not promised",
        kind="moment",
        statement="""Find a step at which the record is on **all three** brokers and is **not yet**
acknowledged, for seed 7 and for seed 11. `scenario("00").hello(seed=11)` shows you the other run.""",
        name="moments",
        stub="moments = {7: ..., 11: ...}",
        solution="""def between(cluster):
    path = "partitions/kinaction_helloworld-1/log_end_offset"
    stored = [s.seq for s in cluster.trace for changed, _, new in s.changed if changed == path and new == 1]
    return stored[2]

moments = {seed: between(scenario("00").hello(seed)) for seed in (7, 11)}""",
        hints=(
            "Three filled cells in column partition 1, and no green token at the producer.",
            "Use [ and ] to go from one append to the next.",
            "The interval begins when the second purple square has landed.",
        ),
        insight="being stored everywhere and being acknowledged are two moments.",
        check=check_moment,
        misconceptions=(8,),
        traps=(
            ("moments = {7: 0, 11: 0}", "has not stored the record yet"),
            ("moments = {7: 100_000, 11: 100_000}", "the promise is already given"),
        ),
    ),
    Exercise(
        id="0.3",
        title="Let the trace say it",
        kind="code",
        statement="""Write `moment(cluster)`: it returns such a step for **any** seed, read from
`cluster.trace`. A step has `.seq` and `.changed`, a list of `(path, old, new)`; a copy of partition
1 that grew to one record is `("partitions/kinaction_helloworld-1/log_end_offset", 0, 1)`.""",
        name="moment",
        stub="def moment(cluster):\n    ...",
        solution="""def moment(cluster):
    path = "partitions/kinaction_helloworld-1/log_end_offset"
    stored = [s.seq for s in cluster.trace for changed, _, new in s.changed if changed == path and new == 1]
    return stored[2]""",
        hints=(
            "Search what changed, not the messages.",
            "What is the last append of three?",
            "Collect the seq of every step in which that path becomes 1, and take the third.",
        ),
        insight="every question about a run is a question to its trace.",
        check=check_moment_function,
        traps=(("def moment(cluster):\n    return 3", "has not stored the record yet"),),
    ),
    Exercise(
        id="0.4",
        title="One broker less",
        kind="predict",
        statement="""For each broker that may die (1, 2, 3): which of the partitions 0, 1, 2 of
`scenario("00").hello(seed=7)` still `"serves"` right after the kill, and which `"waits"`?""",
        name="after_kill",
        stub="""after_kill = {
    1: {0: ..., 1: ..., 2: ...},
    2: {0: ..., 1: ..., 2: ...},
    3: {0: ..., 1: ..., 2: ...},
}""",
        solution="""leaders = {p: scenario("00").hello(seed=7).leader("kinaction_helloworld", p) for p in range(3)}
after_kill = {
    dead: {p: "waits" if leaders[p] == dead else "serves" for p in range(3)} for dead in (1, 2, 3)
}""",
        hints=(
            "Look for ★, not for ●.",
            "One column at a time: in which row stands its ★?",
            "`cluster.leader(topic, partition)` tells you.",
        ),
        insight="a topic fails in columns: only the column whose leader died waits.",
        check=check_dead,
        traps=(
            (
                'after_kill = {b: {p: "waits" for p in range(3)} for b in (1, 2, 3)}',
                "because its ★ stands in row",
            ),
        ),
    ),
    Exercise(
        id="0.5",
        title="Lose the question",
        kind="code",
        statement="""We lost the answer. Now lose the **question**: write `lose_request(cluster)`
that forks a finished `hello` run, drops the Produce *request* that carries "hello world", runs the
fork for 40 seconds and returns it.""",
        name="lose_request",
        stub="def lose_request(cluster):\n    ...",
        solution="""def lose_request(cluster):
    request = cluster.message("Produce", value="hello world")
    other = cluster.fork(at=cluster.sent(request))
    other.drop(message=request)
    other.run(seconds=40)
    return other""",
        hints=(
            "Which token carries the value?",
            '`cluster.message("Produce", value="hello world")` is its number.',
            "Fork when it was sent, that is before its arrival.",
        ),
        insight="the producer cannot tell a lost question from a lost answer, so it asks again.",
        check=check_fork,
        misconceptions=(),
        traps=(
            (
                """def lose_request(cluster):
    answer = cluster.message("Produce", value="hello world", answer=True)
    other = cluster.fork(at=cluster.sent(answer))
    other.drop(message=answer)
    other.run(seconds=40)
    return other""",
                "Was the record stored already?",
            ),
        ),
    ),
    Exercise(
        id="0.6",
        title="What the dice decide",
        kind="predict",
        statement="Which of these change with the seed? "
        + ", ".join(f'`"{f}"`' for f in FACTS)
        + ". Keep those that do.",
        name="rolled",
        stub="rolled = {...}",
        solution='rolled = {"leader of partition 1", "time of the ack"}',
        hints=(
            "Two groups: what is computed, and what is rolled.",
            "Run seed 8 and compare.",
            "Two of the six change.",
        ),
        insight="chance is the world's; what Kafka computes and promises does not depend on it.",
        check=check_seed,
        traps=(
            ('rolled = {"partition of the key"}', "the same under ten seeds"),
            ('rolled = {"time of the ack"}', "leader of partition 1 changes too"),
        ),
    ),
    Exercise(
        id="0.7",
        title="Hold up the ack",
        kind="attack",
        statement="""Write `attack(cluster)`: with **one** kill and no other fault, make the ack of
the *next* record with key "alert" (partition 1, acks=all) come more than 5 s late.""",
        name="attack",
        stub="def attack(cluster):\n    ...",
        solution="""def attack(cluster):
    cluster.kill(cluster.leader("kinaction_helloworld", 1))""",
        hints=(
            "Whom does the ack wait for?",
            "Every broker that has a copy in sync holds acks=all, until it is missed.",
            "Kill such a broker *before* the record is sent.",
        ),
        insight="a dead broker is missed, not noticed, and that takes a timeout.",
        check=check_attack,
        traps=(
            (
                """def attack(cluster):
    cluster.kill(1)
    cluster.run(seconds=20)""",
                "nobody was waiting for this broker",
            ),
        ),
    ),
)
