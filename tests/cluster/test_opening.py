"""Where a picture of a cluster begins: with what somebody did to it."""

from kinaction import Cluster


def test_a_picture_begins_with_the_first_call_of_a_client() -> None:
    cluster = Cluster(seed=7)
    cluster.create_topic("t", replication_factor=3)
    assert cluster.opening == cluster.first_seq
    producer = cluster.producer()
    producer.produce("t", "hello")
    producer.flush()
    opening = cluster.trace[cluster.opening]
    assert (opening.node, opening.event.command) == ("producer-1", "produce")
    assert cluster.view().plan.first_seq == cluster.opening
    assert [actor.key for actor in cluster.view().plan.left] == ["producer-1"]
    assert cluster.view(first_seq=cluster.first_seq).plan.first_seq == cluster.first_seq


def test_a_fault_before_any_client_is_where_it_begins() -> None:
    cluster = Cluster(seed=7)
    cluster.create_topic("t", replication_factor=3)
    cluster.kill(cluster.leader("t"))
    killed = next(step.seq for step, _ in cluster.trace.facts("NodeCrashed"))
    cluster.producer().list_topics("t")
    assert cluster.opening == killed
