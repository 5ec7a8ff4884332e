"""`Graph`: nodes and edges as Values. State diagrams and topologies are drawn from it."""

from kinaction.kernel.value import value


@value
class Node:
    """A vertex: id (unique in its graph), label, and marks such as "current" or "source"."""

    id: str
    label: str
    marks: tuple[str, ...] = ()


@value
class Edge:
    """An arrow from one node's id to another's, with what is written on it."""

    source: str
    target: str
    label: str = ""


@value
class Graph:
    """A named graph. Drawing it is floor 9's business."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
