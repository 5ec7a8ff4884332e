"""`BrokerState`: one registered broker as the controller knows it, and how a record changes it."""

import dataclasses
from typing import Any

from kinaction.kernel.outbox import Json
from kinaction.kernel.value import value

NOBODY = -1
PLAINTEXT = 0


@value
class Endpoint:
    """A listener of a broker."""

    name: str
    host: str
    port: int
    security_protocol: int = PLAINTEXT


@value
class BrokerState:
    """A broker's registration. Its epoch is the offset of the record that registered it.

    A fenced broker is known but may not lead and is not listed by Metadata.
    """

    broker_id: int
    epoch: int
    incarnation_id: bytes
    endpoints: tuple[Endpoint, ...]
    rack: str | None
    fenced: bool
    in_controlled_shutdown: bool = False

    @property
    def host(self) -> str:
        """The host of the first listener."""
        return self.endpoints[0].host if self.endpoints else ""

    @property
    def port(self) -> int:
        """The port of the first listener."""
        return self.endpoints[0].port if self.endpoints else 0

    @property
    def is_active(self) -> bool:
        """Whether it may lead partitions."""
        return not self.fenced and not self.in_controlled_shutdown

    def replace(self, **changes: Any) -> "BrokerState":
        """The same broker with other values in some fields."""
        return dataclasses.replace(self, **changes)

    def view(self) -> dict[str, Json]:
        """What is to be seen at "brokers/<id>/"."""
        return {"host": self.host, "port": self.port, "fenced": self.fenced}


def registered_broker(record: Any) -> BrokerState:
    """What a RegisterBrokerRecord says."""
    endpoints = tuple(
        Endpoint(each.name, each.host, each.port, each.security_protocol)
        for each in record.end_points
    )
    return BrokerState(
        record.broker_id, record.broker_epoch, record.incarnation_id, endpoints, record.rack,
        record.fenced, record.in_controlled_shutdown,
    )


def changed_broker(before: BrokerState, record: Any) -> BrokerState:
    """The broker after a BrokerRegistrationChangeRecord: 1 sets, -1 clears, 0 leaves."""
    changes: dict[str, Any] = {}
    if record.fenced:
        changes["fenced"] = record.fenced > 0
    if record.in_controlled_shutdown:
        changes["in_controlled_shutdown"] = record.in_controlled_shutdown > 0
    return before.replace(**changes)
