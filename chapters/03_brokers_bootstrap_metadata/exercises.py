"""Exercises and predictions of chapter 03."""

from collections.abc import Callable, Iterable, Mapping
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
from kinaction.course.verdict import NoAnswer

SEEDS = (7, 11, 23)
runs = scenario("03")
TOPIC = runs.TOPIC
GATEWAY = "a bootstrap server is a gateway to the cluster"
FORWARDS = "a wrong broker passes the record on"
PRESENT = "metadata is the present"
NO_WRITES = "a follower does not write"


def as_set(answer: object, what: str) -> set[Any]:
    """Numbers given one by one or in any collection."""
    if answer is ... or answer is None:
        raise NoAnswer(f"no answer yet for {what}.")
    found = {answer} if isinstance(answer, int) else answer
    if not isinstance(found, Iterable) or isinstance(found, str):
        raise BadAnswer(f"{what}: numbers like {{1, 2}} are expected, not {answer!r}")
    return set(found)


# -- 3.1 and the first predictions ------------------------------------------------------------

def check_visits(visits: Any) -> Verdict:
    """3.1: who was asked for Metadata and who got Produce, in three clusters."""
    with_keys(visits, runs.CASES)
    for letter in runs.CASES:
        said = with_keys(visits[letter], ("Metadata", "Produce"))
        as_set(said["Metadata"], f"Metadata of {letter}")
        as_set(said["Produce"], f"Produce of {letter}")
    for letter, case in runs.CASES.items():
        verdict = judge_visits(letter, case, visits[letter])
        if verdict is not None:
            return verdict
    return solved()


def judge_visits(letter: str, case: Any, said: Mapping[str, Any]) -> Verdict | None:
    """What is wrong with one cluster's answer; None: nothing."""
    cluster, asked, sent = runs.asked_and_sent(*case)
    run = f'scenario("03").visit("{letter}")'
    listed = {int(server[len("kafka-")]) for server in case[3].split(",")}
    assert len(asked) == 1, asked
    assert asked[0] in listed, (asked, listed)
    guides, holders = (as_set(said[what], what) for what in ("Metadata", "Produce"))
    if not guides or not guides <= listed:
        return wrong(
            f"cluster {letter}: Metadata went to broker {asked[0]}. A client that starts knows no "
            f"other address than {case[3]}.", see=f"the first hollow token of {run}")
    if holders == set(sent):
        return None
    pill = next(flight for flight in cluster.trace.flights() if flight.message.api == "Produce"
                and flight.message.is_request and flight.message.target not in holders
                ) if set(sent) - holders else None
    if pill is None:
        return wrong(f"cluster {letter}: the records went to {listing(sent)} only. Each key has "
                     "one partition, and each partition one ★.", see="the leaders in the task")
    return wrong(
        f"cluster {letter}: message {pill.number}, the pill, goes to broker {pill.message.target}, "
        f"which leads its partition. The bootstrap server only showed the way.",
        misconception=GATEWAY if holders <= listed else None, see=f"step {pill.sent_seq} of {run}")


def listing(brokers: Iterable[Any]) -> str:
    """Brokers in words."""
    return "broker " + " and ".join(map(str, sorted(brokers)))


def way_choice() -> str:
    """3.A: the way of the first record."""
    cluster = runs.prepared(7)
    producer = cluster.producer({"bootstrap.servers": "kafka-1:9092"})
    producer.produce(TOPIC, key="alert", value="hello")
    producer.flush()
    passed_on = [flight for flight in cluster.trace.flights() if flight.message.api == "Produce"
                 and flight.message.is_request and isinstance(flight.message.source, int)]
    targets = [broker for broker, _ in runs.produced(cluster, producer)]
    if targets == [2] and not passed_on:
        return WAY[2]
    return WAY[1] if passed_on else WAY[0]


WAY = (
    "to broker 1, which stores it",
    "to broker 1, which passes it on to broker 2",
    "straight to broker 2, which nobody named",
)

QUESTIONS = ("where to write key alert", "who has a copy", "how far Bert has read",
             "who the active controller is", "which broker coordinates group bert")


def settled_choice() -> str:
    """3.B: which of the questions the answer settles; a field that says it, and truly."""
    cluster = runs.prepared(7)
    told = [cluster.metadata(via=broker) for broker in (1, 2, 3) for _ in range(2)]
    part = told[0].topics[TOPIC].partitions[1]
    settled = [part.leader == cluster.leader(TOPIC, 1), bool(part.replicas),
               hasattr(part, "committed"),
               {one.controller_id for one in told} == {cluster.controller()},
               hasattr(told[0], "coordinator")]
    names = [question for question, is_so in zip(QUESTIONS, settled, strict=True) if is_so]
    return {2: SETTLED[0], 3: SETTLED[1], 5: SETTLED[2]}[len(names)]


SETTLED = (
    "only these: " + ", ".join(QUESTIONS[:2]),
    "only these: " + ", ".join((*QUESTIONS[:2], QUESTIONS[3])),
    "all five",
)


# -- 3.2 ---------------------------------------------------------------------------------------


def check_route(route: Callable[[Any, str, str], Any]) -> Verdict:
    """3.2: the address to which our client sent, for 33 maps of three runs."""
    for seed in SEEDS:
        for asked in runs.maps(seed):
            if route(asked.metadata, TOPIC, runs.KEYS[0]) in (None, ...):
                return unanswered()
            for (topic, key), sent in asked.sent.items():
                verdict = judge_route(asked, topic, key, sent, route)
                if verdict is not None:
                    return verdict
    return solved()


def judge_route(
    asked: Any, topic: str, key: str, sent: str | None, route: Callable[[Any, str, str], Any]
) -> Verdict | None:
    """What is wrong with the address for one key; None: nothing."""
    where = f"{asked.moment}, asked broker {asked.via}, {topic!r}, key {key!r}"
    parts = asked.metadata.topics[topic].partitions
    part = parts[runs.partition_of(key, len(parts))]
    try:
        said = route(asked.metadata, topic, key)
    except KeyError as error:
        if error.args == (-1,) and part.leader == -1:
            return wrong(f"{where}: nobody leads this partition, so its leader is -1, and no "
                         "broker has that id. Return None.", see="`leader` of the partition")
        raise
    if said == sent:
        return None
    if sent is None:
        return wrong(f"{where}: you say {said!r}, and there was nobody to send to: leader "
                     f"{part.leader}.", misconception=PRESENT, see="`leader` and `error`")
    preferred = asked.metadata.brokers.get(part.replicas[0])
    if said == (f"{preferred.host}:{preferred.port}" if preferred else None):
        return wrong(
            f"{where}: preferred is not leader. Broker {part.replicas[0]} comes first in "
            f"`replicas` {part.replicas}, and broker {part.leader} leads.",
            misconception="the first replica is the leader", see="`leader` beside `replicas`")
    via = asked.metadata.brokers.get(asked.via)
    if via and said == f"{via.host}:{via.port}":
        return wrong(f"{where}: that is the broker that was asked, and {sent} leads.",
                     misconception=GATEWAY, see="`leader` of the partition")
    return wrong(f"{where}: our client sent to {sent}, you say {said!r}.",
                 see="`brokers` of the same answer: host and port are told there")


# -- 3.3 ---------------------------------------------------------------------------------------

STORIES: Mapping[str, Callable[[int], Any]] = {
    "home": lambda seed: runs.went_home(seed), "death": lambda seed: runs.died(seed)}


def check_first_wrong(moments: Any) -> Verdict:
    """3.3: the step in which the controller's leader and the client's part, in two runs."""
    for name, said in with_keys(moments, STORIES).items():
        if not isinstance(said, int):
            raise BadAnswer(f"{name}: a step is a whole number, not {said!r}")
        cluster = STORIES[name](7)
        truth = runs.first_wrong(cluster)
        if said != truth:
            return judge_first_wrong(cluster, name, said, truth)
    return solved()


def judge_first_wrong(cluster: Any, name: str, said: int, truth: int) -> Verdict:
    """The reply to a wrong step."""
    crashed = [step.seq for step, _ in cluster.trace.facts("NodeCrashed")]
    if said > truth:
        when = "when it is refused" if said in runs.refusals(cluster, "quiet") else "later"
        return wrong(
            f"{name}, step {said}: it was wrong already; this is {when}. A map becomes wrong when "
            "the world changes, and nobody tells it.", misconception=PRESENT,
            see="what the controller decided before")
    if name == "death" and crashed and said >= crashed[-1]:
        return wrong(
            f"{name}, step {said}: broker 2 is dead by then, and still the leader in the "
            "controller's log. Map and log agree.",
            misconception="a dead broker leads nothing", see="the seconds after the crash")
    return wrong(f"{name}, step {said}: here the map and the controller's log name the same "
                 "leader. Go on.", see="column partition 1 and the producer's box")


# -- 3.4 ---------------------------------------------------------------------------------------


def check_waits(answer: Any) -> Verdict:
    """3.4: how long four clients wait, whichever broker dies, under three seeds."""
    said = with_keys(answer, runs.CLIENTS)
    for kind in runs.CLIENTS:
        one_of(said[kind], runs.WAITS)
    for seed in SEEDS:
        for dead in (1, 2, 3):
            cluster, found = runs.waits(seed, dead)
            for kind in runs.CLIENTS:
                if said[kind] != found[kind]:
                    return judge_waits(cluster, kind, seed, dead)
    return solved()


def judge_waits(cluster: Any, kind: str, seed: int, dead: int) -> Verdict:
    """The reply to a wrong wait of one client."""
    where = f"seed {seed}, broker {dead} dies"
    run = f'scenario("03").waits({seed}, {dead})[0]'
    if kind == runs.CLIENTS[0]:
        elected = next(fact_steps(cluster.trace, "LeaderElected"))
        return wrong(
            f"{where}, “{kind}”: its leader died. After about 9 s the controller misses it, and "
            "the client finds the next one by itself.", misconception=PRESENT,
            see=f"step {elected.seq} of {run}: a new leader")
    if kind == runs.CLIENTS[1]:
        return wrong(
            f"{where}, “{kind}”: at once. Its own leader lives, and the client has the map. It "
            "needed the dead broker once, at its start.", misconception=GATEWAY,
            see=f"its pill in {run}, right after the crash")
    if kind == runs.CLIENTS[2]:
        return wrong(
            f"{where}, “{kind}”: not. A cluster that heals does not help a client that cannot find "
            "it: its one address is refused, again and again.",
            misconception="whoever is in the cluster's network finds the cluster",
            see=f"what “new-1” does in {run}")
    return wrong(
        f"{where}, “{kind}”: at once. One dead address is no obstacle, the list is tried.",
        misconception="every bootstrap server has to be alive", see=f"what “new-1-3” does in {run}")


def guide_choice() -> str:
    """3.C: three sends after the death of the guide."""
    cluster = runs.prepared(7)
    fast = runs.warmed_up(cluster, "fast", **{"bootstrap.servers": "kafka-1:9092"})
    cluster.kill(1)
    waits = {key: runs.bucket(runs.delay_of(cluster, fast, partition))
             for partition, key in ((1, "alert"), (0, "east"))}
    newcomer = cluster.producer({"bootstrap.servers": "kafka-1:9092"})
    waits["newcomer"] = runs.bucket(runs.delay_of(cluster, newcomer, 1))
    return "{alert}, {east}, {newcomer}".format(**waits).replace("not", "not while 1 is dead")


GUIDE = (
    "not while 1 is dead, not while 1 is dead, not while 1 is dead",
    "at once, after about 9 s, after about 9 s",
    "at once, after about 9 s, not while 1 is dead",
    "after about 9 s, after about 9 s, not while 1 is dead",
)


# -- 3.5 ---------------------------------------------------------------------------------------

PUBLISHED = 19092


def check_listeners(config: Any) -> Verdict:
    """3.5: a laptop and two containers send and read, each by names of its own."""
    if not isinstance(config, Mapping):
        raise BadAnswer(f"a broker's config is a dict, not {config!r}")
    try:
        cluster = runs.two_worlds(config)
    except Exception as error:  # noqa: BLE001  whatever a config may raise
        return wrong(f"the broker does not start: {getattr(error, 'text', error)}")
    for name, servers, _ in runs.WORLDS:
        verdict = judge_world(cluster, name, servers)
        if verdict is not None:
            return verdict
    everything = {f"from {name}" for name, _, _ in runs.WORLDS}
    for name, records in runs.received(cluster).items():
        if set(records) != everything:
            return wrong(f"a reader beside {name} got only {records}.", misconception=23,
                         see=f"the connections of {name}-reader")
    return inter_broker(config) or solved()


def judge_world(cluster: Any, name: str, servers: str) -> Verdict | None:
    """Whether one sender reached the broker by addresses that are good where it is."""
    lines = runs.talk(cluster, name)
    texts = [line.text for line in lines]
    if name == "laptop":
        other = [text.partition(": ")[0] for text in texts
                 if not text.partition(": ")[0].endswith(f":{PUBLISHED}")]
        if other and "gives up" not in other[0]:
            return wrong(
                f"the laptop is sent to {other[0]}. Only port {PUBLISHED} of the container is "
                "published to it.", misconception=23, see="the Metadata answer to the laptop")
    if any("stored" in text for text in texts):
        return None
    failed = next((step for step in cluster.trace if step.node == name
                   and type(step.event).__name__ == "Disconnected"), None)
    run = 'scenario("03").two_worlds(listeners)'
    see = f"step {failed.seq} of {run}" if failed else f"what {name} heard in {run}"
    if not any("map:" in text for text in texts):
        return wrong(f"{name}: {servers} is refused. Nobody listens there.", see=see)
    place, _, why = next(text for text in texts if "unknown host" in text or "refused" in text
                         ).partition(": ")
    if why == "refused" and place.startswith("localhost"):
        return wrong(f"{name}: it was answered, and then it connected to itself: {place} inside a "
                     "container is that container. Refused.", misconception=23, see=see)
    return wrong(f"{name}: it was answered, and then it went to {place}, as it was told: {why}.",
                 misconception=23, see=see)


def inter_broker(config: Mapping[str, Any]) -> Verdict | None:
    """Whether brokers would look for each other by a name that the containers know."""
    from kinaction.broker.listeners import inter_broker_name, listed

    by_name = {name: host for name, host, _ in listed(config, "advertised.listeners")}
    host = by_name.get(inter_broker_name(config), "kafka")
    if host == "kafka":
        return None
    return wrong(
        f"all send and read, and a second broker would look for this one at {host!r}, that is, at "
        "itself. inter.broker.listener.name is for the containers' side.",
        see="inter.broker.listener.name")


def boxed_choice() -> str:
    """3.G: what works from outside when the broker advertises a name nobody there knows."""
    import kinaction

    boxed = kinaction.Cluster(brokers=1, seed=7, config=runs.BOXED)
    outside = boxed.producer({"bootstrap.servers": "localhost:9092", "names": runs.LAPTOP})
    can_list = bool(outside.list_topics().brokers)
    return BOXED[2 if can_list and runs.delay_of(boxed, outside, 0, 130) is None else
                 1 if can_list else 0]


BOXED = (
    "the list fails, and so does the record",
    "both work: the broker answers, so it is connected",
    "the list works; the record fails, two minutes later",
    "the list works; the record fails at once",
)


def local_choice() -> str:
    """3.H: who can send when the broker advertises localhost."""
    import kinaction

    local = kinaction.Cluster(
        brokers=1, seed=7, config={"advertised.listeners": "PLAINTEXT://localhost:9092"})
    laptop = local.producer({"bootstrap.servers": "localhost:9092", "names": runs.LAPTOP})
    app = local.producer(
        {"bootstrap.servers": "kafka:9092", "names": runs.in_container("app")}, name="app")
    has_laptop, has_app = (
        runs.delay_of(local, client, 0, 10) is not None for client in (laptop, app))
    return LOCAL[(0 if has_app else 1) if has_laptop else (2 if has_app else 3)]


LOCAL = (
    "yes, for both", "for the laptop; the container connects to itself",
    "for the container; the laptop is refused", "for nobody",
)


# -- 3.6 ---------------------------------------------------------------------------------------


def check_causes(causes: Any) -> Verdict:
    """3.6: the cause of each of five reports."""
    said = with_keys(causes, "ABCDE")
    for letter in "ABCDE":
        one_of(said[letter], runs.CAUSES)
    for report in runs.reports(7):
        assert runs.diagnosis(report.run) == report.cause, report
        if said[report.letter] != report.cause:
            return judge_cause(report, said[report.letter])
    return solved()


def judge_cause(report: Any, said: str) -> Verdict:
    """The reply to a wrong cause: how far that client got."""
    lines = [line.text for line in runs.talk(report.run, "caller")]
    has_map = any("map:" in text for text in lines)
    error = next((text for text in lines if text.endswith(("AVAILABLE", "PARTITION"))), "")
    refused = next((text for text in lines if "refused" in text or "unknown host" in text), "")
    where = f"report {report.letter}, “{said}”"
    if error:
        return wrong(
            f"{where}: Metadata came, the address was reached: read its error. "
            f"{error.split()[-1]} is about the topic.",
            misconception=23 if said in runs.CAUSES[:3] else None, see="the end of the map's line")
    if not has_map:
        return wrong(f"{where}: nobody ever answered. {refused}, and that was the only address in "
                     "the list. All brokers listen on 9092.", see="the first line")
    return wrong(f"{where}: it was answered, and sent on to an address of the answer: {refused}.",
                 misconception=23, see="the address after “map:”, and the line below it")


# -- 3.7 ---------------------------------------------------------------------------------------

PLACED = (1, 2, 3, 4, 5)
"""Seeds of random placements."""


def check_duties(answer: Any) -> Verdict:
    """3.7: (duties, written): the parts of a broker, and what broker 1 appends."""
    duties, written = answer
    said = with_keys(written, (0, 1, 2))
    for seed in PLACED:
        brokers, placed = runs.placements(seed)
        cluster = runs.prepared(seed, brokers, placed)
        metadata = cluster.metadata(via=1)
        appended = runs.written(cluster)
        for broker in cluster.brokers:
            verdict = judge_duties(cluster, appended, broker, duties(metadata, broker))
            if verdict is not None:
                return verdict
    truth = runs.written(runs.prepared(7))[1]
    for partition in range(3):
        if said[partition] != truth[partition]:
            return judge_written(partition, said[partition], truth[partition])
    return solved()


def judge_duties(cluster: Any, appended: Any, broker: int, parts: Any) -> Verdict | None:
    """What is wrong with one broker's duties; None: nothing."""
    if parts is None:
        return unanswered()
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        raise BadAnswer(f"two collections are expected, (led, followed), not {parts!r}")
    led, followed = (as_set(each, what) for each, what in zip(
        parts, ("led", "followed"), strict=True))
    taken = runs.taken(cluster, broker)
    copied = {partition for partition, count in appended[broker].items() if count} - taken
    where = f"{len(cluster.brokers)} brokers, broker {broker}"
    if led != taken:
        return wrong(f"{where}: clients' records came to it in {sorted(taken)}, you say "
                     f"{sorted(led)}.", see="the ★ of its row")
    if followed == copied:
        return None
    extra = sorted(followed - copied)
    if extra:
        return wrong(f"{where}: it has no copy of {extra}, and appended nothing there.",
                     misconception="every broker has everything", see="`replicas`")
    missed = min(copied - followed)
    return wrong(
        f"{where} appended {appended[broker][missed]} records of partition {missed} without one "
        "Produce: it fetched them.", misconception=NO_WRITES,
        see=f"its Fetch requests for partition {missed}")


def judge_written(partition: int, said: Any, truth: int) -> Verdict:
    """The reply to a wrong number of records."""
    cluster = runs.prepared(7)
    runs.written(cluster)
    grown = [step.seq for step, _ in appends(cluster.trace, TOPIC, partition) if step.node == 1]
    return wrong(
        f"broker 1 appended {truth} records of partition {partition}, you say {said}. It leads "
        "partition 0 and has a copy of each.", misconception=NO_WRITES if said == 0 else None,
        see=f"step {grown[0]}, where its copy grows")


def one_broker_choice() -> str:
    """3.D: what broker 1 takes, writes and asks for."""
    cluster = runs.prepared(7)
    wrote = {partition for partition, count in runs.written(cluster)[1].items() if count}
    took = runs.taken(cluster, 1)
    asked = runs.fetched(cluster, 1)
    if took == {0} and wrote == {0, 1, 2} and asked >= {1, 2} and 0 not in asked:
        return ONE_BROKER[1]
    return ONE_BROKER[2] if took == {0, 1, 2} else ONE_BROKER[0]


ONE_BROKER = (
    "Produce for 0; it writes 0 only; it asks for nothing",
    "Produce for 0; it writes 0, 1 and 2; it asks brokers 2 and 3 for 1 and 2",
    "Produce for 0, 1 and 2; it writes all three",
    "Produce for 0; it writes 0, 1 and 2; brokers 2 and 3 send it 1 and 2 unasked",
)


def share_choice() -> str:
    """3.E: the share of nine sends that waits when broker 2 is dead."""
    cluster = runs.prepared(7)
    writer = runs.warmed_up(cluster)
    cluster.kill(2)
    told: list[int] = []
    began_ms = cluster.now_ms
    for key in runs.KEYS * 3:
        writer.produce(TOPIC, key=key, value="hello",
                       on_delivery=lambda *_: told.append(cluster.now_ms - began_ms))
    writer.flush()
    late = sum(ms > 1_000 for ms in told)
    return {0: SHARE[2], 3: SHARE[1], 9: SHARE[0]}[late]


SHARE = ("all of them", "a third of them", "none: the replicas answer")


# -- 3.8 ---------------------------------------------------------------------------------------

PATIENCE_S, MOST_QUESTIONS = 5, 10


def check_attack(answer: Any) -> Verdict:
    """3.8: (attack, cured): refused with the defaults, not refused with the config."""
    attack, cured = answer
    if cured is None or cured is ...:
        raise NoAnswer("no `cured` yet: a config for the producer.")
    if not isinstance(cured, Mapping):
        raise BadAnswer(f"a producer's config is a dict, not {cured!r}")
    cost = 0
    for seed in SEEDS:
        verdict = judge_attack(attack, seed)
        if verdict is not None:
            return verdict
        cluster, before = attacked(attack, seed, cured)
        cluster.run(seconds=PATIENCE_S)
        cost = runs.questions(cluster, "quiet", before)
        verdict = judge_cure(cluster, before, cost, seed)
        if verdict is not None:
            return verdict
    return solved(f"the attack finds a fresh map, and the price is {cost} Metadata requests in "
                  f"{PATIENCE_S} s from one client, where the default asks once in 5 minutes.")


def attacked(attack: Callable[[Any, Any], Any], seed: int, config: Any) -> tuple[Any, int]:
    """The cluster after the attack on a quiet producer, and the step before it."""
    cluster = runs.away(seed)
    quiet = runs.warmed_up(cluster, "quiet", **config)
    cluster.run(seconds=1)
    before = cluster.trace[-1].seq
    attack(cluster, quiet)
    return cluster, before


def judge_attack(attack: Callable[[Any, Any], Any], seed: int) -> Verdict | None:
    """What is wrong with the attack under this seed; None: nothing."""
    cluster, before = attacked(attack, seed, {})
    send(cluster)
    crashed = [step.seq for step, _ in cluster.trace.facts("NodeCrashed") if step.seq > before]
    is_refused = bool(runs.refusals(cluster, "quiet", before))
    if crashed and is_refused:
        return wrong(f"seed {seed}: refused, yes, and a broker died for it. Nobody may die.",
                     see=f"step {crashed[0]}")
    if crashed:
        return wrong(
            f"seed {seed}: a broken connection makes the client ask for a new map, so it was "
            "refused nothing. And nobody was to die.", misconception=PRESENT,
            see=f"step {crashed[0]}, and the Metadata request after it")
    if is_refused:
        return None
    if cluster.leader(TOPIC, 1) == 3:
        return unanswered() if cluster.trace[-1].seq - before < MOST_QUIET else wrong(
            f"seed {seed}: broker 3 still leads partition 1, so the old map is right.",
            see="the ★ of partition 1")
    return wrong(f"seed {seed}: the leader moved, and the client asked for a map before it sent.",
                 see="its Metadata request")


MOST_QUIET = 60
"""So few steps are the check's own send: the attack did nothing at all."""


def send(cluster: Any) -> None:
    """The quiet producer writes to partition 1."""
    quiet = cluster.clients["quiet"]
    quiet.produce(TOPIC, key="alert", value="by the map I have")
    quiet.flush(60)


def judge_cure(cluster: Any, before: int, cost: int, seed: int) -> Verdict | None:
    """What is wrong with the config under this seed; None: nothing."""
    send(cluster)
    if runs.refusals(cluster, "quiet", before):
        return wrong(
            f"seed {seed}: refused again, {PATIENCE_S} s after the move. Its map was still the old "
            f"one: {cost} Metadata requests in that time.", misconception=PRESENT,
            see="metadata.max.age.ms, 300,000 by default")
    if cost > MOST_QUESTIONS:
        return wrong(
            f"seed {seed}: fresh, and {cost} Metadata requests in {PATIENCE_S} s from a client "
            f"that sent one record. {MOST_QUESTIONS} are allowed.",
            misconception="asking costs nothing", see="the hollow tokens")
    return None


def wrong_broker_choice() -> str:
    """3.F: what broker 3 does with a record for partition 1 that 2 leads."""
    cluster = runs.went_home(7)
    moved = runs.first_wrong(cluster)
    to = [broker for broker, _ in runs.produced(cluster, "quiet", moved)]
    if to == [3, 2] and runs.refusals(cluster, "quiet", moved):
        return WRONG_BROKER[2]
    return WRONG_BROKER[0] if to == [3] else WRONG_BROKER[1]


WRONG_BROKER = ("stores it: it has a copy of partition 1", "forwards it to broker 2", "refuses it")


def orphan_choice() -> str:
    """3.I: what a client does when all that it knows is dead."""
    delay = {}
    for strategy in ("rebootstrap", "none"):
        cluster = runs.orphan(strategy)
        delay[strategy] = runs.delay_of(cluster, cluster.clients["orphan"], 1, 20)
    if delay["rebootstrap"] is not None and delay["none"] is None:
        return ORPHAN[1]
    return ORPHAN[0] if delay["rebootstrap"] is None else ORPHAN[2]


ORPHAN = (
    "it tries 1 and 3 until one of them is back",
    "it takes out its bootstrap list again, and finds broker 2",
    "it knows broker 2 anyway: a client learns of new brokers at once",
)


PREDICTIONS = (
    Prediction(
        id="3.A",
        question="Which way does the record go, that is, its Produce request?",
        choices=(
            Choice(text=WAY[0], reply="it keeps records of partition 1, but as a follower: it "
                   "takes none from a producer.", misconception=GATEWAY),
            Choice(text=WAY[1], reply="no broker ever sent a Produce request. They do not pass "
                   "records on.", misconception=GATEWAY),
            Choice(text=WAY[2], reply="key alert belongs to partition 1, broker 2 leads it, and "
                   "the producer asked broker 1 just for that."),
        ),
        truth=way_choice,
    ),
    Prediction(
        id="3.B",
        question="Five questions: " + "; ".join(QUESTIONS) + ". Which of them does a Metadata "
        "answer settle?",
        choices=(
            Choice(text=SETTLED[0], reply="leaders, copies and addresses. The rest is asked "
                   "elsewhere."),
            Choice(text=SETTLED[1], reply="there is a field `controller_id`, and it names just "
                   "some living broker. Any broker forwards an admin's wish to the real one."),
            Choice(text=SETTLED[2], reply="how far a group has read and who coordinates it are "
                   "questions of their own (FindCoordinator, OffsetFetch), chapter 05."),
        ),
        truth=settled_choice,
    ),
    Prediction(
        id="3.C",
        question="Broker 1 is dead. How long do these three wait: alert (partition 1, led by 2), "
        "east (partition 0, led by 1), and a record of the newcomer?",
        choices=(
            Choice(text=GUIDE[0], reply="two of three brokers live, and the running client knows "
                   "them.", misconception=GATEWAY),
            Choice(text=GUIDE[1], reply="the newcomer has one address, and nobody answers there.",
                   misconception="the cluster heals, so every client heals"),
            Choice(text=GUIDE[2], reply="a running client has outgrown its list; a starting one "
                   "has nothing else."),
            Choice(text=GUIDE[3], reply="alert does not touch broker 1 at all.",
                   misconception=GATEWAY),
        ),
        truth=guide_choice,
    ),
    Prediction(
        id="3.D",
        question="What does broker 1 take from producers, write to its log, and ask for?",
        choices=(
            Choice(text=ONE_BROKER[0], reply="look at its row: three tapes with three records "
                   "each.", misconception=NO_WRITES),
            Choice(text=ONE_BROKER[1], reply="leader of one, follower of two, and as a follower it "
                   "asks, like a consumer."),
            Choice(text=ONE_BROKER[2], reply="a producer goes to the ★, and row 1 has one.",
                   misconception="every copy takes writes"),
            Choice(text=ONE_BROKER[3], reply="the leader pushes nothing: broker 1 sends the Fetch "
                   "requests.", misconception="the leader pushes a copy to each follower"),
        ),
        truth=one_broker_choice,
    ),
    Prediction(
        id="3.E",
        question="Broker 2 dies. Nine records are sent, three with each key. Which share of them "
        "waits?",
        choices=(
            Choice(text=SHARE[0], reply="two columns have their ★, and know nothing of the third.",
                   misconception="a dead broker stops the whole topic"),
            Choice(text=SHARE[1], reply="one column of three has no ★ for about 9 s."),
            Choice(text=SHARE[2], reply="a copy takes no records from producers until it is "
                   "elected leader.", misconception="every copy takes writes"),
        ),
        truth=share_choice,
    ),
    Prediction(
        id="3.F",
        question="The producer believes that 3 leads partition 1. It is 2. What does broker 3 do "
        "with the record?",
        choices=(
            Choice(text=WRONG_BROKER[0], reply="then two brokers would give out offsets of one "
                   "partition.", misconception="every copy takes writes"),
            Choice(text=WRONG_BROKER[1], reply="there was a second pill, and it came from the "
                   "producer again.", misconception=FORWARDS),
            Choice(text=WRONG_BROKER[2], reply="NOT_LEADER_OR_FOLLOWER, and the same answer says "
                   "who leads, and where."),
        ),
        truth=wrong_broker_choice,
    ),
    Prediction(
        id="3.G",
        question="The client lists topics, then it sends a record. What works?",
        choices=(
            Choice(text=BOXED[0], reply="there was an answer, and it named broker 1.",
                   misconception="no answer means no connection, and so the other way round"),
            Choice(text=BOXED[1], reply="the first address was yours. The second one came with the "
                   "answer, and nobody here knows it.", misconception=23),
            Choice(text=BOXED[2], reply="after `delivery.timeout.ms`. Until then not a word."),
            Choice(text=BOXED[3], reply="an unknown name may be known in a second, so it tries "
                   "again, until `delivery.timeout.ms`.",
                   misconception="an unknown host is an error at once"),
        ),
        truth=boxed_choice,
    ),
    Prediction(
        id="3.H",
        question="`advertised.listeners=PLAINTEXT://localhost:9092`. Can the laptop send, and a "
        "second container?",
        choices=(
            Choice(text=LOCAL[0], reply="localhost is another machine for each of them.",
                   misconception=23),
            Choice(text=LOCAL[1], reply="the answer is right for one of two readers."),
            Choice(text=LOCAL[2], reply="on the laptop localhost leads to the broker's port.",
                   misconception=23),
            Choice(text=LOCAL[3], reply="on the laptop localhost leads to the broker's port."),
        ),
        truth=local_choice,
    ),
    Prediction(
        id="3.I",
        question="It knows brokers 1 and 3, and both die. Its bootstrap list is all three; 2 "
        "lives, and leads partition 1. It sends a record for partition 1.",
        choices=(
            Choice(text=ORPHAN[0], reply="so it was before Kafka 4.0, and so it is with "
                   "`metadata.recovery.strategy=none`.", misconception="the list is for the start"),
            Choice(text=ORPHAN[1], reply="the default since 4.0."),
            Choice(text=ORPHAN[2], reply="nobody told it; a map is asked for, not sent.",
                   misconception=PRESENT),
        ),
        truth=orphan_choice,
    ),
)

EXERCISES = (
    Exercise(
        id="3.1",
        title="Asked and sent",
        kind="predict",
        statement="""Three clusters, three producers. Which broker is asked for `Metadata` (if it
may be one of several, name one), and which brokers get a `Produce` request?

| | brokers | leaders of partitions 0, 1, 2 | `bootstrap.servers` | keys that are sent |
|---|---|---|---|---|
| A | 3 | 3, 1, 2 | `kafka-2:9092` | east, alert, search |
| B | 4 | 2, 4, 2 | `kafka-1:9092,kafka-3:9092` | east, alert |
| C | 5 | 1, 5, 3 | `kafka-3:9092` | search |

(east is in partition 0, alert in 1, search in 2.)""",
        name="visits",
        stub="""visits = {
    "A": {"Metadata": ..., "Produce": ...},      # a broker; a set of brokers, like {1, 2}
    "B": {"Metadata": ..., "Produce": ...},
    "C": {"Metadata": ..., "Produce": ...},
}""",
        solution="""visits = {
    "A": {"Metadata": 2, "Produce": {1, 2, 3}},
    "B": {"Metadata": 3, "Produce": {2, 4}},
    "C": {"Metadata": 3, "Produce": {3}},
}""",
        hints=(
            "Two questions, two sets of brokers.",
            "For Produce: key → partition → the broker that leads it.",
            "Only a ★ gets pills, and only brokers of the list are asked the way at the start.",
        ),
        insight="the list is for asking the way; the records go to the leaders.",
        check=check_visits,
        traps=(
            (('visits = {"A": {"Metadata": 2, "Produce": {2}}, "B": {"Metadata": 1,'
             ' "Produce": {1}}, "C": {"Metadata": 3, "Produce": {3}}}'),
             "the pill, goes to broker"),
            (('visits = {"A": {"Metadata": 3, "Produce": {1, 2, 3}}, "B": {"Metadata": 1,'
             ' "Produce": {2, 4}}, "C": {"Metadata": 3, "Produce": {3}}}'),
             "knows no other address"),
            (('visits = {"A": {"Metadata": 2, "Produce": {1, 2, 3}}, "B": {"Metadata": 1,'
             ' "Produce": {1, 2, 3, 4}}, "C": {"Metadata": 3, "Produce": {3}}}'),
             "each partition one ★"),
        ),
    ),
    Exercise(
        id="3.2",
        title="Be the client",
        kind="code",
        statement="""Write `route(metadata, topic, key)`: the address `"host:port"` to which a
client sends a record with that key, or `None` if there is nobody to send it to. `metadata` is what
`cluster.metadata(via=1)` returns. It is tried on 33 maps from three runs in which a broker dies and
comes back, and compared with where our own client sent.""",
        name="route",
        stub="""partition_of = scenario("03").partition_of      # partition_of("alert", 3) is 1

def route(metadata, topic, key):
    ...""",
        solution="""partition_of = scenario("03").partition_of

def route(metadata, topic, key):
    partitions = metadata.topics[topic].partitions
    leader = partitions[partition_of(key, len(partitions))].leader
    broker = metadata.brokers.get(leader)
    return f"{broker.host}:{broker.port}" if broker else None""",
        hints=(
            "Three dictionaries, one after the other: topics, partitions, brokers.",
            "key → partition → `.leader` → `metadata.brokers` → `.host` and `.port`.",
            "A partition without a leader has leader -1, and `brokers` has no -1: use `.get`.",
        ),
        insight="that is all a client does with its map, for every record.",
        check=check_route,
        traps=(
            (("partition_of = scenario('03').partition_of\n"
             "def route(metadata, topic, key):\n"
             "    parts = metadata.topics[topic].partitions\n"
             "    broker = metadata.brokers.get(parts[partition_of(key, len(parts))].replicas[0])\n"
             "    return f'{broker.host}:{broker.port}' if broker else None"),
             "preferred is not leader"),
            (("def route(metadata, topic, key):\n"
             "    broker = next(iter(metadata.brokers.values()))\n"
             "    return f'{broker.host}:{broker.port}'"), "the broker that was asked"),
            (("partition_of = scenario('03').partition_of\n"
             "def route(metadata, topic, key):\n"
             "    parts = metadata.topics[topic].partitions\n"
             "    broker = metadata.brokers[parts[partition_of(key, len(parts))].leader]\n"
             "    return f'{broker.host}:{broker.port}'"), "so its leader is -1"),
            (("partition_of = scenario('03').partition_of\n"
             "def route(metadata, topic, key):\n"
             "    parts = metadata.topics[topic].partitions\n"
             "    leader = parts[partition_of(key, len(parts))].leader\n"
             "    return f'kafka-{leader}:9092' if leader > 0 else None"),
             "host and port are told there"),
        ),
    ),
    Exercise(
        id="3.3",
        title="Since when is the map wrong?",
        kind="moment",
        statement="""Two runs with a quiet producer that knows who leads partition 1. In `home` the
leadership goes back to broker 2; in `death` broker 2, the leader, dies. For each: the first step
after which the producer's map names another leader than the controller does. Step through the
player, or ask the trace.""",
        name="first_wrong",
        stub="""home, death = scenario("03").went_home(seed=7), scenario("03").died(seed=7)
first_wrong = {"home": ..., "death": ...}""",
        solution="""home, death = scenario("03").went_home(seed=7), scenario("03").died(seed=7)

def elected(run):
    return [step.seq for step, fact in run.trace.facts("LeaderElected") if fact.partition == 1][-1]

first_wrong = {"home": elected(home), "death": elected(death)}""",
        hints=(
            "It is before the pill that is refused.",
            "`home.view(maps=True)`: compare the producer's box with the ★ of partition 1.",
            "It is the step of the election: the facts named LeaderElected, partition 1, the last.",
        ),
        insight="a map becomes wrong without a word, when the world changes.",
        check=check_first_wrong,
        traps=(
            (("home, death = scenario('03').went_home(seed=7), scenario('03').died(seed=7)\n"
             "told = scenario('03').refusals(home, 'quiet')[0]\n"
             "first_wrong = {'home': told, 'death': 1}"), "it was wrong already"),
            (("home, death = scenario('03').went_home(seed=7), scenario('03').died(seed=7)\n"
             "elected = [s.seq for s, f in home.trace.facts('LeaderElected')][-1]\n"
             "crash = next(death.trace.facts('NodeCrashed'))[0].seq\n"
             "first_wrong = {'home': elected, 'death': crash}"), "still the leader in the"),
        ),
    ),
    Exercise(
        id="3.4",
        title="Who waits for whom?",
        kind="predict",
        statement="""Broker 1 is killed; it leads partition 0. Right after that four producers
(`acks=1`) send one record each. How long does each take: `"at once"`, `"after about 9 s"`, or
`"not"` (while broker 1 is dead)?

* `"running, writes to 0"` and `"running, writes to 1"` have run for a while
* `"new, list 1"` starts now, with `kafka-1:9092`, and writes to partition 1
* `"new, list 1 and 3"` starts now, with `kafka-1:9092,kafka-3:9092`, and writes to partition 1

The check kills each broker in turn, under three seeds, with the numbers shifted round. (When the
dead one was the active controller, too, the 9 s become 11 or 12.)""",
        name="delays",
        stub="""delays = {
    "running, writes to 0": ...,
    "running, writes to 1": ...,
    "new, list 1": ...,
    "new, list 1 and 3": ...,
}""",
        solution="""delays = {
    "running, writes to 0": "after about 9 s",
    "running, writes to 1": "at once",
    "new, list 1": "not",
    "new, list 1 and 3": "at once",
}""",
        hints=(
            "Who still needs the list?",
            "Who leads the partition that it writes to?",
            ("Two classes of waiting: for an election (9 s), and for an address (as long as it is "
            "dead)."),
        ),
        insight="a leader is replaced in seconds; an address in your config is replaced by you.",
        check=check_waits,
        misconceptions=(23,),
        traps=(
            (('delays = {"running, writes to 0": "not", "running, writes to 1": "at once",'
             ' "new, list 1": "not", "new, list 1 and 3": "at once"}'), "finds the next one"),
            (('delays = {"running, writes to 0": "after about 9 s", "running, writes to 1": "not",'
             ' "new, list 1": "not", "new, list 1 and 3": "at once"}'), "the client has the map"),
            (('delays = {"running, writes to 0": "after about 9 s", "running, writes to 1":'
             ' "at once", "new, list 1": "after about 9 s", "new, list 1 and 3": "at once"}'),
             "its one address is refused"),
            (('delays = {"running, writes to 0": "after about 9 s", "running, writes to 1":'
             ' "at once", "new, list 1": "not", "new, list 1 and 3": "not"}'),
             "One dead address is no obstacle"),
        ),
    ),
    Exercise(
        id="3.5",
        title="A broker with two names",
        kind="config",
        statement="""One broker in a container. Other containers know it as `kafka`, and their
`localhost` is themselves. The laptop knows only `localhost`, and only port 19092 of the container
is published to it. Bootstrap lists: `localhost:19092` on the laptop, `kafka:9092` in the
containers. Give the broker's config, four keys: `listeners` (such as `A://:9092,B://:19092`),
`advertised.listeners`, `listener.security.protocol.map`, `inter.broker.listener.name`. The
controllers' listener is called `CONTROLLER`; leave it out of the first two.""",
        name="listeners",
        stub="""listeners = {
    "advertised.listeners": "PLAINTEXT://kafka:9092",
}""",
        solution="""listeners = {
    "listeners": "IN://:9092,OUT://:19092",
    "advertised.listeners": "IN://kafka:9092,OUT://localhost:19092",
    "listener.security.protocol.map": "IN:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "IN",
}""",
        hints=(
            "Two networks: a listener for each, with a name and a port of its own.",
            "Each is advertised by the name that is used *there*: kafka, and localhost.",
            ("Names of your own need a line in the map, and so does CONTROLLER; brokers reach each "
            "other by the containers' listener."),
        ),
        insight="a listener for each network, advertised by the name that is used there.",
        check=check_listeners,
        misconceptions=(23,),
        traps=(
            (('listeners = {"advertised.listeners": "PLAINTEXT://localhost:19092",'
             ' "listeners": "PLAINTEXT://:19092"}'), "Nobody listens there"),
            (('listeners = {"listeners": "IN://:9092,OUT://:19092", "advertised.listeners":'
             ' "IN://localhost:9092,OUT://localhost:19092", "listener.security.protocol.map":'
             ' "IN:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT",'
             ' "inter.broker.listener.name": "IN"}'), "it connected to itself"),
            (('listeners = {"listeners": "IN://:9092,OUT://:19092", "advertised.listeners":'
             ' "IN://kafka:9092,OUT://kafka:19092", "listener.security.protocol.map":'
             ' "IN:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT",'
             ' "inter.broker.listener.name": "IN"}'), "as it was told: unknown host"),
            (('listeners = {"listeners": "IN://:9092,OUT://:19092", "advertised.listeners":'
             ' "IN://kafka:9092,OUT://localhost:9092", "listener.security.protocol.map":'
             ' "IN:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT",'
             ' "inter.broker.listener.name": "IN"}'), "Only port 19092"),
            (('listeners = {"listeners": "IN://:9092,OUT://:19092", "advertised.listeners":'
             ' "IN://kafka:9092,OUT://localhost:19092", "listener.security.protocol.map":'
             ' "IN:PLAINTEXT,OUT:PLAINTEXT", "inter.broker.listener.name": "IN"}'),
             "listener CONTROLLER has no security protocol"),
            (('listeners = {"listeners": "IN://:9092,OUT://:19092", "advertised.listeners":'
             ' "IN://kafka:9092,OUT://localhost:19092", "listener.security.protocol.map":'
             ' "IN:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT"}'),
             "brokers reach each other by listener PLAINTEXT"),
            (('listeners = {"listeners": "IN://:9092,OUT://:19092", "advertised.listeners":'
             ' "IN://kafka:9092,OUT://localhost:19092", "listener.security.protocol.map":'
             ' "IN:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT",'
             ' "inter.broker.listener.name": "OUT"}'), "a second broker would look"),
        ),
    ),
    Exercise(
        id="3.6",
        title="Five people cannot connect",
        kind="repair",
        statement="""The cell before printed five reports, each with what the client heard. In all
five clusters the brokers listen on port 9092. What has to be repaired in each? Give one of
`"name unknown"`, `"wrong port"`, `"dead bootstrap"`, `"no leader"`, `"topic missing"` to each; each
comes once. (`scenario("03").reports(seed=7)[0].run` is the cluster of the first one, to play.)""",
        name="causes",
        stub='causes = {"A": ..., "B": ..., "C": ..., "D": ..., "E": ...}',
        solution="""causes = {"A": "wrong port", "B": "no leader", "C": "dead bootstrap",
          "D": "name unknown", "E": "topic missing"}""",
        hints=(
            "How far did each of them get?",
            "Where is the first line that is no success? Before the map, in it, or after it?",
            "In this order: name, port, map, leader, record. Where a map came, read its end.",
        ),
        insight="ask how far it got: name, port, map, leader, record.",
        check=check_causes,
        misconceptions=(23,),
        traps=(
            (('causes = {"A": "name unknown", "B": "no leader", "C": "dead bootstrap",'
             ' "D": "wrong port", "E": "topic missing"}'), "sent on to an address of the answer"),
            (('causes = {"A": "wrong port", "B": "dead bootstrap", "C": "no leader",'
             ' "D": "name unknown", "E": "topic missing"}'), "read its error"),
            (('causes = {"A": "wrong port", "B": "no leader", "C": "topic missing",'
             ' "D": "name unknown", "E": "dead bootstrap"}'), "nobody ever answered"),
        ),
    ),
    Exercise(
        id="3.7",
        title="The duties of a broker",
        kind="code",
        statement="""Write `duties(metadata, broker)`: two sets, the partitions of
`kinaction_helloworld` that the broker leads, and those that it follows. Then predict: three records
go to each partition of our cluster. How many does broker 1 append in partition 0, 1 and 2?
(`duties` is tried on five random placements, up to six brokers and five partitions.)""",
        name="(duties, written)",
        stub="""def duties(metadata, broker):
    ...

written = {0: ..., 1: ..., 2: ...}""",
        solution="""def duties(metadata, broker):
    partitions = metadata.topics["kinaction_helloworld"].partitions.values()
    led = {part.id for part in partitions if part.leader == broker}
    return led, {part.id for part in partitions if broker in part.replicas} - led

written = {0: 3, 1: 3, 2: 3}""",
        hints=(
            "The ★ and the ● of one row.",
            "It follows where it is among the `replicas` and is not the `leader`.",
            "Two set comprehensions over `.partitions.values()`, and a minus.",
        ),
        insight="clients' traffic follows leaders, disk traffic follows replicas.",
        check=check_duties,
        traps=(
            (("def duties(metadata, broker):\n"
             "    parts = metadata.topics['kinaction_helloworld'].partitions.values()\n"
             "    return {part.id for part in parts if part.leader == broker}, set()\n"
             "written = {0: 3, 1: 3, 2: 3}"), "without one Produce"),
            (("def duties(metadata, broker):\n"
             "    parts = metadata.topics['kinaction_helloworld'].partitions.values()\n"
             "    led = {part.id for part in parts if part.leader == broker}\n"
             "    return led, {part.id for part in parts} - led\n"
             "written = {0: 3, 1: 3, 2: 3}"), "has no copy of"),
            (("def duties(metadata, broker):\n"
             "    parts = metadata.topics['kinaction_helloworld'].partitions.values()\n"
             "    led = {part.id for part in parts if part.leader == broker}\n"
             "    return led, {part.id for part in parts if broker in part.replicas} - led\n"
             "written = {0: 3, 1: 0, 2: 0}"), "where its copy grows"),
        ),
    ),
    Exercise(
        id="3.8",
        title="Make a healthy producer wrong",
        kind="attack",
        statement="""Broker 2 was away and is back, broker 3 leads partition 1, and the producer
`quiet` knows that. Write `attack(cluster, quiet)`: when `quiet` writes to partition 1 right after
it, it is refused with NOT_LEADER_OR_FOLLOWER. Nobody may die. Then the defence: `cured`, a config
for `quiet`, with which the same attack finds a fresh map five seconds later, for at most ten
Metadata requests in those five seconds.""",
        name="(attack, cured)",
        stub="""def attack(cluster, quiet):
    ...

cured = ...""",
        solution="""def attack(cluster, quiet):
    cluster.elect_leader("kinaction_helloworld", 1)

cured = {"metadata.max.age.ms": 2_000}""",
        hints=(
            "Move the leader, and keep the client quiet.",
            "`cluster.elect_leader(topic, partition)` brings the leadership home.",
            "A map has a greatest age: `metadata.max.age.ms`. Small means: paid in requests.",
        ),
        insight="fresh maps are paid in requests; being refused once is cheaper.",
        check=check_attack,
        traps=(
            (("def attack(cluster, quiet):\n"
             "    cluster.kill(3)\n    cluster.run(seconds=20)\n"
             "cured = {'metadata.max.age.ms': 2_000}"), "a broken connection makes"),
            (("def attack(cluster, quiet):\n"
             "    cluster.kill(3)\n    cluster.restart(3)\n"
             "cured = {'metadata.max.age.ms': 2_000}"), "a broker died for it"),
            (("def attack(cluster, quiet):\n"
             "    cluster.elect_leader('kinaction_helloworld', 1)\n"
             "cured = {'retry.backoff.ms': 1}"), "refused again"),
            (("def attack(cluster, quiet):\n"
             "    cluster.elect_leader('kinaction_helloworld', 1)\n"
             "cured = {'metadata.max.age.ms': 50}"), "from a client that sent one record"),
            (("def attack(cluster, quiet):\n"
             "    cluster.run(seconds=10)\n"
             "cured = {'metadata.max.age.ms': 2_000}"), "broker 3 still leads"),
        ),
    ),
)
