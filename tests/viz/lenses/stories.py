"""Random runs, for properties of the layout: real clusters with random faults, and wild stories."""

from random import Random

from kinaction import Cluster
from kinaction.client.values import TopicPartition
from kinaction.viz.lenses.faults import Fault
from kinaction.viz.lenses.story import Arrow, Mark, Spot, Story
from tests.viz.lenses.sample import TOPIC, RecordProcessed

KINDS = ("produce", "ack", "consume", "replicate", "control")


def random_run(seed: int):
    """A real cluster under a few random faults; its trace."""
    dice = Random(seed)
    cluster = Cluster(brokers=dice.choice((1, 2, 3)), seed=seed,
                      latency_ms=(1, dice.choice((1, 4, 30))))
    cluster.create_topic(TOPIC, partitions=dice.choice((1, 2)),
                         replication_factor=len(cluster.brokers))
    producer = cluster.producer({
        "acks": dice.choice(("0", "1", "all")), "enable.idempotence": False, "linger.ms": 0,
        "request.timeout.ms": 50, "delivery.timeout.ms": 400})
    consumer = cluster.consumer()
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    for number in range(dice.randint(1, 5)):
        producer.produce(TOPIC, value=f"record number {number}", partition=0)
        cluster.run(ms=dice.choice((0, 1, 2, 9, 150)))
        _harm(cluster, dice, consumer)
    cluster.run(ms=300)
    if cluster.world.nodes[consumer.name].machine is not None:
        for message in consumer.consume(5, 0.05):
            cluster.world.note(RecordProcessed(consumer.name, TOPIC, 0, message.offset()))
    return cluster.trace


def _harm(cluster, dice, consumer):
    flying = cluster.in_flight()
    what = dice.random()
    if what < 0.4 and flying:
        cluster.drop(dice.choice(flying).number, reset=dice.random() < 0.5)
    elif what < 0.5:
        cluster.kill(dice.choice((consumer, *cluster.brokers)))
    elif what < 0.6 and flying:
        cluster.delay(dice.choice(flying).number, 40)


def wild_story(seed: int) -> Story:
    """A story that no Kafka would tell: anything at any time, long labels, crowded moments."""
    dice = Random(seed)
    nodes = ["producer-1", *range(1, dice.randint(2, 4)), "consumer-1"]
    lifelines = tuple((node, f"node {node}") for node in nodes)
    arrows, marks, notes = [], [], []
    for seq in range(dice.randint(1, 24)):
        at_ms = dice.randint(0, 60) if dice.random() < 0.9 else 30_000
        source, target = dice.sample(nodes, 2)
        start = Spot(at_ms, 10 * seq, 2, source)
        is_lost = dice.random() < 0.15
        end = Spot(at_ms + dice.randint(1, 9), 10 * seq + 1, 0, None if is_lost else target)
        label = dice.choice(("m1", "m2–9", "commit 3", "OUT_OF_ORDER_SEQUENCE_NUMBER", ""))
        arrows.append(Arrow(dice.choice(KINDS), start, end, target, label,
                            dice.random() < 0.6, is_lost, False, "a message"))
        if not is_lost and dice.random() < 0.5:
            kind = dice.choice(("cell", "twice", "known", "done", "undone"))
            note = "known: it is offset 2" if kind in ("twice", "known") else ""
            marks.append(Mark(kind, end, dice.choice(("0: m1", "seq 2", "12–14: m12–14")), note,
                              "ack"))
        if dice.random() < 0.3:
            notes.append(Mark("note", start, dice.choice(("sent again", "nobody notices")), "",
                              "produce"))
    faults = tuple(Fault(dice.randint(0, 60), 10_000 + at, dice.choice(
        ("a request is lost", "an answer is lost", "a consumer crashes"))) for at in
        range(dice.randint(0, 3)))
    faults = tuple(sorted(faults, key=lambda fault: fault.at_ms))
    outcome = tuple((f"m{number}", dice.randint(0, 3)) for number in range(dice.randint(0, 9)))
    return Story(lifelines, tuple(arrows), tuple(marks), tuple(notes), faults, outcome, 0)
