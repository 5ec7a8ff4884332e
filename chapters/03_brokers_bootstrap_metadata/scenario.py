"""The runs of chapter 03: clients that ask the way, and find it, or do not."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any, NamedTuple

import kinaction

TOPIC = "kinaction_helloworld"
HOME = ((1, 2, 3), (2, 3, 1), (3, 1, 2))
"""Broker 1 leads partition 0, broker 2 partition 1, broker 3 partition 2; each has all three."""
KEYS = ("east", "alert", "search")
"""One key for each of the partitions 0, 1, 2."""
CALM = {"latency_ms": 2}
FAST = {"acks": 1}
"""So that a dead in-sync replica does not blur what this chapter is about."""
BOXED = {"advertised.listeners": "PLAINTEXT://kafka:9092"}
LAPTOP = {"localhost": 1}
"""The laptop's name table: a name, and the broker behind it."""


def prepared(
    seed: int, brokers: int = 3, assignment: Sequence[Sequence[int]] = HOME, **more: Any
) -> Any:
    """Brokers and the topic, 2 ms apart."""
    cluster = kinaction.Cluster(brokers=brokers, seed=seed, **{**CALM, **more})
    cluster.create_topic(TOPIC, assignment=assignment)
    return cluster


def warmed_up(cluster: Any, name: str | None = None, **config: Any) -> Any:
    """A producer with acks=1 that has written one record to each partition."""
    producer = cluster.producer({**FAST, **config}, name=name)
    for key in KEYS:
        producer.produce(TOPIC, key=key, value="good morning")
    producer.flush()
    return producer


def partition_of(key: str, partitions: int) -> int:
    """The partition that a Java producer gives to a key."""
    from kinaction.client.murmur2 import partition_for_key

    return partition_for_key(key.encode(), partitions)


# -- what a client does and hears ------------------------------------------------------------


class Line(NamedTuple):
    """Something that a client did or heard, so many ms after its start."""

    ms: int
    text: str

    def __repr__(self) -> str:
        return f"{self.ms:>7,} ms  {self.text}"


def talk(cluster: Any, client: Any, after: int = -1) -> list[Line]:
    """What a client heard after that step: connections, maps, refusals, the end. The clock starts
    with its first own step after it.
    """
    name = cluster.node(client)
    begun: int | None = None
    places: dict[str, str] = {}
    found: list[Line] = []
    for step in cluster.trace:
        if step.node != name:
            continue
        begun = step.at_ms if begun is None and step.seq > after else begun
        for effect in step.effects:
            if type(effect).__name__ == "Connect":
                places[effect.connection] = f"{effect.host}:{effect.port}"
        words = [*_heard(step.event, places), *_given_up(step)]
        if begun is not None:
            found += [Line(step.at_ms - begun, text) for text in words]
    return found


def _heard(event: Any, places: Mapping[str, str]) -> Iterator[str]:
    kind = type(event).__name__
    if kind == "Connected":
        yield f"{places[event.connection]}: connected"
    elif kind == "Disconnected":
        yield f"{places[event.connection]}: {event.reason}"
    elif kind == "Received" and event.message.api == "Metadata":
        yield f"{places[event.message.connection]}: {said(event.message.body)}"
    elif kind == "Received" and event.message.api == "Produce":
        yield f"{places[event.message.connection]}: {stored(event.message.body)}"


def _given_up(step: Any) -> Iterator[str]:
    for fact in step.facts():
        if type(fact).__name__ == "DeliveryFailed":
            yield f"gives up: {fact.error}, {fact.reason}"


def said(answer: Any) -> str:
    """A Metadata answer in a line: addresses, then leaders or errors."""
    from kinaction.wire.errors import Error

    words = ["map: " + ", ".join(f"{each.node_id} at {each.host}:{each.port}"
                                 for each in answer.brokers)]
    for topic in answer.topics:
        parts = sorted(topic.partitions, key=lambda each: int(each.partition_index))
        if topic.error_code:
            words.append(f"{topic.name}: {Error(topic.error_code).name}")
        else:
            led = [str(part.leader_id) if part.leader_id >= 0 else "nobody" for part in parts]
            errors = {Error(part.error_code).name: None for part in parts if part.error_code}
            words.append(", ".join([f"{topic.name} led by {' '.join(led)}", *errors]))
    return "; ".join(words)


def stored(answer: Any) -> str:
    """A Produce answer in a line: where it was stored, or why not and who leads."""
    from kinaction.wire.errors import Error

    part = answer.responses[0].partition_responses[0]
    if not part.error_code:
        return f"stored at offset {part.base_offset}"
    text = Error(part.error_code).name
    if part.current_leader.leader_id >= 0:
        text += f", leader is {part.current_leader.leader_id}"
        text += f" in epoch {part.current_leader.leader_epoch}"
    for node in answer.node_endpoints:
        text += f", at {node.host}:{node.port}"
    return text


def shortened(lines: Sequence[Line], most: int = 3) -> list[str]:
    """The lines; of rounds that repeat only the first ones, and how many there are."""
    shown: list[str] = []
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.text] = counts.get(line.text, 0) + 1
        if counts[line.text] <= most:
            shown.append(repr(line))
        elif shown[-1].strip() != "…":
            shown.append("         …")
    return shown + [f"{count:>7,} times {text}" for text, count in counts.items() if count > most]


def learned(cluster: Any, client: Any) -> list[str]:
    """How a client's map changed: step, bootstrap list, then brokers and leaders."""
    name, seen, found = cluster.node(client), {}, []
    for step in cluster.trace:
        new = {path: value for path, _, value in step.changed if path.startswith("metadata/")}
        if step.node != name or not new:
            continue
        seen.update(new)
        leaders = [str(leader) for _, leader in sorted(seen["metadata/leaders"].items())]
        brokers = " ".join(map(str, seen["metadata/brokers"]))
        known = (f"knows brokers {brokers}, leaders {' '.join(leaders) or 'none'}" if brokers
                 else f"knows {' '.join(seen['metadata/bootstrap'])}")
        found.append(f"step {step.seq}: {known}")
    return found


def answers(cluster: Any, client: Any, after: int) -> list[str]:
    """What brokers answered to a client's Produce requests after a step."""
    return [line.text for line in talk(cluster, client, after)
            if "stored" in line.text or "NOT_LEADER" in line.text]


def produced(cluster: Any, client: Any, after: int = -1) -> list[tuple[int, int]]:
    """(broker, partition) of every Produce request of a client, in order."""
    name, found = cluster.node(client), []
    for flight in cluster.trace.flights():
        sent = flight.message
        is_own = sent.source == name and sent.api == "Produce" and sent.is_request
        if is_own and flight.sent_seq > after:
            found += [(sent.target, part.index) for topic in sent.body.topic_data
                      for part in topic.partition_data]
    return found


# -- beats 1 to 5 ----------------------------------------------------------------------------


def asked_and_sent(
    seed: int, brokers: int, leaders: Sequence[int], servers: str, keys: Sequence[str]
) -> tuple[Any, list[int], list[int]]:
    """The cluster, who was asked for Metadata and who got Produce from a producer with these
    bootstrap servers that sends these keys.
    """
    cluster = prepared(seed, brokers, [(leader,) for leader in leaders])
    producer = cluster.producer({**FAST, "bootstrap.servers": servers})
    for key in keys:
        producer.produce(TOPIC, key=key, value="hello")
    producer.flush()
    asked = [flight.message.target for flight in cluster.trace.flights()
             if flight.message.source == producer.name and flight.message.api == "Metadata"]
    sent = {broker for broker, _ in produced(cluster, producer)}
    return cluster, sorted(set(asked)), sorted(sent)


CASES: Mapping[str, tuple[int, int, tuple[int, ...], str, tuple[str, ...]]] = {
    "A": (7, 3, (3, 1, 2), "kafka-2:9092", ("east", "alert", "search")),
    "B": (11, 4, (2, 4, 2), "kafka-1:9092,kafka-3:9092", ("east", "alert")),
    "C": (23, 5, (1, 5, 3), "kafka-3:9092", ("search",)),
}
"""3.1: seed, brokers, leaders of the partitions 0, 1, 2, bootstrap.servers, keys."""


def visit(letter: str) -> Any:
    """The cluster of one of the three cases, after the records were sent."""
    return asked_and_sent(*CASES[letter])[0]


def delay_of(cluster: Any, producer: Any, partition: int, limit_s: int = 40) -> int | None:
    """How many ms a record for that partition takes to be delivered; None: it is not, so long."""
    began_ms, told = cluster.now_ms, []
    producer.produce(TOPIC, value="how long?", partition=partition,
                     on_delivery=lambda error, _: told.append((error, cluster.now_ms)))
    producer.flush(limit_s)
    return told[0][1] - began_ms if told and told[0][0] is None else None


WAITS = ("at once", "after about 9 s", "not")
CLIENTS = ("running, writes to 0", "running, writes to 1", "new, list 1", "new, list 1 and 3")
"""Four clients, when broker 1 dies, which leads partition 0."""


def stopwatch(cluster: Any) -> Any:
    """An on_delivery that prints key or value, what became of it, and the ms since now."""
    began_ms = cluster.now_ms

    def tell(error: Any, message: Any) -> None:
        what = (message.key() or message.value()).decode()
        print(f"{what} · {error or 'delivered'} · {cluster.now_ms - began_ms:,} ms")

    return tell


def bucket(ms: int | None) -> str:
    """A delay in words."""
    if ms is None:
        return WAITS[2]
    return WAITS[0] if ms < 1_000 else WAITS[1]


def waits(seed: int, dead: int = 1) -> tuple[Any, dict[str, str]]:
    """The cluster, and how long each of the four clients waits when that broker is dead.

    For another broker than 1 all numbers of `CLIENTS` are shifted round.
    """
    cluster = prepared(seed)
    own, other = dead - 1, dead % 3
    runs = {kind: warmed_up(cluster, name) for kind, name in zip(
        CLIENTS[:2], ("writer-0", "writer-1"), strict=True)}
    cluster.run(seconds=1)
    cluster.kill(dead)
    lists = (f"kafka-{dead}:9092", f"kafka-{dead}:9092,kafka-{(dead + 1) % 3 + 1}:9092")
    for kind, servers, name in zip(CLIENTS[2:], lists, ("new-1", "new-1-3"), strict=True):
        runs[kind] = cluster.producer({**FAST, "bootstrap.servers": servers}, name=name)
    told: dict[str, int] = {}
    began_ms = cluster.now_ms
    for kind, producer in runs.items():
        producer.produce(
            TOPIC, value="how long?", partition=own if kind == CLIENTS[0] else other,
            on_delivery=lambda error, _, kind=kind: told.update(
                {} if error else {kind: cluster.now_ms - began_ms}))
    cluster.run(seconds=30)
    return cluster, {kind: bucket(told.get(kind)) for kind in CLIENTS}


def placements(seed: int) -> tuple[int, list[list[int]]]:
    """A number of brokers, 3 to 6, and two or three replicas for each of 2 to 5 partitions."""
    roll = Random(seed).random
    brokers, partitions, factor = (least + int(roll() * many) for least, many in (
        (3, 4), (2, 4), (2, 2)))
    placed = []
    for _ in range(partitions):
        left = list(range(1, brokers + 1))
        placed.append([left.pop(int(roll() * len(left))) for _ in range(factor)])
    return brokers, placed


def written(cluster: Any, records: int = 3) -> dict[int, dict[int, int]]:
    """Send so many records to each partition; how many each broker appended, by partition."""
    producer = cluster.producer(FAST)
    count = len(cluster.image().topics[TOPIC].partitions)
    for partition in list(range(count)) * records:
        producer.produce(TOPIC, value="hello", partition=partition)
    producer.flush()
    cluster.run(seconds=1)
    state = cluster.trace.state
    return {broker: {partition: state[broker].get(
        f"partitions/{TOPIC}-{partition}/log_end_offset", 0) for partition in range(count)}
        for broker in cluster.brokers}


def taken(cluster: Any, broker: int) -> set[int]:
    """The partitions of which a broker got Produce requests."""
    return {part.index for flight in cluster.trace.flights()
            if flight.message.target == broker and flight.message.api == "Produce"
            and flight.message.is_request for topic in flight.message.body.topic_data
            for part in topic.partition_data}


def fetched(cluster: Any, broker: int) -> set[int]:
    """The partitions of the topic that a broker asked others for."""
    topic_id = cluster.image().topics[TOPIC].topic_id
    return {part.partition for flight in cluster.trace.flights()
            if flight.message.source == broker and flight.message.api == "Fetch"
            and flight.message.is_request for topic in flight.message.body.topics
            if topic.topic_id == topic_id for part in topic.partitions}


# -- beat 6: old maps ------------------------------------------------------------------------


def away(seed: int) -> Any:
    """Broker 2 was away and is back, in the ISR of all; broker 3 still leads partition 1."""
    cluster = prepared(seed)
    cluster.kill(2)
    cluster.run_until("a new leader is elected")
    cluster.restart(2)
    cluster.run_until("broker 2 is back in the ISR")
    return cluster


def went_home(seed: int) -> Any:
    """A quiet producer knows the leader of partition 1; then the leadership goes home to 2."""
    cluster = away(seed)
    quiet = warmed_up(cluster, "quiet")
    cluster.run(seconds=1)
    cluster.elect_leader(TOPIC, 1, 2)
    return _sends_again(cluster, quiet)


def died(seed: int) -> Any:
    """A quiet producer knows the leader of partition 1; then that leader dies."""
    cluster = prepared(seed)
    quiet = warmed_up(cluster, "quiet")
    cluster.run(seconds=1)
    cluster.kill(2)
    cluster.run_until("a new leader is elected")
    return _sends_again(cluster, quiet)


def _sends_again(cluster: Any, quiet: Any) -> Any:
    cluster.run(seconds=2)
    quiet.produce(TOPIC, key="alert", value="old map")
    quiet.flush()
    return cluster


def first_wrong(cluster: Any, client: str = "quiet", partition: int = 1) -> int:
    """The first step after which a client's map names another leader than the controller does."""
    path = f"{TOPIC}-{partition}"
    known: Mapping[str, int] = {}
    committed: dict[Any, Mapping[str, Any]] = {}
    for step in cluster.trace:
        new = {at: value for at, _, value in step.changed}
        known = new.get("metadata/leaders", known) if step.node == client else known
        committed[step.node] = {**committed.get(step.node, {}), **new}
        active = [seen for seen in committed.values() if seen.get("controller/active")]
        if known and active and active[-1].get(f"image/{path}/leader") != known.get(path):
            return int(step.seq)
    raise AssertionError("this map is never wrong")


def refusals(cluster: Any, client: Any, after: int = -1) -> list[int]:
    """The steps in which a client was told NOT_LEADER_OR_FOLLOWER."""
    from kinaction.wire.errors import Error

    name = cluster.node(client)
    return [
        step.seq for step in cluster.trace if step.node == name and step.seq > after
        and type(step.event).__name__ == "Received" and step.event.message.api == "Produce"
        and any(part.error_code == Error.NOT_LEADER_OR_FOLLOWER
                for topic in step.event.message.body.responses
                for part in topic.partition_responses)]


def questions(cluster: Any, client: Any, after: int = -1) -> int:
    """How many Metadata requests a client sent after a step."""
    name = cluster.node(client)
    return sum(flight.message.source == name and flight.message.api == "Metadata"
               and flight.sent_seq > after for flight in cluster.trace.flights())


# -- beats 7 to 9: names ---------------------------------------------------------------------


def in_container(name: str) -> dict[str, Any]:
    """A container's name table: kafka is the broker, localhost is the container itself."""
    return {"kafka": 1, "localhost": name}


WORLDS = (
    ("laptop", "localhost:19092", LAPTOP),
    ("app", "kafka:9092", in_container("app")),
    ("etl", "kafka:9092", in_container("etl")),
)
"""Who has to reach the broker of 3.5: name, bootstrap.servers, name table."""


def two_worlds(config: Mapping[str, Any], seed: int = 7) -> Any:
    """One broker with that config; everybody in `WORLDS` sends a record, named after the sender."""
    cluster = kinaction.Cluster(brokers=1, seed=seed, config=config, latency_ms=2)
    with suppress(kinaction.KafkaError):  # nobody reaches a broker that advertises nonsense
        cluster.create_topic("parcels")
    for name, servers, names in WORLDS:
        sender = cluster.producer(
            {**FAST, "bootstrap.servers": servers, "names": names}, name=name)
        sender.produce("parcels", value=f"from {name}")
        sender.flush(5)
    return cluster


def received(cluster: Any, seconds: float = 10) -> dict[str, list[str]]:
    """What a reader beside each sender of `two_worlds` gets."""
    found = {}
    for name, servers, names in WORLDS:
        own = {**names, **({"localhost": f"{name}-reader"} if name != "laptop" else {})}
        reader = cluster.consumer(
            {"bootstrap.servers": servers, "names": own, "group.id": name,
             "auto.offset.reset": "earliest"}, name=f"{name}-reader")
        reader.subscribe(["parcels"])
        records = reader.consume(len(WORLDS), seconds)
        found[name] = [record.value().decode() for record in records]
    return found


def orphan(strategy: str, seed: int = 7) -> Any:
    """A client that started while broker 2 was away: it knows 1 and 3. Both die; 2 is back."""
    cluster = prepared(seed)
    cluster.kill(2)
    cluster.run(seconds=15)
    client = cluster.producer({**FAST, "metadata.recovery.strategy": strategy}, name="orphan")
    client.produce(TOPIC, key="east", value="good morning")
    client.flush()
    cluster.restart(2)
    cluster.run_until("broker 2 is back in the ISR")
    cluster.elect_leader(TOPIC, 1, 2)
    cluster.run(seconds=1)
    for broker in (1, 3):
        cluster.kill(broker)
    return cluster


# -- 3.2: maps that were really given --------------------------------------------------------

OUTSIDE = {f"broker-{n}.example": n for n in (1, 2, 3)}
TIDES = "tides"
"""A topic with one partition and one copy, on broker 2."""
SENT = (*((TOPIC, key) for key in KEYS), (TIDES, "high water"))


def named(seed: int) -> Any:
    """Three brokers that clients from outside know by names and ports of their own."""
    config = {"listener.security.protocol.map":
              "PLAINTEXT:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT"}
    cluster = prepared(seed, config=config, broker_config={n: {
        "listeners": f"PLAINTEXT://:9092,OUT://:1909{n}",
        "advertised.listeners": f"PLAINTEXT://kafka-{n}:9092,OUT://broker-{n}.example:1909{n}",
    } for n in (1, 2, 3)})
    cluster.create_topic(TIDES, assignment=[[2]])
    return cluster


class Asked(NamedTuple):
    """A Metadata answer, and the address to which our own client then sent each (topic, key)."""

    moment: str
    via: int
    metadata: Any
    sent: Mapping[tuple[str, str], str | None]


def maps(seed: int) -> Iterator[Asked]:
    """Maps of a run in which broker 2 dies and comes back, as each living broker gives them."""
    cluster = named(seed)
    yield from _asked_all(cluster, "all is well", seed)
    cluster.kill(2)
    cluster.run(seconds=20)
    yield from _asked_all(cluster, "broker 2 is dead", seed)
    cluster.restart(2)
    cluster.run_until("broker 2 is back in the ISR")
    cluster.run(seconds=1)
    yield from _asked_all(cluster, "broker 2 is back", seed)
    cluster.elect_leader(TOPIC, 1, 2)
    cluster.run(seconds=1)
    yield from _asked_all(cluster, "2 leads partition 1 again", seed)


def _asked_all(cluster: Any, moment: str, seed: int) -> Iterator[Asked]:
    for broker in cluster.running():
        servers = f"broker-{broker.id}.example:1909{broker.id}"
        config = {**FAST, "bootstrap.servers": servers, "names": OUTSIDE}
        producer = cluster.producer(config)
        metadata = producer.list_topics()
        for topic, key in SENT:
            producer.produce(topic, key=key, value="hello")
        cluster.run(ms=100)
        yield Asked(f"seed {seed}, {moment}", broker.id, metadata, _addresses(cluster, producer))


def _addresses(cluster: Any, producer: Any) -> dict[tuple[str, str], str | None]:
    """The address on whose connection each record left first; None: it never left."""
    places: dict[str, str] = {}
    left: dict[str, str] = {}
    for step in cluster.trace:
        if step.node == producer.name:
            for effect in step.effects:
                if type(effect).__name__ == "Connect":
                    places[effect.connection] = f"{effect.host}:{effect.port}"
            for _, message in step.sends():
                if message.api == "Produce":
                    for key in carried(message.body):
                        left.setdefault(key, places[message.connection])
    return {(topic, key): left.get(key) for topic, key in SENT}


def carried(body: Any) -> list[str]:
    """The keys of the records in a Produce request."""
    from kinaction.wire.batch import joined, records

    return [bytes(record.key or b"").decode() for topic in body.topic_data
            for part in topic.partition_data for record in records(joined(part.records))]


# -- 3.6: five reports -----------------------------------------------------------------------

CAUSES = ("name unknown", "wrong port", "dead bootstrap", "no leader", "topic missing")
TEXTS = (
    "Kafka is down again. My program hangs.",
    "I get no error at all, and no record arrives. The firewall?",
    "It worked on my machine yesterday. I changed nothing.",
    "I can reach the broker, I checked that. So it must be the network.",
    "Please restart Kafka. My producer cannot connect.",
)


class Report(NamedTuple):
    """A report of somebody who "cannot connect", and the run behind it."""

    letter: str
    text: str
    cause: str
    run: Any

    def __repr__(self) -> str:
        lines = shortened(talk(self.run, "caller"), most=2)
        return "\n".join([f"{self.letter}  “{self.text}”", *lines])


def reports(seed: int = 7) -> list[Report]:
    """Five reports, one of each cause, in an order that the seed decides."""
    roll = Random(seed).random
    causes, texts = list(CAUSES), list(TEXTS)
    found = []
    for letter in "ABCDE":
        cause = causes.pop(int(roll() * len(causes)))
        text = texts.pop(int(roll() * len(texts)))
        found.append(Report(letter, text, cause, BROKEN[cause](seed)))
    return found


def _called(cluster: Any, servers: str, names: Mapping[str, int] | None = None) -> Any:
    """Somebody produces to "orders", for ten seconds."""
    caller = cluster.producer(
        {**FAST, "bootstrap.servers": servers, "names": names or {}}, name="caller")
    caller.produce("orders", key="order 1", value="one map of the harbour")
    caller.flush(10)
    return cluster


def _name_unknown(seed: int) -> Any:
    cluster = kinaction.Cluster(brokers=1, seed=seed, config=BOXED)
    cluster.create_topic("orders")
    return _called(cluster, "localhost:9092", LAPTOP)


def _wrong_port(seed: int) -> Any:
    config = {"advertised.listeners": "PLAINTEXT://kafka-1:9029"}
    cluster = kinaction.Cluster(brokers=1, seed=seed, config=config)
    cluster.producer({"bootstrap.servers": "kafka-1:9092"}).produce("orders", value="make it")
    cluster.run(seconds=1)
    return _called(cluster, "kafka-1:9092")


def _dead_bootstrap(seed: int) -> Any:
    cluster = kinaction.Cluster(brokers=3, seed=seed)
    cluster.create_topic("orders", replication_factor=3)
    cluster.kill(1)
    cluster.run(seconds=20)
    return _called(cluster, "kafka-1:9092")


def _no_leader(seed: int) -> Any:
    cluster = kinaction.Cluster(brokers=3, seed=seed)
    cluster.create_topic("orders", assignment=[[2]])
    cluster.kill(2)
    cluster.run(seconds=20)
    return _called(cluster, "kafka-1:9092,kafka-3:9092")


def _topic_missing(seed: int) -> Any:
    config = {"auto.create.topics.enable": False}
    return _called(kinaction.Cluster(brokers=3, seed=seed, config=config), "kafka-1:9092")


BROKEN = dict(zip(CAUSES, (
    _name_unknown, _wrong_port, _dead_bootstrap, _no_leader, _topic_missing), strict=True))


def diagnosis(run: Any) -> str:
    """The cause of a report, read from what its client heard; `reports` does not use it."""
    heard = [line.text for line in talk(run, "caller")]
    for words, cause in (("unknown host", CAUSES[0]), ("LEADER_NOT_AVAILABLE", CAUSES[3]),
                         ("UNKNOWN_TOPIC_OR_PARTITION", CAUSES[4])):
        if any(words in text for text in heard):
            return cause
    return CAUSES[1] if any("map:" in text for text in heard) else CAUSES[2]
