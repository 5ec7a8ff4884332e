"""The world under virtual time: order, faults, replay, and a trace that folds to what is seen."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from kinaction.kernel.channel import Channels, Failure
from kinaction.kernel.machine import Machine, handles, handles_call
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Json, Viewed
from kinaction.kernel.trace import Trace, take_back
from kinaction.kernel.value import value
from kinaction.sim.faults import FaultyWorld, NotInFlight


@value
class Ping:
    text: str
    api_key = 1000
    max_version = 0


@value
class Pong:
    text: str


class Seen:
    path = "seen"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.failures: list[str] = []

    def view(self) -> Mapping[str, Json]:
        return {"texts": list(self.texts), "failures": list(self.failures) or None}


class Echo(Machine):
    kind = "echo"

    def __init__(self, node: Any) -> None:
        super().__init__(node)
        self.seen = Seen()
        self.channels: Channels = Channels(self.outbox, str(node))
        self.attach(self, self.channels)

    @handles(Ping)
    def on_ping(self, message: Message) -> None:
        self.seen.texts.append(message.body.text)
        self.outbox.touch(self.seen)
        self.outbox.reply(message, Pong(message.body.text.upper()))

    @handles_call("ask")
    def on_ask(self, call: int, text: str) -> None:
        def answered(body: Any, failure: Failure | None) -> None:
            if failure is None:
                self.seen.texts.append(body.text)
            else:
                self.seen.failures.append(failure.reason)
            self.outbox.touch(self.seen)
            self.outbox.returned(call, body and body.text, None)

        self.channels.request(("echo", 1), Ping(text), answered, timeout_ms=1000)

    def parts(self) -> Iterable[Viewed]:
        return (self.status, self.seen)


def world(seed: int = 7) -> FaultyWorld:
    made = FaultyWorld(seed=seed, trace=Trace())
    made.add(1, lambda: Echo(1), listeners=(("echo", 1),))
    made.add("client-1", lambda: Echo("client-1"))
    return made


def texts(of: FaultyWorld, node: Any) -> list[str]:
    assert of.host.trace is not None
    found = of.host.trace.state[node].get("seen/texts", [])
    return list(found)


def test_a_request_is_answered_in_order_on_one_connection() -> None:
    w = world()
    answers: list[Any] = []
    for text in ("a", "b", "c"):
        w.call("client-1", "ask", {"text": text}, lambda r, e, last: answers.append(r))
    w.run_to(100)
    assert texts(w, 1) == ["a", "b", "c"]
    assert answers == ["A", "B", "C"]


def test_equal_seeds_give_equal_traces_and_other_seeds_do_not() -> None:
    digests = []
    for seed in (7, 7, 8):
        w = world(seed)
        for text in "abcdefgh":
            w.call("client-1", "ask", {"text": text})
        w.run_to(200)
        assert w.host.trace is not None
        digests.append(w.host.trace.digest())
    assert digests[0] == digests[1] != digests[2]


def test_a_dropped_message_silences_its_connection_until_the_timeout() -> None:
    w = world()
    w.call("client-1", "ask", {"text": "a"})
    w.run_to(50)
    w.call("client-1", "ask", {"text": "b"})
    assert w.host.trace is not None
    number = w.host.trace.flights()[-1].number
    w.drop(number)
    w.call("client-1", "ask", {"text": "c"})
    w.run_to(900)
    assert texts(w, 1) == ["a"]
    w.run_to(2000)
    assert w.host.trace.state["client-1"]["seen/failures"] == ["timed out", "timed out"]
    w.call("client-1", "ask", {"text": "d"})
    w.run_to(2100)
    assert texts(w, 1) == ["a", "d"]
    with pytest.raises(NotInFlight, match="is not under way"):
        w.drop(number)


def test_a_crash_resets_connections_and_a_restart_begins_anew() -> None:
    w = world()
    w.call("client-1", "ask", {"text": "a"})
    w.run_to(50)
    w.crash(1)
    w.call("client-1", "ask", {"text": "b"})
    w.run_to(100)
    assert w.host.trace is not None
    assert w.host.trace.state["client-1"]["seen/failures"] == ["reset"]
    assert w.host.trace.state[1]["node/status"] == "offline"
    w.call("client-1", "ask", {"text": "c"})
    w.run_to(200)
    assert w.host.trace.state["client-1"]["seen/failures"] == ["reset", "refused"]
    w.start(1)
    w.call("client-1", "ask", {"text": "d"})
    w.run_to(300)
    assert texts(w, 1) == ["d"]


def test_a_paused_node_hears_everything_later() -> None:
    w = world()
    w.call("client-1", "ask", {"text": "a"})
    w.run_to(50)
    w.pause(1)
    w.call("client-1", "ask", {"text": "b"})
    w.run_to(500)
    assert texts(w, 1) == ["a"]
    w.resume(1)
    w.run_to(600)
    assert texts(w, 1) == ["a", "b"]


def test_delay_keeps_the_order_of_a_connection_and_duplicate_arrives_twice() -> None:
    w = world()
    w.call("client-1", "ask", {"text": "a"})
    w.run_to(50)
    w.call("client-1", "ask", {"text": "b"})
    w.call("client-1", "ask", {"text": "c"})
    assert w.host.trace is not None
    number = w.host.trace.flights()[-2].number
    w.delay(number, 300)
    w.run_to(300)
    assert texts(w, 1) == ["a"]
    w.run_to(500)
    assert texts(w, 1) == ["a", "b", "c"]
    w.call("client-1", "ask", {"text": "d"})
    w.duplicate(w.host.trace.flights()[-1].number)
    w.run_to(600)
    assert texts(w, 1) == ["a", "b", "c", "d", "d"]


def test_a_cut_link_is_silent_until_it_is_healed() -> None:
    w = world()
    w.call("client-1", "ask", {"text": "a"})
    w.run_to(50)
    w.cut("client-1", 1)
    w.call("client-1", "ask", {"text": "b"})
    w.run_to(500)
    assert texts(w, 1) == ["a"]
    assert w.host.trace is not None
    assert w.host.trace.state["hand"]["faults/cut"] == ["client-1|1"]
    w.heal(1, "client-1")
    assert "faults/cut" not in w.host.trace.state.get("hand", {})
    w.run_to(2000)
    w.call("client-1", "ask", {"text": "c"})
    w.run_to(2100)
    assert texts(w, 1) == ["a", "c"]


def test_replaying_the_inputs_gives_the_same_run_and_the_fold_is_the_live_view() -> None:
    w = world()
    for round_ in range(4):
        w.call("client-1", "ask", {"text": f"x{round_}"})
        w.run_to(w.now_ms + 10)
    w.crash(1)
    w.run_to(w.now_ms + 50)
    w.start(1)
    w.call("client-1", "ask", {"text": "end"})
    w.run_to(w.now_ms + 50)
    assert w.inputs is not None
    again = FaultyWorld(seed=7, trace=Trace())
    for given in list(w.inputs):
        while again.host.seq < given.seq:
            assert again.step()
        again.now_ms = given.at_ms
        getattr(again, given.method)(*given.arguments, **given.named)
    again.run_to(w.now_ms)
    assert w.host.trace is not None
    assert again.host.trace is not None
    assert again.host.trace.digest() == w.host.trace.digest()
    for node, there in w.nodes.items():
        if there.machine is not None:
            assert w.host.trace.fold().get(node, {}) == there.machine.live_view()


def test_stepping_back_ends_in_the_empty_state() -> None:
    w = world()
    for text in "abc":
        w.call("client-1", "ask", {"text": text})
    w.run_to(100)
    assert w.host.trace is not None
    state = w.host.trace.fold()
    for step in reversed(w.host.trace.steps):
        take_back(state[step.node], step.changed)
        assert state[step.node] == w.host.trace.fold(step.seq - 1).get(step.node, {})
    assert all(not seen for seen in state.values())
