"""The player's buttons: each does what the line of code beside it does, and to nobody's harm."""

import ast
import inspect
from functools import cache
from typing import Any

import pytest

from kinaction import Cluster
from kinaction.cluster.commands import obey
from kinaction.sim.faults import NotInFlight
from kinaction.viz.theatre import ACTS, RUN_ON_MS
from kinaction.wire.errors import Error, KafkaError

TOPIC = "kinaction_helloworld"
NAMES = [act["do"] for act in ACTS]


def hello() -> Cluster:
    """Three brokers, and one record that was sent with acks=all."""
    cluster = Cluster(brokers=3, seed=7)
    cluster.create_topic(TOPIC, partitions=3, replication_factor=3)
    producer = cluster.producer({"acks": "all"})
    producer.produce(TOPIC, key="alert", value="hello world")
    producer.flush()
    return cluster


@cache
def shared() -> Cluster:
    """The same for all tests that only look at it; buttons must."""
    return hello()


@cache
def after(fault: str) -> Cluster:
    """A run in which broker 2 is down or paused at the end."""
    cluster = hello()
    getattr(cluster, fault)(2)
    return cluster


def pressed(do: str) -> tuple[Cluster, dict[str, Any], str]:
    """A run, an order for it as the player sends it, and the code that the player shows."""
    act = ACTS[NAMES.index(do)]
    faults = {"offline": "kill", "paused": "pause"}
    cluster = after(faults[act["for"]]) if act["for"] in faults else shared()
    number = cluster.message("Produce", value="hello world", answer=True)
    at = cluster.trace[-1].seq if act["for"] in faults else cluster.sent(number)
    about = {"message": {"message": number}, "moment": {}}.get(act["for"], {"node": 2})
    known = about.get("message", about.get("node"))
    code = act["code"].replace("{id}", str(known)).replace("{seq}", str(at))
    return cluster, {"do": do, **about, "ms": 1000, "at": at, "code": code}, code


def past(cluster: Cluster, upto: int) -> list[dict[str, Any]]:
    return [step.to_dict() for step in cluster.trace if step.seq <= upto]


@pytest.mark.parametrize("act", ACTS, ids=NAMES)
def test_every_button_names_a_method_of_the_cluster_and_its_arguments(act: dict[str, str]) -> None:
    call = ast.parse(act["code"].replace("{id}", "2").replace("{seq}", "100"), mode="eval").body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Name)
    assert call.func.id == act["do"]
    given = {word.arg: 1 for word in call.keywords if word.arg}
    inspect.signature(getattr(Cluster, act["do"])).bind(None, *call.args, **given)


@pytest.mark.parametrize("do", NAMES)
def test_a_button_makes_the_future_that_the_code_beside_it_makes(do: str) -> None:
    cluster, order, code = pressed(do)
    before = cluster.digest(), cluster.now_ms
    shown = cluster.on_command({**order, "run_ms": 2000})
    names: dict[str, Any] = {"cluster": cluster, "at": order["at"]}
    if do == "fork":
        exec(f"other = cluster.{code}", names)
    else:
        exec(f"other = cluster.fork(at=at)\nother.{code}\nother.run(seconds=2)", names)
    assert shown.digest() == names["other"].digest()
    assert shown.digest() != before[0]
    assert past(shown, order["at"]) == past(cluster, order["at"])
    assert (cluster.digest(), cluster.now_ms) == before, "the run that was looked at is left alone"


def test_at_the_last_step_too_so_that_the_cells_give_the_same_whatever_was_pressed() -> None:
    """A learner presses k in the picture, then runs the cell that does the same."""
    cluster = hello()
    leader = cluster.leader(TOPIC, 1)
    shown = cluster.on_command({"do": "kill", "node": leader, "at": cluster.trace[-1].seq})
    assert shown.leader(TOPIC, 1) not in (None, leader)
    assert cluster.leader(TOPIC, 1) == leader
    cluster.kill(leader)
    cluster.run_until("a new leader is elected")
    assert cluster.leader(TOPIC, 1) == shown.leader(TOPIC, 1)


def test_a_leader_that_is_killed_in_the_past_is_followed_by_an_election() -> None:
    cluster = shared()
    leader = cluster.leader(TOPIC, 1)
    at = cluster.sent(cluster.message("Produce", value="hello world", answer=True))
    shown = cluster.on_command({"do": "kill", "node": leader, "at": at})
    told = {type(fact).__name__: step.seq for step in shown.trace if step.seq > at
            for fact in step.facts()
            if (getattr(fact, "topic", TOPIC), getattr(fact, "partition", 1)) == (TOPIC, 1)}
    assert told["NodeCrashed"] < told["BrokerFenced"] <= told["LeaderElected"]
    assert told["NodeCrashed"] < told["BecameLeader"]
    assert shown.leader(TOPIC, 1) not in (None, leader)
    assert shown.now_ms == cluster.trace[at].at_ms + RUN_ON_MS


def test_a_dropped_answer_is_asked_for_again_and_the_record_stored_once() -> None:
    cluster, order, _ = pressed("drop")
    shown = cluster.on_command(order)
    names = [type(fact).__name__ for step in shown.trace for fact in step.facts()]
    assert "BatchResent" in names
    assert "DuplicateRecognised" in names
    assert [stored.value for stored in shown.log(TOPIC, 1)] == [b"hello world"]


def test_the_fork_obeys_buttons_too() -> None:
    cluster = shared()
    killed = cluster.on_command({"do": "kill", "node": 2, "run_ms": 10})
    back = killed.on_command({"do": "restart", "node": 2, "at": killed.trace[-1].seq})
    assert killed.world.nodes[2].machine is None
    assert back.world.nodes[2].machine is not None
    assert 2 in back.isr(TOPIC, 1)


def test_a_fork_stands_still_where_it_was_made() -> None:
    cluster = shared()
    shown = cluster.on_command({"do": "fork", "at": 100})
    assert shown.trace[-1].seq == 100


def test_how_far_it_runs_on_can_be_said() -> None:
    shown = shared().on_command({"do": "run", "at": 100, "run_ms": 5})
    assert shown.now_ms == shared().trace[100].at_ms + 5


def test_heal_mends_what_isolate_cut() -> None:
    cluster = shared()
    lonely = obey(cluster, {"do": "isolate", "node": 2})
    assert 2 not in lonely.isr(TOPIC, 1)
    assert 2 in obey(lonely, {"do": "heal", "node": 2}).isr(TOPIC, 1)


@pytest.mark.parametrize(("order", "words"), [
    ({"do": "shout"}, "there is no button 'shout'; there are drop, delay, duplicate, kill"),
    ({}, "there is no button 'None'; there are drop"),
    ({"do": "drop"}, "drop does not say which message."),
    ({"do": "kill", "at": 100}, "kill does not say which node."),
    ({"do": "kill", "node": 9}, "there is no node 9; there are 1, 2, 3, admin, producer-1."),
    ({"do": "kill", "node": 1, "at": 10**6}, "there is no step 1000000 to fork at; the run has"),
    ({"do": "kill", "node": 1, "at": -1}, "there is no step -1 to fork at; the run has steps 0"),
])
def test_an_order_that_cannot_be_obeyed_is_answered_in_a_sentence(
    order: dict[str, Any], words: str
) -> None:
    before = shared().digest()
    with pytest.raises(KafkaError) as refused:
        shared().on_command(order)
    assert refused.value.error is Error.INVALID_REQUEST
    assert words in str(refused.value)
    assert str(refused.value).endswith(".")
    assert shared().digest() == before


def test_a_message_that_has_arrived_is_answered_with_those_under_way() -> None:
    cluster = shared()
    number = cluster.message("Produce", value="hello world")
    with pytest.raises(NotInFlight, match=f"message {number} is not under way now; these are: "):
        cluster.on_command({"do": "drop", "message": number, "at": cluster.received(number)})


def test_where_a_cluster_was_served_there_are_no_forks_so_the_fault_is_done_to_it() -> None:
    cluster = hello()
    last = cluster.trace[-1].seq
    with cluster.serve():
        at = cluster.run_until(lambda run: run.trace[-1].seq > last + 20).trace[-1].seq
        shown = cluster.on_command({"do": "kill", "node": 2, "at": at})
        assert shown is cluster
        assert cluster.world.nodes[2].machine is None
        with pytest.raises(KafkaError, match=f"only steps 0 to {last} can be replayed"):
            cluster.on_command({"do": "fork", "at": at})


def test_its_past_before_it_was_served_can_be_forked() -> None:
    cluster = hello()
    with cluster.serve():
        cluster.run_until(lambda run: run.trace[-1].seq > shared().trace[-1].seq + 20)
    order = {"do": "kill", "node": 2, "at": 120, "run_ms": 10}
    assert cluster.on_command(order).digest() == shared().on_command(order).digest()
