import pytest

from kinaction import Cluster
from kinaction.viz.lenses.life import COLUMNS, life
from kinaction.viz.lenses.passage import NoSuchRecord
from tests.viz.lenses.sample import TOPIC, acks_runs, three_guarantees


def test_the_moments_are_steps_of_the_trace():
    for run in acks_runs():
        told = life(run.trace, run.topic, run.partition, run.offset)
        for event in told.events:
            step = run.trace[event.seq]
            assert (step.at_ms, step.node) == (event.at_ms, event.node)
        times = [event.at_ms for event in told.events]
        assert times == sorted(times)


def test_a_record_under_acks_all():
    run = acks_runs()[2]
    told = life(run.trace, "trams", 0, 2)
    assert [(row[1], row[2], row[3]) for row in told.rows] == [
        (0, "producer-1", "takes it from the application"),
        (0, "producer-1", "sends it to broker 2"),
        (1, 2, "appends it as leader"),
        (8, 3, "appends it as follower"),
        (8, 1, "appends it as follower"),
        (11, 2, "knows it committed: the whole ISR has it"),
        (12, "producer-1", "is told that it is stored"),
    ]
    assert told.wait.ms == 7
    assert told.wait.reason.startswith("broker 3 asked only at 0.")
    assert repr(told).endswith(f"{told.wait.reason}.")
    assert repr(told).startswith("Offset 2 of trams-0: at 0.")


def test_the_commit_is_where_the_high_watermark_passed():
    run = acks_runs()[2]
    moment = run.passage().committed
    changed = {path: new for path, _, new in run.trace[moment.seq].changed}
    assert changed["partitions/trams-0/high_watermark"] == 3


def test_a_record_that_was_sent_twice_says_why():
    told = life(three_guarantees()[2], TOPIC, 0, 2)
    what = [event.what for event in told.events]
    assert "sends it again to broker 1" in what
    assert "hands it to its application" in what
    assert what.count("appends it as leader") == 1
    assert any(words.startswith("stores for group till: go on at 3") for words in what)


def test_a_lost_request_is_told():
    told = life(three_guarantees()[1], TOPIC, 0, 1)
    assert "sends it to broker 1; that request never arrived" in [e.what for e in told.events]
    assert "sent again" in told.wait.reason or "request.timeout.ms" in told.wait.reason or (
        told.wait.ms > 50)


def test_a_slow_poll_is_the_wait():
    cluster = Cluster(brokers=1, seed=5)
    cluster.create_topic("t")
    consumer = cluster.consumer()
    from kinaction.client.values import TopicPartition

    consumer.assign([TopicPartition("t", 0, 0)])
    consumer.consume(1, 0.1)
    producer = cluster.producer()
    producer.produce("t", key="k", value="v")
    producer.flush()
    cluster.run(seconds=5)
    consumer.consume(1, 1)
    told = life(cluster.trace, "t", 0, 0)
    assert told.wait.ms > 4000
    assert "did not poll" in told.wait.reason
    assert told.name == "t-0, offset 0: k = v"


def test_linger_is_the_wait():
    cluster = Cluster(brokers=1, seed=5)
    cluster.create_topic("t")
    producer = cluster.producer({"linger.ms": 400})
    producer.produce("t", value="first")
    producer.flush()
    producer.produce("t", value="second")
    cluster.run(seconds=1)
    told = life(cluster.trace, "t", 0, 1)
    assert told.wait.ms == 400
    assert "linger.ms" in told.wait.reason


def test_a_dead_member_of_the_isr_is_the_wait():
    cluster = Cluster(brokers=3, seed=7)
    cluster.create_topic("t", replication_factor=3)
    producer = cluster.producer({"linger.ms": 0})
    producer.produce("t", value="first")
    producer.flush()
    dead = next(b for b in cluster.isr("t") if b != cluster.leader("t"))
    cluster.kill(dead)
    producer.produce("t", value="second")
    producer.flush()
    told = life(cluster.trace, "t", 0, 1)
    assert told.wait.ms > 5000
    assert told.events[told.wait.after].what.startswith("knows it committed")
    assert f"broker {dead}" in told.wait.reason


def test_the_table():
    pandas = pytest.importorskip("pandas")
    told = life(acks_runs()[1].trace, "trams", 0, 2)
    frame = told.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == len(told.events)


def test_what_was_never_stored_is_an_error_that_says_what_was():
    trace = acks_runs()[0].trace
    with pytest.raises(NoSuchRecord, match="trams-0 has no offset 9; the trace has offsets 0 to 2"):
        life(trace, "trams", 0, 9)
    with pytest.raises(NoSuchRecord, match="no record was stored in ferries-0; logs with records: "
                                           "trams-0"):
        life(trace, "ferries", 0, 0)


def test_the_sentence_is_the_static_pictures_alt():
    told = life(acks_runs()[1].trace, "trams", 0, 2)
    shown = told._repr_mimebundle_()
    assert shown["text/plain"] == " ".join(told.sentences)
    assert "trams-0, offset 2" in told.svg
