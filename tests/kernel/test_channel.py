"""Channels: connections on demand, requests in order, what a lost connection takes with it."""

from typing import Any

import pytest

from kinaction.kernel.channel import Channels, Failure, Link
from kinaction.kernel.effects import CancelTimer, Connect, Disconnect, Send, SetTimer
from kinaction.kernel.events import Connected, Disconnected, Received, TimerFired
from kinaction.kernel.machine import Machine
from kinaction.kernel.message import Message
from kinaction.kernel.value import value

ADDRESS = ("kafka-1", 9092)


@value
class PingRequest:
    text: str
    api_key = 1000
    max_version = 4


@value
class PingResponse:
    text: str


class Asking(Machine):
    """A machine with channels whose callbacks are written down."""

    def __init__(self, **options: Any) -> None:
        super().__init__("client-1")
        self.heard: list[Any] = []
        self.channels: Channels = Channels(self.outbox, "me", **options)
        self.attach(self.channels)

    def ask(self, text: str, **options: Any) -> list[Any]:
        self.outbox.effects = []
        self.channels.request(
            ADDRESS, PingRequest(text), lambda body, failure: self.heard.append(body or failure),
            timeout_ms=1000, **options)
        return self.outbox.effects


def sent(text: str, correlation_id: int, connection: str = "client-1/1", *, peer: Any = 1,
         version: int = 4) -> Send:
    return Send(Message(connection, "client-1", peer, "Ping", version, correlation_id,
                        PingRequest(text), True, "me"))


def answer(text: str, correlation_id: int, connection: str = "client-1/1") -> Received:
    return Received(Message(connection, 1, "client-1", "Ping", 4, correlation_id,
                            PingResponse(text), False, "me"))


def timer(name: Any, delay_ms: int) -> SetTimer:
    return SetTimer(name, delay_ms)


def test_the_first_request_opens_the_connection_and_leaves_when_it_stands() -> None:
    machine = Asking()
    assert machine.ask("a") == [
        Connect("client-1/1", "kafka-1", 9092), timer(("connect", "client-1/1"), 10_000)]
    assert machine.ask("b") == []
    assert machine.step(Connected("client-1/1", 1), 5) == [
        CancelTimer(("connect", "client-1/1")),
        sent("a", 1), timer(("request", "client-1/1", 1), 1000),
        sent("b", 2), timer(("request", "client-1/1", 2), 1000),
    ]
    assert machine.channels.in_flight(ADDRESS) == 2


def test_an_answer_goes_to_whoever_asked_and_only_once() -> None:
    machine = Asking()
    machine.ask("a")
    machine.ask("b")
    machine.step(Connected("client-1/1", 1), 5)
    assert machine.step(answer("B", 2), 8) == [CancelTimer(("request", "client-1/1", 2))]
    assert machine.step(answer("B", 2), 9) == []
    assert machine.step(answer("x", 99), 9) == []
    assert machine.step(answer("A", 1, "client-1/7"), 9) == []
    assert machine.heard == [PingResponse("B")]
    assert machine.channels.in_flight(ADDRESS) == 1


def test_a_request_that_times_out_takes_its_connection_with_all_that_is_on_it() -> None:
    machine = Asking()
    machine.ask("a")
    machine.ask("b")
    machine.step(Connected("client-1/1", 1), 5)
    assert machine.step(TimerFired(("request", "client-1/1", 1)), 1005) == [
        Disconnect("client-1/1"),
        CancelTimer(("request", "client-1/1", 1)), CancelTimer(("request", "client-1/1", 2))]
    assert machine.heard == [Failure("timed out", True), Failure("timed out", True)]
    assert machine.channels.link_to(ADDRESS) is None
    assert machine.step(TimerFired(("request", "client-1/1", 2)), 1006) == []


def test_a_refused_connection_fails_what_waited_for_it_as_not_sent() -> None:
    lost: list[tuple[str, str]] = []
    machine = Asking(on_lost=lambda link, reason: lost.append((link.name, reason)))
    machine.ask("a")
    assert machine.step(Disconnected("client-1/1", "refused"), 2) == [
        CancelTimer(("connect", "client-1/1"))]
    assert machine.heard == [Failure("refused", False)]
    assert lost == [("client-1/1", "refused")]
    assert machine.ask("b")[0] == Connect("client-1/2", "kafka-1", 9092)


def test_silence_while_connecting_ends_at_the_connect_timeout() -> None:
    machine = Asking(connect_timeout_ms=300)
    assert timer(("connect", "client-1/1"), 300) in machine.ask("a")
    assert machine.step(TimerFired(("connect", "client-1/1")), 300) == [Disconnect("client-1/1")]
    assert machine.heard == [Failure("timed out", False)]


def test_open_takes_its_own_timeout_and_opens_once() -> None:
    machine = Asking()
    machine.outbox.effects = []
    first = machine.channels.open(ADDRESS, "coordinator", 77)
    assert machine.outbox.effects == [
        Connect("client-1/1", "kafka-1", 9092), timer(("connect", "client-1/1"), 77)]
    assert machine.channels.open(ADDRESS, "coordinator") is first
    assert first.purpose == "coordinator"
    assert not machine.channels.is_ready(ADDRESS, "coordinator")
    machine.step(Connected("client-1/1", 1), 3)
    assert machine.channels.is_ready(ADDRESS, "coordinator")
    assert not machine.channels.is_ready(ADDRESS), "a purpose is a connection of its own"


def test_nothing_leaves_before_the_greeting_is_over() -> None:
    greeted: list[Link] = []
    ready: list[str] = []
    machine = Asking(greet=greeted.append, on_ready=lambda link: ready.append(link.name))
    machine.ask("a")
    machine.step(Connected("client-1/1", 1), 3)
    assert machine.outbox.effects == [CancelTimer(("connect", "client-1/1"))]
    link = greeted[0]
    machine.outbox.effects = []
    machine.channels.send_on(link, PingRequest("hi"), lambda *_: None, 500)
    assert machine.outbox.effects == [sent("hi", 1), timer(("request", "client-1/1", 1), 500)]
    assert not machine.channels.is_ready(ADDRESS)
    machine.outbox.effects = []
    link.versions = {1000: 2}
    machine.channels.ready(link)
    assert machine.outbox.effects == [
        sent("a", 2, version=2), timer(("request", "client-1/1", 2), 1000)]
    assert ready == ["client-1/1"]


def test_a_request_without_an_answer_sets_no_timer_and_is_never_in_flight() -> None:
    machine = Asking()
    machine.ask("a")
    machine.step(Connected("client-1/1", 1), 3)
    machine.outbox.effects = []
    machine.channels.request(ADDRESS, PingRequest("b"), None, timeout_ms=1000)
    assert machine.outbox.effects == [sent("b", 2)]
    assert machine.channels.in_flight(ADDRESS) == 1


@pytest.mark.parametrize("reason", ["reset", "closed"])
def test_a_broken_connection_fails_everything_in_order_of_sending(reason: str) -> None:
    machine = Asking()
    heard: list[str] = []
    for text in ("a", "b", "c"):
        machine.channels.request(
            ADDRESS, PingRequest(text), lambda _, failure, text=text: heard.append(text),
            timeout_ms=1000)
    machine.step(Connected("client-1/1", 1), 3)
    machine.step(Disconnected("client-1/1", reason), 9)
    assert heard == ["a", "b", "c"]


def test_close_all_closes_silently() -> None:
    machine = Asking()
    machine.ask("a")
    machine.step(Connected("client-1/1", 1), 3)
    machine.outbox.effects = []
    machine.channels.close_all()
    assert machine.outbox.effects == [
        Disconnect("client-1/1"), CancelTimer(("request", "client-1/1", 1))]
    assert machine.heard == []
    assert machine.step(answer("A", 1), 9) == []
