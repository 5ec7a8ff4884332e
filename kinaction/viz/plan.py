"""`Plan`: what a picture shows of a trace: which brokers, columns and actors, for all moments.

Broker = row, partition = column. The sets are taken over the whole shown part of the trace, so that
nothing moves about when a node comes or a partition is made.
"""

from collections.abc import Iterable, Sequence

from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import State, Trace
from kinaction.kernel.value import value

METADATA = "__cluster_metadata-0"
BROKER = "broker"
LEFT_FIRST = ("producer",)
UNSEEN = ("admin", "hand")
"""Kinds that get no box: what they do is told by the narration."""
MOST_ACTORS = 4
INTERNAL = "__"


@value
class Column:
    """A column of the matrix: one partition. `digits` is how long its longest shown offset is."""

    key: str
    title: str
    digits: int
    is_metadata: bool


@value
class Actor:
    """A box beside the matrix: a client, or all clients of a kind when they are many.

    `key` is the node's name, or the kind; `nodes` are the clients it stands for.
    """

    key: str
    name: str
    short: str
    nodes: tuple[str, ...]


@value
class Plan:
    """What is shown: brokers in order, columns in order, the actors of both sides."""

    brokers: tuple[int, ...]
    columns: tuple[Column, ...]
    left: tuple[Actor, ...]
    right: tuple[Actor, ...]
    leaders_only: bool = False
    first_seq: int = 0
    maps: bool = False


def plan_of(
    trace: Trace,
    columns: Sequence[object] | None = None,
    *,
    leaders_only: bool = False,
    first_seq: int = 0,
    maps: bool = False,
) -> Plan:
    """The plan of a picture of this trace.

    `columns`: partitions to show, in order: a number (of the only topic), "topic-0", "topic" (all
    of its partitions), "metadata log". None: the metadata log and every topic that is not internal.
    `maps`: producers' boxes show which brokers and leaders they know.

    Raises:
        ValueError: a column is named that the trace does not know; says which it does.
    """
    survey = _Survey(trace, first_seq)
    keys = chosen(columns, tuple(survey.ends))
    topics = {topic_of(key) for key in keys if key != METADATA}
    shown = tuple(
        Column(key, title_of(key, len(topics) > 1), len(str(max(survey.ends[key], 0))),
               key == METADATA)
        for key in keys
    )
    return Plan(
        tuple(sorted(survey.brokers)), shown,
        _actors([node for node in survey.clients if not survey.is_reader(node)], survey),
        _actors([node for node in survey.clients if survey.is_reader(node)], survey),
        leaders_only, max(first_seq, trace.dropped), maps,
    )


class _Survey:
    """One pass over the trace: who is there, and how far each log goes."""

    def __init__(self, trace: Trace, first_seq: int) -> None:
        self.kinds: dict[NodeId, str] = {}
        self.ends: dict[str, int] = {}
        self._active: dict[NodeId, None] = {}
        self._take_state(trace.base)
        for step in trace:
            for path, _, new in step.changed:
                self._take(step.node, path, new)
            if step.seq >= first_seq:
                self._active[step.node] = None
        self.brokers = [node for node in self.kinds if isinstance(node, int)]
        self.clients = [
            node for node, kind in self.kinds.items()
            if isinstance(node, str) and node in self._active and kind not in UNSEEN]

    def _take_state(self, state: State) -> None:
        for node, seen in state.items():
            for path, new in seen.items():
                self._take(node, path, new)

    def _take(self, node: NodeId, path: str, new: object) -> None:
        part, _, rest = path.partition("/")
        if path == "node/kind" and new is not None:
            self.kinds[node] = str(new)
        elif part == "partitions" and rest.endswith("/log_end_offset") and isinstance(new, int):
            key = rest.partition("/")[0]
            self.ends[key] = max(self.ends.get(key, 0), new)
        elif part == "image" and rest.endswith("/leader"):
            self.ends.setdefault(rest.partition("/")[0], 0)

    def is_reader(self, node: str) -> bool:
        """Whether a client stands on the right, where records leave."""
        return self.kinds[node] not in LEFT_FIRST


def chosen(columns: Sequence[object] | None, known: Sequence[str]) -> tuple[str, ...]:
    """The keys of the columns to show, of all keys that the trace knows.

    Raises:
        ValueError: an entry names nothing that is known.
    """
    ordered = sorted(known, key=_column_order)
    if columns is None:
        plain = [key for key in ordered if not key.startswith(INTERNAL)]
        return tuple([key for key in ordered if key == METADATA] + plain)
    keys: dict[str, None] = {}
    for wanted in columns:
        found = _matching(wanted, ordered)
        if not found:
            raise ValueError(f"no column {wanted!r}: this trace has {_listed(ordered)}")
        keys.update(dict.fromkeys(found))
    return tuple(keys)


def _matching(wanted: object, ordered: Sequence[str]) -> list[str]:
    if isinstance(wanted, int):
        plain = [key for key in ordered if not key.startswith(INTERNAL)]
        return [key for key in plain if partition_of(key) == wanted]
    name = str(wanted)
    if name in ("metadata log", "metadata", "__cluster_metadata"):
        name = METADATA
    if name.startswith("partition ") and name[10:].isdigit():
        return _matching(int(name[10:]), ordered)
    return [key for key in ordered if name in (key, topic_of(key))]


def _listed(ordered: Sequence[str]) -> str:
    names = ["metadata log" if key == METADATA else key for key in ordered]
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "") if names else "no partition"


def _column_order(key: str) -> tuple[bool, bool, str, int]:
    return (key != METADATA, key.startswith(INTERNAL), topic_of(key), partition_of(key))


def topic_of(key: str) -> str:
    """The topic of "topic-0"."""
    return key.rpartition("-")[0]


def partition_of(key: str) -> int:
    """The partition of "topic-0"."""
    return int(key.rpartition("-")[2])


def title_of(key: str, has_several_topics: bool = False) -> str:
    """How a column is headed: "metadata log", "partition 0", or with its topic."""
    if key == METADATA:
        return "metadata log"
    if has_several_topics or key.startswith(INTERNAL):
        return key
    return f"partition {partition_of(key)}"


def node_title(node: NodeId) -> str:
    """How pictures name a node: "broker 1", "producer 1", "client kcat"."""
    if isinstance(node, int):
        return f"broker {node}"
    if node.startswith("client:"):
        return "client " + node.split(":")[1]
    name, dash, number = node.rpartition("-")
    return f"{name} {number}" if dash and number.isdigit() else node


def node_short(node: NodeId) -> str:
    """The shortest name of a node: "b1", "p1", "c2"."""
    if isinstance(node, int):
        return f"b{node}"
    digits = node.rpartition("-")[2]
    return node.removeprefix("client:")[0] + (digits if digits.isdigit() else "")


def _actors(nodes: Iterable[str], survey: _Survey) -> tuple[Actor, ...]:
    """A box each; one for each kind (or family of names) when there are more than four."""
    ordered = sorted(nodes, key=_node_order)
    if len(ordered) <= MOST_ACTORS:
        return tuple(Actor(node, node_title(node), node_short(node), (node,)) for node in ordered)
    families: dict[str, list[str]] = {}
    for node in ordered:
        families.setdefault(survey.kinds[node], []).append(node)
    return tuple(
        Actor(kind, f"{len(members)} {kind}s", f"{len(members)}{kind[:1]}", tuple(members))
        for kind, members in families.items()
    )


def _node_order(node: str) -> tuple[str, int, str]:
    name, _, number = node.rpartition("-")
    kind = name.partition("-")[0] or node
    order = LEFT_FIRST.index(kind) if kind in LEFT_FIRST else len(LEFT_FIRST)
    return (f"{order}{kind}", int(number) if number.isdigit() else 0, node)
