"""`Links`: how long a message takes between two nodes, and which links are cut.

Every direction of every link rolls its own dice, made from the seed and the two names: what is
lost on one link does not change the latencies of another, so a fork differs by its cause only.
"""

from random import Random

from kinaction.kernel.message import NodeId

Latency = tuple[int, int]
"""Least and most milliseconds, one way."""


class Links:
    """Latencies and cuts of the links between nodes."""

    def __init__(self, seed: int, between_brokers: Latency, to_clients: Latency) -> None:
        self.seed = seed
        self._between_brokers = between_brokers
        self._to_clients = to_clients
        self._special: dict[tuple[NodeId, NodeId], Latency] = {}
        self._dice: dict[tuple[NodeId, NodeId], Random] = {}
        self.cuts: dict[tuple[NodeId, NodeId], None] = {}
        self.no_latency = False

    def latency_ms(self, source: NodeId, target: NodeId) -> int:
        """Roll the latency of the next message from source to target."""
        if self.no_latency:
            return 0
        least, most = self._range(source, target)
        return least if least == most else self.dice(source, target).randint(least, most)

    def dice(self, source: NodeId, target: NodeId) -> Random:
        """The dice of one direction of one link."""
        dice = self._dice.get((source, target))
        if dice is None:
            dice = self._dice[source, target] = Random(f"{self.seed}:{source}>{target}")
        return dice

    def _range(self, source: NodeId, target: NodeId) -> Latency:
        special = self._special.get((source, target))
        if special is not None:
            return special
        both = isinstance(source, int) and isinstance(target, int)
        return self._between_brokers if both else self._to_clients

    def set_latency(self, source: NodeId, target: NodeId, latency: Latency) -> None:
        """Give one direction of a link a latency of its own."""
        self._special[source, target] = latency

    def cut(self, one: NodeId, other: NodeId) -> None:
        """Nothing passes any more, in either direction."""
        self.cuts[one, other] = self.cuts[other, one] = None

    def heal(self, one: NodeId, other: NodeId) -> None:
        """Messages pass again."""
        self.cuts.pop((one, other), None)
        self.cuts.pop((other, one), None)

    def is_cut(self, source: NodeId, target: NodeId) -> bool:
        """Whether nothing passes from source to target."""
        return (source, target) in self.cuts
