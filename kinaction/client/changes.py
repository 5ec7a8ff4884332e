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
            for code, message, what in results(answer):
                if code:
                    return KafkaError(Error(code), message or what)
            return Error.NONE

        def then(answer: Any, error: KafkaError | None) -> None:
            self.outbox.returned(call, None if error else answer_with(answer), error)

        self.asker.ask(
            name, route or self.network.any_place, lambda: body, judge, then,
            timeout_ms=self.timeout_ms,
        )
