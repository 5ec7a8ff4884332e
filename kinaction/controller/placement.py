"""Which brokers get the replicas of new partitions.

The aims of Kafka's StripedReplicaPlacer: leaders and replicas spread evenly, replicas of one
partition in different racks where there are enough, live brokers before fenced ones. Kafka rolls
dice for the order of the brokers and the first of them; here both are derived from a number, so
that a run is the same every time.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from kinaction.controller.brokers import BrokerState
from kinaction.wire.errors import Error, KafkaError

_T = TypeVar("_T")


def derived(*parts: object) -> int:
    """A number that looks random and is the same for the same parts."""
    text = "\x00".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def place(
    brokers: Sequence[BrokerState], partitions: int, replication_factor: int, start: int
) -> tuple[tuple[int, ...], ...]:
    """The replicas of each partition, the preferred leader first.

    `start` decides the order of the brokers and where the stripes begin.

    Raises:
        KafkaError: INVALID_REPLICATION_FACTOR.
    """
    _check(brokers, replication_factor)
    racks = _racks(brokers, start)
    return tuple(
        _stripe(racks, start + number, replication_factor) for number in range(partitions)
    )


def _check(brokers: Sequence[BrokerState], replication_factor: int) -> None:
    text = f"Unable to replicate the partition {replication_factor} time(s): "
    if replication_factor <= 0:
        raise KafkaError(Error.INVALID_REPLICATION_FACTOR,
                         text + "the replication factor must be positive.")
    if not any(not broker.fenced for broker in brokers):
        raise KafkaError(Error.INVALID_REPLICATION_FACTOR, text + "all brokers are fenced.")
    if replication_factor > len(brokers):
        raise KafkaError(
            Error.INVALID_REPLICATION_FACTOR,
            f"{text}only {len(brokers)} broker(s) are registered.")


_Rack = tuple[tuple[int, ...], tuple[int, ...]]
"""(live brokers, fenced brokers) of one rack."""


def _racks(brokers: Sequence[BrokerState], start: int) -> list[_Rack]:
    by_rack: dict[str, list[BrokerState]] = {}
    for broker in sorted(brokers, key=lambda each: each.broker_id):
        by_rack.setdefault(broker.rack or "", []).append(broker)
    racks: list[_Rack] = []
    for name in sorted(by_rack):
        mixed = _mixed(by_rack[name], derived(start, name))
        racks.append((tuple(each.broker_id for each in mixed if not each.fenced),
                      tuple(each.broker_id for each in mixed if each.fenced)))
    return racks


def _mixed(brokers: list[BrokerState], number: int) -> list[BrokerState]:
    """The brokers in an order that the number decides."""
    mixed = list(brokers)
    for last in range(len(mixed) - 1, 0, -1):
        number, chosen = divmod(number, last + 1)
        mixed[last], mixed[chosen] = mixed[chosen], mixed[last]
    return mixed


def _stripe(racks: list[_Rack], turn: int, replication_factor: int) -> tuple[int, ...]:
    """One partition: rack after rack, in each one the next broker; the fenced ones last.

    The racks take turns with the first place; when all had theirs, their brokers move up.
    """
    order: list[int] = []
    for which in (0, 1):
        lists = [rack[which] for rack in racks if rack[which]]
        shift = turn // len(lists) if lists else 0
        stripes = [_rotated(held, shift) for held in _rotated(lists, turn)]
        longest = max((len(each) for each in stripes), default=0)
        order += [each[depth] for depth in range(longest) for each in stripes if depth < len(each)]
    return tuple(order[:replication_factor])


def _rotated(held: Sequence[_T], by: int) -> list[_T]:
    cut = by % len(held) if held else 0
    return [*held[cut:], *held[:cut]]
