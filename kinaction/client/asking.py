"""`Asker`: questions that are asked again until somebody answers them, or time is over.

What a client asks beside its main traffic: a producer id, a coordinator, offsets, an admin's
wishes. Retriable errors and broken connections are tried again after retry.backoff.ms, doubling
to retry.backoff.max.ms; any other error, or the deadline, ends the question.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from kinaction.client.network import Network, Place
from kinaction.kernel.channel import Failure, api_name
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.wire.errors import Error, KafkaError

Route = Callable[[], Place | None]
"""Where to ask, now; None: nobody is known, metadata is asked for first."""

Judge = Callable[[Any], Error | KafkaError]
"""What an answer says as a whole: NONE ends the question, a retriable error asks it again."""

Then = Callable[[Any, KafkaError | None], None]
"""Called once: (response, None) or (None, error)."""


class Ask:
    """One question: where, what, and what is done with the answer."""

    __slots__ = (
        "body", "failures", "is_backing_off", "is_done", "is_waiting", "judge", "last_error",
        "name", "number", "route", "then", "timeout_ms",
    )

    def __init__(
        self,
        number: int,
        name: str,
        route: Route,
        body: Callable[[], Any],
        judge: Judge,
        then: Then,
        timeout_ms: int | None,
    ) -> None:
        self.number = number
        self.name = name
        self.route = route
        self.body = body
        self.judge = judge
        self.then = then
        self.timeout_ms = timeout_ms
        self.failures = 0
        self.is_waiting = True
        self.is_backing_off = False
        self.is_done = False
        self.last_error: KafkaError | None = None


class Asker:
    """The open questions of one client, in the order in which they were asked."""

    def __init__(self, outbox: Outbox, network: Network) -> None:
        self.outbox = outbox
        self.network = network
        self._asks: dict[int, Ask] = {}
        self._numbers = 0

    def ask(
        self,
        name: str,
        route: Route,
        body: Callable[[], Any],
        judge: Judge,
        then: Then,
        *,
        timeout_ms: int | None = None,
    ) -> Ask:
        """Ask. `body` is built for every attempt; timeout_ms None: for ever."""
        self._numbers += 1
        ask = Ask(self._numbers, name, route, body, judge, then, timeout_ms)
        self._asks[ask.number] = ask
        if timeout_ms is not None:
            self.outbox.set_timer(("ask-deadline", ask.number), timeout_ms)
        return ask

    def pump(self) -> None:
        """Send what waits and can be sent."""
        for ask in list(self._asks.values()):
            if ask.is_waiting and not ask.is_done:
                self._try(ask)

    def drop(self, ask: Ask) -> None:
        """Forget a question; nobody is told."""
        ask.is_done = True
        if self._asks.pop(ask.number, None) is not None:
            if ask.is_backing_off:
                self.outbox.cancel_timer(("ask-retry", ask.number))
            if ask.timeout_ms is not None:
                self.outbox.cancel_timer(("ask-deadline", ask.number))

    def drop_all(self) -> None:
        """Forget every question."""
        for ask in list(self._asks.values()):
            self.drop(ask)

    def _try(self, ask: Ask) -> None:
        place = ask.route()
        if place is None or not self.network.is_ready(place):
            return
        ask.is_waiting = False
        body = ask.body()
        if not self.network.knows(place, body.api_key):
            self._end(ask, None, KafkaError(Error.UNSUPPORTED_VERSION, (
                f"The broker at {place[1][0]}:{place[1][1]} does not support {api_name(body)}."
            )))
            return
        self.network.send(place, body, partial(self._on_answer, ask))

    def _on_answer(self, ask: Ask, answer: Any, failure: Failure | None) -> None:
        if ask.is_done:
            return
        if failure is not None:
            self._again(ask, disconnected(failure))
            return
        judged = ask.judge(answer)
        error = judged if isinstance(judged, KafkaError) else KafkaError(judged, ask.name)
        if error.error is Error.NONE:
            self._end(ask, answer, None)
        elif error.retriable:
            self._again(ask, error)
        else:
            self._end(ask, None, error)

    def _again(self, ask: Ask, error: KafkaError) -> None:
        ask.failures += 1
        ask.last_error = error
        ask.is_backing_off = True
        self.network.retry.set_timer(self.outbox, ("ask-retry", ask.number), ask.failures)

    def _end(self, ask: Ask, answer: Any, error: KafkaError | None) -> None:
        self.drop(ask)
        ask.then(answer, error)

    @handles_timer("ask-retry")
    def on_ask_retry(self, name: tuple[str, int]) -> None:
        """The wait before the next attempt is over."""
        ask = self._asks.get(name[1])
        if ask is not None:
            ask.is_backing_off = False
            ask.is_waiting = True

    @handles_timer("ask-deadline")
    def on_ask_deadline(self, name: tuple[str, int]) -> None:
        """Time is over for a question."""
        ask = self._asks.get(name[1])
        if ask is not None:
            why = f" Last error: {ask.last_error}." if ask.last_error else ""
            self._end(ask, None, KafkaError(
                Error.REQUEST_TIMED_OUT,
                f"Timeout of {ask.timeout_ms} ms expired before {ask.name} was answered.{why}",
            ))


def disconnected(failure: Failure) -> KafkaError:
    """A request that got no answer, as Kafka's error: timed out, or the connection broke."""
    if failure.reason == "timed out" and failure.was_sent:
        return KafkaError(Error.REQUEST_TIMED_OUT, "no answer within request.timeout.ms")
    return KafkaError(Error.NETWORK_EXCEPTION, f"the connection was lost ({failure.reason})")
