"""`Pictures`: every lens as a method of the cluster. Pictures read the trace and nothing else."""

from typing import Any

from kinaction.cluster.base import ClusterState


class Pictures(ClusterState):
    """What a cluster can show."""

    def view(self, **options: Any) -> Any:
        """The player. Options: title, columns, leaders_only."""
        from kinaction.viz import player

        options.setdefault("first_seq", self.first_seq)
        return player(self.trace, on_command=self.on_command, **options)

    def on_command(self, command: dict[str, Any]) -> Any:
        """What a button of the player asks for: the twin in code is called."""
        from kinaction.cluster.commands import obey

        return obey(self.whole, command)

    def why(self, topic: str, partition: int, offset: int) -> Any:
        """The life of a record: where it was when, what it waited for, and why."""
        from kinaction.viz.lenses.life import life

        return life(self.trace, topic, partition, offset)

    def to_html(self, path: str, **options: Any) -> str:
        """Write the player as one self-contained file; its path."""
        from kinaction.viz import to_html

        options.setdefault("first_seq", self.first_seq)
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
