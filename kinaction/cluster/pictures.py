"""`Pictures`: every lens as a method of the cluster. Pictures read the trace and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from kinaction.cluster.base import ClusterState
from kinaction.kernel.events import Called, Crashed
from kinaction.sim.hand import HAND

OWN = "admin"
"""The cluster's own admin client: it makes the topics."""


class Pictures(ClusterState):
    """What a cluster can show."""

    def view(self, **options: Any) -> Any:
        """The player. Options: title, columns, leaders_only, first_seq (where it begins), maps
        (the producers' boxes show which brokers and leaders they know).
        """
        from kinaction.viz import player

        options.setdefault("first_seq", self.opening)
        return player(self.trace, on_command=self.on_command, **options)

    @property
    def opening(self) -> int:
        """The step a picture begins with: the first that somebody caused, other than by making
        topics. `view(first_seq=cluster.first_seq)` begins when the brokers have started.
        """
        for step in self.trace.steps:
            is_call = isinstance(step.event, Called) and step.node != OWN
            if is_call or step.node == HAND or isinstance(step.event, Crashed):
                return step.seq
        return self.first_seq

    def on_command(self, command: dict[str, Any]) -> Any:
        """What a button of the player asks for: the twin in code is called."""
        from kinaction.cluster.commands import obey

        return obey(self.whole, command)

    def why(self, topic: str, partition: int, offset: int) -> Any:
        """The life of a record: where it was when, what it waited for, and why."""
        from kinaction.viz.lenses.life import life

        return life(self.trace, topic, partition, offset)

    def acks_lens(
        self, topic: str | None = None, partition: int = -1, *, value: Any = "m7",
        key: Any = None, acks: Sequence[Any] = ("0", "1", "all"),
        config: Mapping[str, Any] | None = None, verdicts: bool = True, after_ms: int = 1,
        **options: Any,
    ) -> Any:
        """One record under acks 0, 1 and all: where it lives when it is acknowledged, and what
        becomes of it if its leader dies at any instant (every verdict is a fork of the run).

        Args:
            topic: where to send it; the first topic when None.
            config: further producer configs, the same in all runs.
            after_ms: how long before it another record is sent (0: long before), so that the
                followers' next fetches are still on their way.
            verdicts: False leaves the bands out (and their forks).
        """
        from kinaction.cluster.acks_runs import Sent, acks_runs
        from kinaction.viz.lenses.acks import acks_lens

        chosen = topic or next(
            name for name in self.image().topics if not name.startswith("__"))
        sent = Sent(chosen, partition, key, value, dict(config or {}), after_ms)
        runs = acks_runs(self.whole, sent, acks, with_verdicts=verdicts)
        return acks_lens(runs, **options)

    def timeline(self, *others: "ClusterState", **options: Any) -> Any:
        """The space-time view of this run, and of others of the same script beside it.

        Options: titles, lifelines, selected, processed, labels, title, width.
        """
        from kinaction.viz.lenses.timeline import timeline

        return timeline([self.trace, *(other.trace for other in others)], **options)

    def state_diagram(self, of: str, **options: Any) -> Any:
        """A state table of the code as a diagram: "quorum", "broker", "group", "member"."""
        from kinaction.cluster.tables import state_table
        from kinaction.viz.states import state_diagram

        return state_diagram(state_table(of), **options)

    def to_html(self, path: str, **options: Any) -> str:
        """Write the player as one self-contained file; its path."""
        from kinaction.viz import to_html

        options.setdefault("first_seq", self.opening)
        return str(to_html(self.trace, path, **options))

    def to_frame(self) -> Any:
        """The trace as a pandas DataFrame."""
        from kinaction.viz import trace_frame

        return trace_frame(self.trace)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view()._repr_mimebundle_(**options)

    def __repr__(self) -> str:
        topics = [name for name in self.image().topics if not name.startswith("__")]
        dead = [node for node in self.brokers if self.world.nodes[node].machine is None]
        words = f"Cluster of {len(self.brokers)} brokers"
        if dead:
            words += f" ({', '.join(map(str, dead))} offline)"
        return (f"{words}, controller {self.controller()}, topics: {', '.join(topics) or 'none'}; "
                f"{self.now_ms} ms, step {self.world.host.seq}")
