"""`Coordinator`: which broker coordinates the group, found by FindCoordinator and kept until lost.

Coordinator traffic has a connection of its own, as in Java's client: a long poll of a fetch on
the same broker must not hold back a heartbeat.
"""

from typing import Any

from kinaction.client.asking import Ask, Asker
from kinaction.client.facts import CoordinatorFound
from kinaction.client.network import Network, Place
from kinaction.kernel.outbox import Outbox
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import FindCoordinatorRequest

COORDINATOR = "coordinator"
GROUP = 0
LOST = frozenset((Error.NOT_COORDINATOR, Error.COORDINATOR_NOT_AVAILABLE))
"""Errors by which a broker says that it is not, or not yet, the coordinator."""


class Coordinator:
    """The place of a group's coordinator. `error` is set when nobody may be asked, for good."""

    def __init__(self, outbox: Outbox, network: Network, asker: Asker, group: str) -> None:
        self.outbox = outbox
        self.network = network
        self.asker = asker
        self.group = group
        self.node: int | None = None
        self.error: KafkaError | None = None
        self._place: Place | None = None
        self._asked: Ask | None = None
        network.when_lost.append(self._on_lost)

    def place(self) -> Place | None:
        """Where to reach the coordinator; asks for it when it is not known."""
        if self._place is None and self._asked is None:
            self._asked = self.asker.ask(
                "FindCoordinator", self.network.any_place,
                lambda: FindCoordinatorRequest(key_type=GROUP, coordinator_keys=(self.group,)),
                _judge, self._on_found,
            )
        return self._place

    def _on_found(self, answer: Any, error: KafkaError | None) -> None:
        self._asked = None
        if error is not None:
            self.error = error
            return
        found = answer.coordinators[0]
        self.node = found.node_id
        self._place = (COORDINATOR, (found.host, found.port))
        self.outbox.note(CoordinatorFound(self.outbox.node, self.group, found.node_id))

    def _on_lost(self, place: Place) -> None:
        if place == self._place:
            self.lost()

    def lost(self) -> None:
        """The coordinator is gone or is no longer it: find it again."""
        self.node = None
        self._place = None

    def judge(self, error: Error) -> Error:
        """An error of a coordinator's answer, after what it says about the coordinator is noted."""
        if error in LOST:
            self.lost()
        return error


def _judge(answer: Any) -> Error | KafkaError:
    found = answer.coordinators[0]
    error = Error(found.error_code)
    return KafkaError(error, found.error_message or "") if error else error
