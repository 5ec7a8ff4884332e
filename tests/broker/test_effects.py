"""What a broker answers with, effect by effect, read off the step that takes the request."""

from typing import Any

from kinaction import Cluster
from kinaction.kernel.effects import Append, CancelTimer, Noted, Send, SetTimer
from kinaction.kernel.events import Received
from kinaction.kernel.trace import Step

TOPIC = "t"


def cluster_of(brokers: int, **config: Any) -> Cluster:
    cluster = Cluster(brokers=brokers, seed=7)
    cluster.create_topic(TOPIC, replication_factor=brokers, config=config)
    cluster.run(seconds=2)
    return cluster


def produce(cluster: Cluster, acks: str, value: str = "x", **config: Any) -> list[Any]:
    reports: list[Any] = []
    producer = cluster.producer({"acks": acks, "linger.ms": 0, **config})
    producer.produce(TOPIC, value=value, on_delivery=lambda error, m: reports.append((error, m)))
    producer.flush(60)
    return reports


def steps_taking(cluster: Cluster, api: str, *, is_request: bool = True) -> list[Step]:
    return [step for step in cluster.trace if isinstance(step.event, Received)
            and step.event.message.api == api and step.event.message.is_request == is_request]


def shapes(step: Step) -> list[str]:
    """Each effect in a word or two; an effect that is not named here fails the test that looks."""
    found = []
    for effect in step.effects:
        if isinstance(effect, Send):
            way = "request" if effect.message.is_request else "response"
            found.append(f"{effect.message.api} {way} to {effect.message.target}")
        elif isinstance(effect, Append):
            found.append(f"append {effect.log} {effect.base_offset}+{effect.count}")
        elif isinstance(effect, Noted):
            found.append(type(effect.fact).__name__)
        elif isinstance(effect, SetTimer | CancelTimer):
            name = effect.name if isinstance(effect.name, str) else effect.name[0]
            found.append(f"{type(effect).__name__} {name}")
        else:
            raise AssertionError(f"an effect nobody expected: {effect}")
    return found


def test_acks_1_is_answered_in_the_step_that_appends() -> None:
    cluster = cluster_of(1)
    produce(cluster, "1")
    (step,) = steps_taking(cluster, "Produce")
    assert shapes(step) == [
        "append t-0 0+1", "HighWatermarkAdvanced", "Produce response to producer-1"]


def test_acks_0_is_not_answered() -> None:
    cluster = cluster_of(1)
    produce(cluster, "0")
    cluster.run(ms=100)
    (step,) = steps_taking(cluster, "Produce")
    assert shapes(step) == ["append t-0 0+1", "HighWatermarkAdvanced"]


def test_acks_all_waits_in_purgatory_until_the_last_follower_asks_for_more() -> None:
    cluster = cluster_of(3)
    cluster.run(ms=200)  # both followers' fetches wait at the leader, of their 500 ms
    produce(cluster, "all")
    (step,) = steps_taking(cluster, "Produce")
    leader = cluster.leader(TOPIC)
    others = [node for node in cluster.brokers if node != leader]
    assert sorted(shapes(step)) == sorted([
        "append t-0 0+1", *[f"Fetch response to {node}" for node in others],
        *["CancelTimer fetch"] * 2, "SetTimer produce"])
    answering = [step for step in cluster.trace if "Produce response to producer-1" in shapes_of(
        step)]
    (answer,) = answering
    assert isinstance(answer.event, Received)
    assert answer.event.message.api == "Fetch"
    assert "HighWatermarkAdvanced" in shapes_of(answer)
    asked = answer.event.message.body.topics[0].partitions[0].fetch_offset
    assert asked == 1, "the follower's next fetch says what it has"


def shapes_of(step: Step) -> list[str]:
    return [f"{e.message.api} {'request' if e.message.is_request else 'response'} to "
            f"{e.message.target}" if isinstance(e, Send)
            else type(e.fact).__name__ if isinstance(e, Noted) else "" for e in step.effects]


def test_too_few_in_sync_is_refused_before_anything_is_written() -> None:
    cluster = cluster_of(3, **{"min.insync.replicas": 3})
    dead = next(node for node in cluster.brokers
                if node not in (cluster.leader(TOPIC), cluster.controller()))
    cluster.kill(dead)
    cluster.run_until("a broker is fenced")
    cluster.run(seconds=1)
    end = cluster.broker(cluster.leader(TOPIC)).replicas.partitions[TOPIC, 0].log.log_end_offset
    ((error, _),) = produce(cluster, "all", **{
        "request.timeout.ms": 1000, "delivery.timeout.ms": 3000})
    assert error is not None
    after = cluster.broker(cluster.leader(TOPIC)).replicas.partitions[TOPIC, 0]
    assert after.log.log_end_offset == end
    ((error, _),) = produce(cluster, "1")
    assert error is None, "acks=1 does not ask for the ISR"


def test_the_high_watermark_waits_while_the_isr_is_too_small() -> None:
    cluster = cluster_of(3, **{"min.insync.replicas": 3})
    dead = next(node for node in cluster.brokers
                if node not in (cluster.leader(TOPIC), cluster.controller()))
    cluster.kill(dead)
    cluster.run_until("a broker is fenced")
    cluster.run(seconds=1)
    produce(cluster, "1")
    cluster.run(seconds=2)
    held = cluster.broker(cluster.leader(TOPIC)).replicas.partitions[TOPIC, 0]
    assert (held.log.log_end_offset, held.high_watermark) == (1, 0)
    cluster.restart(dead)
    cluster.run_until(f"broker {dead} is back in the ISR")
    cluster.run(seconds=1)
    held = cluster.broker(cluster.leader(TOPIC)).replicas.partitions[TOPIC, 0]
    assert held.high_watermark == 1


def test_a_fetch_waits_and_is_answered_by_the_append() -> None:
    cluster = cluster_of(1)
    consumer = cluster.consumer({"group.id": "g", "fetch.max.wait.ms": 5000})
    consumer.assign([(TOPIC, 0)])
    assert consumer.poll(0.2) is None
    produce(cluster, "1")
    (step,) = steps_taking(cluster, "Produce")
    assert "Fetch response to consumer-1" in shapes(step)


def test_a_follower_that_lags_leaves_the_isr_after_30_seconds_and_comes_back() -> None:
    cluster = cluster_of(3)
    leader = cluster.leader(TOPIC)
    follower = next(node for node in cluster.brokers
                    if node not in (leader, cluster.controller()))
    cluster.cut(leader, follower)
    cluster.run(ms=100)
    produce(cluster, "1")
    began_ms = cluster.now_ms
    cluster.run_until(lambda c: follower not in c.isr(TOPIC), seconds=80)
    waited_ms = cluster.now_ms - began_ms
    assert 29_000 < waited_ms < 46_000, f"replica.lag.time.max.ms is 30 s; it took {waited_ms} ms"
    cluster.heal()
    cluster.run_until(f"broker {follower} is back in the ISR", seconds=120)


def test_a_wrong_broker_says_who_leads_and_never_forwards() -> None:
    cluster = Cluster(brokers=3, seed=7)
    cluster.create_topic(TOPIC, assignment=[[1, 2, 3]])
    quiet = cluster.producer({"acks": "1", "linger.ms": 0})
    quiet.produce(TOPIC, value="one")
    quiet.flush()
    cluster.kill(1)
    cluster.run_until("a new leader is elected")
    cluster.run(seconds=1)
    second = cluster.producer({"acks": "1", "linger.ms": 0}, name="second")
    second.produce(TOPIC, value="two")
    second.flush()
    cluster.restart(1)
    cluster.run_until("broker 1 is back in the ISR")
    cluster.elect_leader(TOPIC, 0)
    cluster.run(seconds=1)
    assert cluster.leader(TOPIC) == 1
    first = cluster.world.host.seq
    second.produce(TOPIC, value="old map")
    assert second.flush(30) == 0
    answers = [step.event.message.body for step in cluster.trace.steps[first:]
               if isinstance(step.event, Received) and step.node == "second"
               and step.event.message.api == "Produce"]
    refused, taken = (answer.responses[0].partition_responses[0] for answer in answers)
    assert refused.error_code == 6
    assert refused.current_leader.leader_id == 1
    assert answers[0].node_endpoints[0].host == "kafka-1"
    assert taken.error_code == 0
