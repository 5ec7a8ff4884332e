"""`Past`: how the cluster looked after a step. A fold of the trace; nothing is run again."""

from typing import TYPE_CHECKING, Any

from kinaction.kernel.trace import State, Step
from kinaction.wire.errors import Error, KafkaError

if TYPE_CHECKING:
    from kinaction.cluster.base import ClusterState


class Past:
    """A moment of the run: its step and the state that was to be seen. It can only be looked at.

    `state[node]` is a mapping of flat paths, like "partitions/t-0/high_watermark".
    """

    def __init__(self, cluster: "ClusterState", step: Step) -> None:
        self._cluster = cluster
        self.step = step
        self.state: State = cluster.trace.fold(step.seq)

    @property
    def seq(self) -> int:
        """The step's number."""
        return self.step.seq

    @property
    def at_ms(self) -> int:
        """When it was, virtual ms."""
        return self.step.at_ms

    def leader(self, topic: str, partition: int = 0) -> int | None:
        """Which broker held itself for the leader then."""
        path = f"partitions/{topic}-{partition}/role"
        leading = [node for node, seen in self.state.items() if seen.get(path) == "leader"
                   and seen.get("node/status") == "running"]
        return leading[-1] if leading and isinstance(leading[-1], int) else None

    def back(self, steps: int = 1) -> "Past":
        """Further back."""
        return past(self._cluster, self.seq - steps)

    def __repr__(self) -> str:
        return (f"The cluster after step {self.seq}, at {self.at_ms} ms; "
                f"the run goes on to step {self._cluster.trace[-1].seq}")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from kinaction.viz import Picture, static_card

        card = static_card(self._cluster.trace, at_seq=self.seq)
        bundle: dict[str, Any] = Picture(repr(self), card, repr(self))._repr_mimebundle_()
        return bundle


def past(cluster: "ClusterState", seq: int) -> Past:
    """The moment after step `seq`.

    Raises:
        KafkaError: INVALID_REQUEST, there is no such step, or it was let go.
    """
    try:
        return Past(cluster, cluster.trace[max(seq, 0)])
    except IndexError as error:
        raise KafkaError(Error.INVALID_REQUEST, f"{error}.") from error
