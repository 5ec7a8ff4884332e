"""`StateTable`: what has named states has a table. Picture, error message and test read it."""

from collections.abc import Mapping

from kinaction.kernel.graph import Edge, Graph, Node


class IllegalTransition(Exception):
    """An event that its state does not allow; says which events it does."""


class StateTable:
    """STATES[state][event] -> state, with a name and a first state.

    Example:
        >>> lamp = StateTable("lamp", "off", {"off": {"press": "on"}, "on": {"press": "off"}})
        >>> lamp.next("off", "press")
        'on'
    """

    def __init__(
        self, name: str, first: str, transitions: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.name = name
        self.first = first
        self.transitions = transitions

    def next(self, state: str, event: str) -> str:
        """The state after `event`.

        Raises:
            IllegalTransition: this state does not know the event.
        """
        after = self.transitions.get(state, {}).get(event)
        if after is None:
            known = ", ".join(self.transitions.get(state, {})) or "nothing"
            raise IllegalTransition(
                f"{self.name} in state {state} cannot take {event!r}; it takes {known}"
            )
        return after

    def allows(self, state: str, event: str) -> bool:
        """Whether the state knows the event."""
        return event in self.transitions.get(state, {})

    def graph(self, current: str | None = None) -> Graph:
        """The table as a graph, the current state marked."""
        nodes = tuple(
            Node(state, state, ("current",) if state == current else ())
            for state in self.transitions
        )
        edges = tuple(
            Edge(state, after, event)
            for state, moves in self.transitions.items()
            for event, after in moves.items()
        )
        return Graph(self.name, nodes, edges)
