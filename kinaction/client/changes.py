"""`Changes`: an admin's wishes: one request, answered by what came of it or by the first error."""

from collections.abc import Callable, Iterable
from typing import Any

from kinaction.client.asking import Asker, Route
from kinaction.client.network import Network
from kinaction.kernel.outbox import Outbox
from kinaction.wire.config import Config
from kinaction.wire.errors import Error, KafkaError

Result = tuple[int, str | None, str]
"""(error code, message, what it is about) of one part of an answer."""


PASSING = frozenset((
    Error.NOT_CONTROLLER, Error.COORDINATOR_LOAD_IN_PROGRESS, Error.COORDINATOR_NOT_AVAILABLE,
    Error.NOT_COORDINATOR, Error.LEADER_NOT_AVAILABLE,
))
"""The errors after which an admin tries again; any other is the answer."""


def first_error(results: Iterable[Result]) -> KafkaError | None:
    """The first error among the parts of an answer."""
    for code, message, what in results:
        if code:
            return KafkaError(Error(code), message or what)
    return None


def nothing(answer: Any) -> None:
    """What a call is answered with when there is nothing to say."""
    del answer


class Changes:
    """Asks for changes. Each waits default.api.timeout.ms; brokers are given `limit_ms`."""

    def __init__(self, outbox: Outbox, network: Network, asker: Asker, config: Config) -> None:
        self.outbox = outbox
        self.network = network
        self.asker = asker
        self.timeout_ms: int = config["default.api.timeout.ms"]
        self.limit_ms: int = config["request.timeout.ms"]

    def ask(
        self,
        call: int,
        name: str,
        body: Any,
        results: Callable[[Any], Iterable[Result]],
        answer_with: Callable[[Any], Any] = nothing,
        route: Route | None = None,
    ) -> None:
        """Ask, and answer the call by the first error among the results, or what comes of it."""

        def judge(answer: Any) -> Error | KafkaError:
            problem = first_error(results(answer))
            return problem if problem and problem.error in PASSING else Error.NONE

        def then(answer: Any, error: KafkaError | None) -> None:
            problem = error or first_error(results(answer))
            self.outbox.returned(call, None if problem else answer_with(answer), problem)

        self.asker.ask(
            name, route or self.network.any_place, lambda: body, judge, then,
            timeout_ms=self.timeout_ms,
        )
