"""`maps=True`: a producer's box says what it knows of the cluster."""

from kinaction import Cluster
from kinaction.viz.clients import map_lines

KEYS = ["__cluster_metadata-0", "t-0", "t-1"]


def words(seen: dict[str, object]) -> list[str]:
    return [str(line[0]) for line in map_lines(seen, KEYS)]


def test_before_the_first_answer_there_is_the_bootstrap_list_only() -> None:
    assert words({"metadata/brokers": [], "metadata/bootstrap": ["kafka-1:9092"]}) == [
        "knows only", "kafka-1:9092"]


def test_then_brokers_and_the_leaders_of_the_shown_columns() -> None:
    seen = {"metadata/brokers": [1, 2, 3], "metadata/leaders": {"t-1": 2, "other-0": 1}}
    assert words(seen) == ["knows 1 2 3", "leaders – 2"]


def test_who_has_no_map_has_no_lines() -> None:
    assert words({}) == []


def test_the_boxes_of_a_run_change_with_the_map() -> None:
    cluster = Cluster(brokers=3, seed=7)
    cluster.create_topic("t", assignment=[[1], [2]])
    producer = cluster.producer({"bootstrap.servers": "kafka-1:9092"})
    producer.produce("t", value="hi", partition=1)
    producer.flush()
    plain, mapped = cluster.view().data(), cluster.view(maps=True).data()
    assert plain != mapped
    assert "knows 1 2 3" in str(cluster.view(maps=True)._film.last["actor/producer-1"])
    assert "knows" not in str(cluster.view()._film.last["actor/producer-1"])
