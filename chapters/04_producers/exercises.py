"""Exercises and predictions of chapter 04."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

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
from kinaction.course.observe import appends, fact_steps

SEEDS = (7, 11, 23)
UNEVEN = (1, 7, 11)
"""Under the first, the follower that gets m7 first is not the one that is elected (tested)."""
runs = scenario("04")
TOPIC = runs.TOPIC


# -- 4.1 and the first predictions ------------------------------------------------------------


def used(cluster: Any) -> int:
    """How many of three partitions hold a record."""
    return sum(bool(cluster.log(TOPIC, partition)) for partition in range(3))


def check_partitions_used(answer: Any) -> Verdict:
    """4.1: the number of partitions in use, the same under every seed."""
    table = with_keys(answer, (12, 120, 6_000))
    for count, said in table.items():
        one_of(said, (1, 2, 3))
        for seed in SEEDS:
            cluster = runs.without_keys(seed, count, 100)
            if used(cluster) != said:
                return judge_partitions_used(cluster, seed, count)
    return solved()


def judge_partitions_used(cluster: Any, seed: int, count: int) -> Verdict:
    """The reply to a wrong number of partitions."""
    sent = [flight for flight in cluster.trace.flights()
            if flight.message.api == "Produce" and flight.message.is_request]
    found = f"seed {seed}, {count} records: {used(cluster)} of the three partitions"
    if len(sent) == 1:
        return wrong(
            f"{found}. One request took them all. One record each in turn was the default before "
            "Kafka 2.4.",
            misconception=6, see=f"the one Produce request, step {sent[0].sent_seq}")
    return wrong(
        f"{found}. They are {sum(runs.batch_bytes(one.message) for one in sent)} bytes, and every "
        "16,384 or so the producer moves on.", see=f"the {len(sent)} Produce requests")


def keyless_choice() -> str:
    """4.A: what twelve records without a key do under seed 7."""
    cluster = runs.without_keys(7, 12)
    if used(cluster) == 1 and len(list(runs.requests(cluster))) == 1:
        return KEYLESS[2]
    return KEYLESS[0] if used(cluster) == 3 else KEYLESS[1]


KEYLESS = (
    "4, 4 and 4", "about 4 each, by chance", "all twelve in one, in one request",
    "all twelve in one, in twelve requests",
)


# -- 4.2 ---------------------------------------------------------------------------------------


class Salted(bytes):
    """The same bytes in a Python that was started with another hash seed."""

    def __hash__(self) -> int:
        return ~super().__hash__()

    def decode(self, *how: Any, **named: Any) -> str:
        """The text, salted too."""
        return SaltedText(super().decode(*how, **named))


class SaltedText(str):
    """The same text in a Python that was started with another hash seed."""

    __slots__ = ()

    def __hash__(self) -> int:
        return ~super().__hash__()


def random_keys(seed: int, count: int = 240) -> list[bytes]:
    """Trams of four depots; every fourth belongs to depot N."""
    dice = Random(seed)
    return [f"{'AKNS'[number % 4]}-{int(dice.random() * 100_000)}".encode()
            for number in range(count)]


def check_partitioner(partitioner: Callable[[bytes, int], Any]) -> Verdict:
    """4.2: range, determinism, the depot's rule, and all other partitions in use."""
    for seed in (1, 2, 3, 4, 5, 6):
        for partitions in (2, 3, 6, 7):
            verdict = judge_partitioner(partitioner, random_keys(seed), partitions)
            if verdict is not None:
                return verdict
    keys = [key.decode() for key in random_keys(7, 24)]
    placed = runs.places({"partitioner.class": partitioner}, keys)
    if any(placed[key] != partitioner(key.encode(), 3) for key in keys):
        return wrong("in a real run a key went elsewhere than your function said before.")
    return solved()


def judge_partitioner(
    partitioner: Callable[[bytes, int], Any], keys: list[bytes], partitions: int
) -> Verdict | None:
    """What is wrong with it for this many partitions; None: nothing."""
    last = partitions - 1
    others = set()
    for key in keys:
        chosen = partitioner(key, partitions)
        where = f"{key.decode()} of {partitions} partitions"
        if not isinstance(chosen, int) or not 0 <= chosen < partitions:
            raise BadAnswer(f"{where}: a partition is an int from 0 to {last}, not {chosen!r}")
        if partitioner(Salted(key), partitions) != chosen:
            return wrong(
                f"{where}: it moved when Python was started again. Python salts hash() anew in "
                "every process, so a restarted producer would send this tram elsewhere.",
                misconception="a hash is a hash")
        if chosen != partitioner(key, partitions):
            return wrong(f"{where}: two calls, two answers.")
        if key.startswith(b"N-") != (chosen == last):
            whose = "does not belong to depot N" if chosen == last else "belongs to depot N"
            return wrong(f"{where}: it {whose}, and you put it in {chosen}.")
        others.add(chosen)
    unused = sorted(set(range(partitions)) - others)
    return wrong(f"{partitions} partitions: nobody uses {unused}.") if unused else None


# -- 4.3, 4.4: acks ----------------------------------------------------------------------------


def check_audit(answer: Any) -> Verdict:
    """4.3: the leader dies at every instant around the ack; what was reported is still there."""
    given = with_keys(answer, ("acks", "replication_factor"))
    acks = str(one_of(given["acks"], (0, 1, -1, "0", "1", "-1", "all")))
    factor = int(str(one_of(given["replication_factor"], (1, 2, 3))))
    for seed in SEEDS:
        cluster = runs.two_records({"acks": acks}, seed, factor=factor, between=(1, 3))
        for at in runs.instants(cluster, *around_the_ack(cluster)):
            verdict = judge_audit(runs.without_leader(cluster, at), acks, factor, seed, at)
            if verdict is not None:
                return verdict
    return solved()


def around_the_ack(cluster: Any) -> tuple[int, int]:
    """From the send of m7 to a round trip after it was reported, as steps."""
    sent = cluster.sent(cluster.message("Produce", value="m7"))
    reported = list(fact_steps(cluster.trace, "RecordsDelivered"))[-1]
    return sent, max(step.seq for step in cluster.trace if step.at_ms <= reported.at_ms + 6)


def judge_audit(fork: Any, acks: str, factor: int, seed: int, at: int) -> Verdict | None:
    """Whether a reported m7 is gone in this fork; None: it is not."""
    if not runs.was_reported(fork, "m7") or runs.copies(fork, "m7"):
        return None
    see = f"seed {seed}: the leader dies after step {at}"
    if factor == 1:
        return wrong(
            "the leader is dead, and there is nobody to have a copy. With one replica acks=all "
            "asks one replica.", misconception=8, see=see)
    if acks == "0":
        return wrong(
            "the producer called it delivered when it was sent, and it never arrived.",
            misconception="acks=0 is only faster", see=see)
    return wrong(str(runs.losses(fork)[0]), misconception=12, see=see)


def check_moments(moments: Callable[[Any], Any]) -> Verdict:
    """4.4: under three seeds, one step that loses m7 and one that does not."""
    for seed in UNEVEN:
        cluster = runs.two_records({"acks": "1"}, seed, between=(2, 6))
        answer = moments(cluster)
        if answer is None:
            return unanswered()
        if not isinstance(answer, tuple | list) or not all(isinstance(at, int) for at in answer):
            raise BadAnswer(f"two steps are expected, (loses, keeps), not {answer!r}")
        if len(answer) != 2:
            raise BadAnswer(f"two steps are expected, not {len(answer)}")
        verdict = judge_moments(cluster, seed, *answer)
        if verdict is not None:
            return verdict
    return solved()


def judge_moments(cluster: Any, seed: int, losing: int, keeping: int) -> Verdict | None:
    """What is wrong with the two steps in this run; None: nothing."""
    acked = cluster.received(cluster.message("Produce", value="m7", answer=True))
    came = runs.verdict(cluster, losing)
    if came != "acked, yet lost":
        where = f"seed {seed}, step {losing}: {came}"
        if losing < acked:
            return wrong(
                f"{where}. It was never acknowledged, so no promise was broken: the producer "
                "sent it again, to the next leader.",
                misconception=12, see=f"the ack, step {acked}")
        return wrong(
            f"{where}. By then a follower has been answered; go back.",
            see="the Fetch answers of the leader")
    if keeping < acked:
        return wrong(f"seed {seed}, step {keeping}: here it is not acknowledged yet; take a later "
                     f"step than {acked}.")
    came = runs.verdict(cluster, keeping)
    return None if came == "stored once" else not_kept(cluster, f"seed {seed}, step {keeping}",
                                                       keeping)


def not_kept(cluster: Any, where: str, step: int) -> Verdict:
    """The reply to a step that loses m7, given as one that does not."""
    holders = [held.node for held, end in appends(cluster.trace, TOPIC, 0)
               if end == 3 and held.seq <= step]
    if len(holders) == 1:
        return wrong(f"{where}: acked, yet lost. Nobody but the leader, broker {holders[0]}, had "
                     "it.", misconception=12, see="who has the third record, and since when")
    return wrong(
        f"{where}: acked, yet lost. Broker {holders[1]} had a copy, and the controller elected the "
        "other follower: it takes the first living replica in sync.",
        misconception="the longest log becomes the leader", see="who has the third record")


def dies_after_3_ms() -> str:
    """4.E: the verdict on acks=1, three ms after the send."""
    cluster = runs.two_records({"acks": "1"})
    came = runs.verdict(cluster, runs.after(cluster, "m7", 3))
    return {"acked, yet lost": FATE[0], "stored once": FATE[1], "stored twice": FATE[2]}[came]


FATE = (
    "acknowledged, and lost", "it survives", "it is stored twice", "the producer reports an error",
)


def default_acks() -> str:
    """4.F: what a producer has for acks when nobody says anything."""
    cluster = runs.one_record({})
    return f"acks={cluster.trace.state['producer-1']['producer/acks']}"


def who_is_all() -> str:
    """4.G: whom acks=all waited for after a follower's death."""
    cluster = runs.prepared(7, **runs.CALM)
    producer = cluster.producer({})
    leader = cluster.leader(TOPIC)
    cluster.kill(next(broker for broker in cluster.isr(TOPIC) if broker != leader))
    begun_ms = cluster.now_ms
    producer.produce(TOPIC, value="door open")
    if producer.flush(60):
        return WHO[0]
    return WHO[1] if cluster.now_ms - begun_ms < 1_000 else WHO[2]


WHO = (
    "never: one of the three replicas is dead",
    "at once: min.insync.replicas is 1, and two are alive",
    "after some seconds, when the dead one no longer counts as in sync",
)


# -- 4.5, 4.6: resends -------------------------------------------------------------------------


def check_order(config: Any) -> Verdict:
    """4.5: one request lost, eight seeds: send order, once each, more than one in flight."""
    if not isinstance(config, Mapping):
        raise BadAnswer(f"a producer's config is a dict, not {config!r}")
    most = 0
    for seed in (1, 2, 3, 4, 5, 6, 7, 8):
        lost = f"m{2 + seed % 5}"
        try:
            cluster = runs.five_in_flight(config, seed, lost)
        except Exception as error:  # noqa: BLE001  whatever a config may raise
            return wrong(f"no producer can be made of this: {error}")
        found = runs.values(cluster)
        if found != ["m1", "m2", "m3", "m4", "m5", "m6"]:
            again = next(fact_steps(cluster.trace, "BatchResent"), None)
            see = f"the first resend, step {again.seq}" if again else "who tried again"
            return wrong(f"seed {seed}, {lost} lost: the log has {' '.join(found)}.", see=see)
        most = max(most, runs.most_in_flight(cluster))
    if most < 2:
        return wrong(
            f"in order, and six records without any fault take {takes(config)} ms. With five in "
            f"flight and numbers they take {takes({})} ms, in order too: one in flight is not "
            "needed.", misconception=20)
    return solved()


def takes(config: Mapping[str, Any]) -> int:
    """How long m2 to m6 take when nothing is lost, in ms."""
    cluster = runs.five_in_flight(config, lost=None)
    told = [step.at_ms for step in fact_steps(cluster.trace, "RecordsDelivered")]
    return int(told[-1] - told[0])


CASES = ("lost answer", "the application calls again", "a new producer")


def copies_of(case: str, seed: int) -> int:
    """How often "door open" stands in the log."""
    if case == CASES[0]:
        return int(runs.copies(runs.lost_answer(runs.one_record({}, seed)), "door open"))
    cluster = runs.one_record({}, seed)
    producer = cluster.clients["producer-1"] if case == CASES[1] else cluster.producer({})
    producer.produce(TOPIC, key="tram-4", value="door open")
    producer.flush()
    return int(runs.copies(cluster, "door open"))


def check_copies(answer: Any) -> Verdict:
    """4.6: copies of one record in three cases, under every seed."""
    for case, said in with_keys(answer, CASES).items():
        one_of(said, (0, 1, 2))
        for seed in SEEDS:
            found = copies_of(case, seed)
            if found != said:
                return judge_copies(case, seed, said, found)
    return solved()


def judge_copies(case: str, seed: int, said: int, found: int) -> Verdict:
    """The reply to a wrong number of copies."""
    where = f"{case}, seed {seed}: {found}"
    if case == CASES[0]:
        cluster = runs.lost_answer(runs.one_record({}, seed))
        known = next(fact_steps(cluster.trace, "DuplicateRecognised"))
        return wrong(f"{where}. The client's own retry has the number of the first try.",
                     misconception="a resend is a copy", see=f"step {known.seq}: recognised")
    whose = "a number of its own" if case == CASES[1] else "an id of its own"
    return wrong(
        f"{where}. The leader compares (producer id, sequence), and your second call has {whose}.",
        misconception=19 if said == 1 else None,
        see="producer id and sequence of the two batches")


def order_choice() -> str:
    """4.I: the order in the log, without and with idempotence."""
    plain = runs.values(runs.five_in_flight({"enable.idempotence": False}))
    known = runs.values(runs.five_in_flight({}))
    words = ["".join(value[1:] for value in found) for found in (plain, known)]
    return {("123456", "123456"): ORDER[0], ("134562", "123456"): ORDER[1],
            ("165432", "123456"): ORDER[2]}.get((words[0], words[1]), ORDER[3])


ORDER = (
    "1 2 3 4 5 6, with and without it",
    "1 3 4 5 6 2 without it, 1 2 3 4 5 6 with it",
    "1 6 5 4 3 2 without it, 1 2 3 4 5 6 with it",
    "mixed in both: order needs one request in flight",
)


def lost_ack_choice() -> str:
    """4.H: copies after a lost answer, without and with idempotence."""
    found = [runs.copies(runs.lost_answer(runs.one_record(config)), "door open")
             for config in ({"enable.idempotence": False}, {})]
    return f"{found[0]} without idempotence, {found[1]} with it"


# -- 4.7 ---------------------------------------------------------------------------------------


def check_city(config: Any) -> Verdict:
    """4.7: requests and median latency of 200 events, under three seeds."""
    if not isinstance(config, Mapping):
        raise BadAnswer(f"a producer's config is a dict, not {config!r}")
    if str(config.get("acks", "all")) not in {"all", "-1"} or not config.get(
            "enable.idempotence", True):
        return wrong("these are cheaper promises, and it is about time, not about promises.",
                     misconception="acks is a setting for speed")
    for seed in SEEDS:
        cost = runs.cost(runs.burst(seed, config, runs.trams(seed, 200), partitions=3))
        if cost.requests > MOST_REQUESTS:
            return wrong(
                f"seed {seed}: {cost.requests} requests, too many. There are three leaders, and "
                "each gets its own batches, so a batch fills a third as fast.",
                misconception="a batch is the producer's, not a partition's")
        if cost.median_ms > MOST_MS:
            return wrong(
                f"seed {seed}: few requests, {cost.requests}, and half of the events waited "
                f"{cost.median_ms} ms or more. That is too long.",
                misconception="a bigger batch is always better")
    return solved()


MOST_REQUESTS, MOST_MS = 45, 20


def linger_choice() -> str:
    """4.D: requests for twelve events at linger.ms 0, 5 and 50."""
    found = [runs.cost(runs.burst(7, {"linger.ms": linger}, [None] * 12)).requests
             for linger in (0, 5, 50)]
    return ", ".join(map(str, found))


# -- 4.8 and the end ---------------------------------------------------------------------------


def check_send(send: Callable[[Any, Any], Any]) -> Verdict:
    """4.8: lost requests and lost answers; every event is there, under one id each."""
    for seed in (1, 2, 3, 4, 5, 6):
        cluster, sent = runs.impatient(send, seed)
        stored = cluster.log(TOPIC)[1:]
        ids = [dict(record.headers).get("event-id") for record in stored]
        fault = "a request" if seed % 2 == 0 else "an answer"
        if None in ids:
            return wrong("a record without an event-id: a reader cannot know whether it has seen "
                         "it.", see=f"seed {seed}, the first record")
        missing = [one for one in sent
                   if one.tram.encode() not in [record.key for record in stored]]
        if len(set(ids)) < len(sent) or missing:
            return wrong(
                f"seed {seed}, {fault} is lost: {len(set(ids))} of {len(sent)} events can be told "
                "apart. on_delivery was told of the failure, and somebody has to send again, "
                "under an id that belongs to one event only.",
                misconception="the producer never gives up")
        if len(set(ids)) > len(sent):
            return wrong(
                f"seed {seed}, {fault} is lost: {len(set(ids))} ids for {len(sent)} events. Both "
                "copies look different to the reader.", misconception=19)
    return solved()


def attempts_choice() -> str:
    """4.K: what ended the attempts."""
    cluster = runs.prepared(7, topic_config={"min.insync.replicas": 3}, **runs.CALM)
    leader = cluster.leader(TOPIC)
    cluster.kill(next(broker for broker in cluster.isr(TOPIC) if broker != leader))
    cluster.run(seconds=15)
    producer = cluster.producer({"delivery.timeout.ms": 15_000, "request.timeout.ms": 5_000})
    producer.produce(TOPIC, value="door open")
    begun_ms = cluster.now_ms
    if producer.flush(600):
        return TRIES[1]
    took_ms = cluster.now_ms - begun_ms
    return TRIES[2] if 14_900 <= took_ms <= 15_100 else TRIES[0]


TRIES = ("retries: after 3 of them", "nothing: it tries for ever", "delivery.timeout.ms: 15 s")


def unknown_choice() -> str:
    """4.L: what is in the log after the producer gave up and the followers came back."""
    cluster = runs.prepared(7, **runs.CALM)
    producer = cluster.producer({"delivery.timeout.ms": 15_000, "request.timeout.ms": 5_000})
    runs.warm_up(producer)
    leader = cluster.leader(TOPIC)
    followers = [broker for broker in cluster.isr(TOPIC) if broker != leader]
    for broker in followers:
        cluster.kill(broker)
    producer.produce(TOPIC, value="door open")
    producer.flush()
    for broker in followers:
        cluster.restart(broker)
    cluster.run(seconds=20)
    return ("it is not there", "it is there, once", "it is there, once for each attempt")[
        min(runs.copies(cluster, "door open"), 2)]


def crc_choice() -> str:
    """4.C: where tram-2 goes by murmur2 and by CRC-32."""
    from zlib import crc32

    ours = runs.places({}, ["tram-2"])["tram-2"]
    theirs = runs.places({"partitioner.class": lambda key, n: crc32(key) % n}, ["tram-2"])
    return "the same, 0" if theirs["tram-2"] == ours else f"another one: {theirs['tram-2']}"


def again_choice() -> str:
    """4.J: copies after a second call and a new producer."""
    cluster = runs.prepared(7)
    for count in (2, 1):
        producer = cluster.producer({})
        for _ in range(count):
            producer.produce(TOPIC, key="tram-4", value="door open")
        producer.close()
    return str(runs.copies(cluster, "door open"))


PREDICTIONS = (
    Prediction(
        id="4.A",
        question="Who gets how many?",
        choices=(
            Choice(text=KEYLESS[0], misconception=6,
                   reply="Round robin was the default until Kafka 2.4."),
            Choice(text=KEYLESS[1], misconception="a partition is drawn for each record",
                   reply="It is drawn too, but for about 16 KiB at a time."),
            Choice(text=KEYLESS[2],
                   reply="They fit into one batch, and a batch has one partition."),
            Choice(text=KEYLESS[3], misconception="a send is a request",
                   reply="They waited for each other, and went as one batch."),
        ),
        truth=keyless_choice,
    ),
    Prediction(
        id="4.B",
        question="tram-1, tram-2 and tram-3 are all in partition 0. Where will tram-4 be?",
        choices=(
            Choice(text="0", misconception="keys that look alike go together",
                   reply="A hash makes neighbours strangers."),
            Choice(text="1", reply="No pattern says so. The hash does, in every run."),
            Choice(text="2", reply="Nothing but the hash could have told you."),
            Choice(text="it changes from time to time", misconception=6,
                   reply="Without a key, yes. With one, never, as long as the number of "
                         "partitions stays."),
        ),
        truth=lambda: str(runs.places({}, ["tram-4"])["tram-4"]),
    ),
    Prediction(
        id="4.C",
        question="tram-2 is in partition 0. In which one does the new service put it?",
        choices=(
            Choice(text="the same, 0", misconception=7,
                   reply="The broker does not look at keys. Each client hashes in its own way."),
            Choice(text="another one: 2", reply="Another hash, another partition."),
            Choice(text="the broker refuses it", misconception="the broker checks the partition",
                   reply="To a broker one partition is as good as another."),
        ),
        truth=crc_choice,
    ),
    Prediction(
        id="4.D",
        question="How many requests, for linger.ms 0, 5 and 50?",
        choices=(
            Choice(text="12, 12, 12", misconception="a send is a request",
                   reply="`produce` only puts the event into a batch."),
            Choice(text="12, 3, 1", reply="What waits together travels together."),
            Choice(text="1, 1, 1", misconception="a batch leaves when it is full",
                   reply="That alone would be so. But it leaves when its time is over, too."),
        ),
        truth=linger_choice,
    ),
    Prediction(
        id="4.E",
        question="acks=1, and the leader dies 3 ms after m7 was sent. What becomes of m7?",
        choices=(
            Choice(text=FATE[0], reply="The producer was told, and the one that knew is dead."),
            Choice(text=FATE[1], misconception=11,
                   reply="Three replicas do not help while only one of them has it."),
            Choice(text=FATE[2], reply="Nobody sent it again: the producer had its ack."),
            Choice(text=FATE[3], misconception="a producer is told of every loss",
                   reply="It had its ack already, and looks no more."),
        ),
        truth=dies_after_3_ms,
    ),
    Prediction(
        id="4.F",
        question="Which of the three is the default?",
        choices=(
            Choice(text="acks=0", reply="It never was."),
            Choice(text="acks=1", misconception=12, reply="Until Kafka 3.0."),
            Choice(text="acks=all", reply="Since Kafka 3.0, with idempotence."),
        ),
        truth=default_acks,
    ),
    Prediction(
        id="4.G",
        question="acks=all, min.insync.replicas is 1 (the default). When does the ack come?",
        choices=(
            Choice(text=WHO[0], misconception=8,
                   reply="A dead replica leaves the in-sync set, and then it is not asked."),
            Choice(text=WHO[1], misconception=8,
                   reply="min.insync.replicas is a floor: below it the leader refuses. It is not "
                         "the number that is waited for."),
            Choice(text=WHO[2], reply="All means all that are in sync now."),
        ),
        truth=who_is_all,
    ),
    Prediction(
        id="4.H",
        question="How many copies are in the log in the end?",
        choices=(
            Choice(text="0 without idempotence, 1 with it",
                   misconception="no answer means not stored",
                   reply="It was stored before its answer was lost."),
            Choice(text="1 without idempotence, 1 with it",
                   misconception="the broker compares values",
                   reply="Without a number, a resend looks like any new record."),
            Choice(text="2 without idempotence, 1 with it",
                   reply="Only a number tells a resend from a new record."),
            Choice(text="2 without idempotence, 2 with it",
                   misconception="a resend is a copy",
                   reply="With a number the leader knows it, and answers with the old offset."),
        ),
        truth=lost_ack_choice,
    ),
    Prediction(
        id="4.I",
        question="In which order does the log have them, without idempotence and with it?",
        choices=(
            Choice(text=ORDER[0], misconception="TCP keeps the order",
                   reply="TCP keeps it on one connection. The resends go over the next one."),
            Choice(text=ORDER[1],
                   reply="That would be one request vanishing alone. The connection died, so all "
                         "five came back, and each was put at the head of the queue."),
            Choice(text=ORDER[2], reply="Five came back, each to the head of the queue."),
            Choice(text=ORDER[3], misconception=20,
                   reply="Numbers keep the order of up to five requests."),
        ),
        truth=order_choice,
    ),
    Prediction(
        id="4.J",
        question="The application calls produce twice, and once more from a new producer object, "
                 "always with the same key and value. How many records?",
        choices=(
            Choice(text="1", misconception=19, reply="Contents are never compared."),
            Choice(text="2", misconception=19,
                   reply="The two calls have two numbers already."),
            Choice(text="3", reply="Three calls, three numbers."),
        ),
        truth=again_choice,
    ),
    Prediction(
        id="4.K",
        question="What ends the attempts?",
        choices=(
            Choice(text=TRIES[0], misconception="retries is 3",
                   reply="Count the attempts below."),
            Choice(text=TRIES[1], misconception="the producer never gives up",
                   reply="It has a limit, and the limit is a time."),
            Choice(text=TRIES[2], reply="One bound over all attempts and pauses."),
        ),
        truth=attempts_choice,
    ),
    Prediction(
        id="4.L",
        question="The producer has reported a failure. Now the followers come back. The record?",
        choices=(
            Choice(text="it is not there", misconception="failed means not stored",
                   reply="The leader had it all the time, and only could not finish."),
            Choice(text="it is there, once", reply="Failed means: I do not know."),
            Choice(text="it is there, once for each attempt",
                   misconception="a resend is a copy",
                   reply="The attempts carried one number, and the leader knew it."),
        ),
        truth=unknown_choice,
    ),
)

EXERCISES = (
    Exercise(
        id="4.1",
        title="How many partitions?",
        kind="predict",
        statement="""Records of 100 bytes without a key, sent in one go; three partitions. How many
partitions are in use afterwards, for 12, 120 and 6,000 records?""",
        name="partitions_used",
        stub="partitions_used = {12: ..., 120: ..., 6_000: ...}",
        solution="partitions_used = {12: 1, 120: 1, 6_000: 3}",
        hints=(
            "It is a matter of size, not of count.",
            "How many bytes is one record, with its few bytes of overhead?",
            "120 × about 107 bytes against 16,384; and 6,000 of them?",
        ),
        insight="without a key it is one partition for about batch.size bytes, then another.",
        check=check_partitions_used,
        misconceptions=(6,),
        traps=(
            ("partitions_used = {12: 3, 120: 3, 6_000: 3}", "default before Kafka 2.4"),
            ("partitions_used = {12: 1, 120: 1, 6_000: 1}", "moves on"),
        ),
    ),
    Exercise(
        id="4.2",
        title="A partition for the night depot",
        kind="code",
        statement="""The trams of depot N have keys like `b"N-17"`. They go to the last partition,
always, and nobody else does. All other keys are spread over the other partitions by a hash. Write
`to_partition(key, partitions)`: bytes and an int, to an int. There are two partitions or more.""",
        name="to_partition",
        stub="from zlib import crc32\n\ndef to_partition(key, partitions):\n"
             "    raise NotImplementedError",
        solution="""from zlib import crc32

def to_partition(key, partitions):
    if key.startswith(b"N-"):
        return partitions - 1
    return crc32(key) % (partitions - 1)""",
        hints=(
            "Two cases.",
            "Everybody else has partitions - 1 to choose from.",
            "crc32(key) % (partitions - 1), with crc32 from zlib, or murmur2 of kinaction.client.",
        ),
        insight="a partitioner is a pure function in the client; every writer needs the same one.",
        check=check_partitioner,
        misconceptions=(7,),
        traps=(
            (
                ("def to_partition(key, partitions):\n"
                "    last = partitions - 1\n"
                "    return last if key.startswith(b'N-') else hash(key) % last"),
                "Python salts hash()",
            ),
            (
                ("from zlib import crc32\ndef to_partition(key, partitions):\n"
                "    return crc32(key) % partitions"),
                "depot N",
            ),
            ("def to_partition(key, partitions):\n    return 0", "belongs to depot N"),
            ("def to_partition(key, partitions):\n    return partitions", "an int from 0 to 1"),
        ),
    ),
    Exercise(
        id="4.3",
        title="Audit events",
        kind="config",
        statement="""No event that was reported as delivered may be gone when any *one* broker dies,
at any instant, and stays dead. Change what has to be changed.""",
        name="audit",
        stub='audit = {"acks": "1", "replication_factor": 1}',
        solution='audit = {"acks": "all", "replication_factor": 3}',
        hints=(
            "Who must have it when the ack comes?",
            "One of the two is the producer's, the other the topic's.",
            'acks="all", and more than one replica. (Why min.insync.replicas=2 belongs to it: 06.)',
        ),
        insight="acks says who was asked, the replication factor who there is to ask.",
        check=check_audit,
        misconceptions=(8, 12),
        traps=(
            ('audit = {"acks": "1", "replication_factor": 3}', "leads now and does not have it"),
            ('audit = {"acks": "all", "replication_factor": 1}', "nobody to have a copy"),
            ('audit = {"acks": "0", "replication_factor": 3}', "never arrived"),
            ('audit = {"acks": "two", "replication_factor": 3}', "none of"),
        ),
    ),
    Exercise(
        id="4.4",
        title="The gap",
        kind="moment",
        statement="""acks=1, `m6` and `m7` are sent as above, with other latencies. Write
`moments(cluster)`. It gets a finished run and returns two steps: one after which the leader's death
*loses* `m7` although it was acknowledged, and a later one after which it does not. It is tried on
runs that you have not seen, so numbers alone will not do.

`appends(cluster.trace, "trams", 0)` yields (step, log end offset) whenever a replica's log grew;
`m7` is the third record.""",
        name="moments",
        stub="""from kinaction.course.observe import appends

def moments(cluster):
    return None""",
        solution="""from kinaction.course.observe import appends

def moments(cluster):
    acked = cluster.received(cluster.message("Produce", value="m7", answer=True))
    copied = [step.seq for step, end in appends(cluster.trace, "trams", 0) if end == 3]
    return acked, copied[-1]""",
        hints=(
            "Find the ack first: which message is it, and when did it arrive?",
            "Then find the steps in which a log got its third record. The first is the leader's.",
            "The ack's arrival loses it; the last of the three appends is safe.",
        ),
        insight="acks=1 has a gap, from the ack to the moment when every candidate has a copy.",
        check=check_moments,
        misconceptions=(12,),
        traps=(
            (
                ("def moments(cluster):\n"
                "    return cluster.sent(cluster.message('Produce', value='m7')), 10_000"),
                "no promise was broken",
            ),
            ("def moments(cluster):\n    return cluster.trace[-1].seq, 1", "go back"),
            (
                ("def moments(cluster):\n"
                "    ack = cluster.message('Produce', value='m7', answer=True)\n"
                "    return cluster.received(ack), cluster.received(ack)"),
                "Nobody but the leader",
            ),
            (
                ("from kinaction.course.observe import appends\n"
                "def moments(cluster):\n"
                "    ack = cluster.message('Produce', value='m7', answer=True)\n"
                "    log = appends(cluster.trace, 'trams', 0)\n"
                "    return cluster.received(ack), [step.seq for step, end in log if end == 3][1]"),
                "elected the other follower",
            ),
            ("def moments(cluster):\n    return 'now'", "two steps are expected"),
        ),
    ),
    Exercise(
        id="4.5",
        title="Mend the order",
        kind="repair",
        statement="""This producer has reordered records. The check loses one request in each of
eight runs, after a first acknowledged record. Make the order right, without lowering the number of
requests in flight.""",
        name="in_order",
        stub='in_order = {"enable.idempotence": False, "max.in.flight.requests.per.connection": 5}',
        solution='in_order = {"max.in.flight.requests.per.connection": 5}',
        hints=(
            "What did the second run of the section above have?",
            "It is one key.",
            "Remove it: the default is right.",
        ),
        insight="up to five requests in flight keep their order, by their numbers.",
        check=check_order,
        misconceptions=(20,),
        traps=(
            (
                ('in_order = {"enable.idempotence": False, '
                '"max.in.flight.requests.per.connection": 5}'),
                "the log has m1 m2 m6",
            ),
            (
                ('in_order = {"enable.idempotence": False, '
                '"max.in.flight.requests.per.connection": 1}'),
                "one in flight is not needed",
            ),
            ('in_order = {"max.in.flight.requests.per.connection": 10}', "remembers five"),
            ('in_order = {"acks": "1", "enable.idempotence": True}', "needs acks=all"),
        ),
    ),
    Exercise(
        id="4.6",
        title="How many copies?",
        kind="predict",
        statement="""Defaults, so idempotence is on. How often is the record in the log,

* when the answer is lost and the client tries again,
* when it was acknowledged and the application calls `produce` again, with the same key and value,
* when a new producer (after a restart, say) sends it again?""",
        name="copies",
        stub='copies = {"lost answer": ..., "the application calls again": ..., '
             '"a new producer": ...}',
        solution='copies = {"lost answer": 1, "the application calls again": 2, '
                 '"a new producer": 2}',
        hints=(
            "What does the leader compare?",
            "A producer id and a sequence. The value it never looks at.",
            "Who makes a new sequence, who a new id?",
        ),
        insight="it recognises the client's own retry, and nothing else.",
        check=check_copies,
        misconceptions=(19,),
        traps=(
            (
                ('copies = {"lost answer": 1, "the application calls again": 1, '
                '"a new producer": 1}'),
                "a number of its own",
            ),
            (
                ('copies = {"lost answer": 2, "the application calls again": 2, '
                '"a new producer": 2}'),
                "the number of the first try",
            ),
            (
                ('copies = {"lost answer": 1, "the application calls again": 2, '
                '"a new producer": 1}'),
                "an id of its own",
            ),
        ),
    ),
    Exercise(
        id="4.7",
        title="A busy evening",
        kind="config",
        statement="""200 events of twelve trams, one a millisecond, three partitions on three
leaders. At most 45 requests, please, and half of the events acknowledged within 20 ms. The promise
stays as it is (`acks=all`).""",
        name="busy",
        stub='busy = {"linger.ms": 5}',
        solution='busy = {"linger.ms": 16}',
        hints=(
            "How many requests does one leader get in 200 ms, at linger.ms=5?",
            "requests = 200 ms / (about linger.ms) × 3; each leader has its own batches.",
            "Try 10, 15, 20, 40.",
        ),
        insight="waiting is paid by every event, and saves a request for every batch.",
        check=check_city,
        traps=(
            ('busy = {"linger.ms": 5}', "each gets its own batches"),
            ('busy = {"linger.ms": 100}', "That is too long"),
            ('busy = {"linger.ms": 0, "acks": "1"}', "cheaper promises"),
        ),
    ),
    Exercise(
        id="4.8",
        title="An id of your own",
        kind="code",
        statement="""The producer gives up after 600 ms here, and your program has to try again:
each event must be in the log, and a reader must be able to drop the copies. Write
`send(producer, event)`: it sends the event (`event.tram`, `event.at_ms`, `event.event`) with a
header `event-id`, and sends it again when `on_delivery` reports an error. Requests and answers will
be lost.""",
        name="send",
        stub="""def send(producer, event):
    producer.produce("trams", key=event.tram, value=event.event)""",
        solution="""def send(producer, event):
    headers = {"event-id": f"{event.tram} at {event.at_ms}"}

    def again(error, message):
        if error is not None:
            attempt()

    def attempt():
        producer.produce("trams", key=event.tram, value=event.event,
                         headers=headers, on_delivery=again)

    attempt()""",
        hints=(
            "An event is one event, however often it is sent. When is its id made?",
            "Once, before the first attempt; on_delivery(error, message) starts the next one.",
            'The event itself is id enough: f"{event.tram} at {event.at_ms}".',
        ),
        insight="at least once, and an id that belongs to the event: the reader can drop the rest.",
        check=check_send,
        misconceptions=(19,),
        traps=(
            (
                ("def send(producer, event):\n"
                "    producer.produce('trams', key=event.tram, value=event.event)"),
                "without an event-id",
            ),
            (
                ("def send(producer, event):\n"
                "    producer.produce('trams', key=event.tram, value=event.event,\n"
                "                     headers={'event-id': f'{event.tram} {event.at_ms}'})"),
                "somebody has to send again",
            ),
            (
                ("from itertools import count\nids = count()\n"
                "def send(producer, event):\n"
                "    def again(error, message):\n"
                "        if error: send(producer, event)\n"
                "    producer.produce('trams', key=event.tram, value=event.event,\n"
                "                     headers={'event-id': str(next(ids))}, on_delivery=again)"),
                "look different to the reader",
            ),
            (
                ("def send(producer, event):\n"
                "    producer.produce('trams', key=event.tram, value=event.event,\n"
                "                     headers={'event-id': event.event})"),
                "can be told apart",
            ),
        ),
    ),
)
