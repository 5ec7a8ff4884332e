"""What stands in the boxes beside the matrix: a few short lines of each client, and its group.

A line is [text, class, since_ms]: "{t}" in the text is the time since then, and such a line is
shown only after half a second.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kinaction.kernel.trace import State
from kinaction.viz.plan import Actor, Plan, node_short, partition_of, topic_of
from kinaction.viz.replicas import Partition

Line = list[Any]
POSITIONS = "positions/"


class Waits:
    """Since when each producer waits: from when nothing was delivered while something waited."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Any, int]] = {}

    def since(self, node: str, progress: object, now_ms: int) -> int:
        """When this progress was first seen."""
        if node not in self._held or self._held[node][0] != progress:
            self._held[node] = (progress, now_ms)
        return self._held[node][1]


def actor_lines(
    state: State,
    nodes: Sequence[str],
    partitions: Mapping[str, Partition],
    waits: Waits,
    now_ms: int,
    says_group: bool,
) -> dict[str, Any]:
    """An actor's box: its status and its lines."""
    seen = [state.get(node, {}) for node in nodes]
    if len(nodes) == 1:
        lines = _client(nodes[0], seen[0], partitions, waits, now_ms, says_group)
        return {"status": seen[0].get("node/status", "absent"), "lines": lines}
    delivered = sum(one.get("producer/delivered") or 0 for one in seen)
    lag = sum(_lag(one, partitions) for one in seen)
    summary = f"{delivered} sent" if delivered else f"lag {lag}"
    return {"status": "running", "lines": [[summary, "m", 0]]}


def _client(
    node: str, seen: Mapping[str, Any], partitions: Mapping[str, Partition],
    waits: Waits, now_ms: int, says_group: bool,
) -> list[Line]:
    if seen.get("node/status") == "offline":
        return [["offline", "err b", 0]]
    if "producer/acks" in seen:
        return _producer(node, seen, waits, now_ms)
    if any(path.startswith("consumer/") for path in seen):
        return _consumer(seen, partitions, says_group)
    return []


def _producer(node: str, seen: Mapping[str, Any], waits: Waits, now_ms: int) -> list[Line]:
    acks = str(seen["producer/acks"])
    lines: list[Line] = [[f"acks={'all' if acks == '-1' else acks}", "m", 0]]
    delivered, failed = seen.get("producer/delivered") or 0, seen.get("producer/failed") or 0
    flying, buffered = seen.get("producer/in_flight") or 0, seen.get("producer/buffered") or 0
    since = waits.since(node, (delivered, failed, bool(flying or buffered)), now_ms)
    if flying:
        lines += [[f"{flying} wait {{t}}", "m", since or 1], ["for an ack", "m", since or 1]]
    elif buffered:
        lines += [[f"{buffered} wait {{t}}", "err", since or 1], ["to be sent", "err", since or 1]]
    if failed:
        lines.append([f"{failed} failed", "err", 0])
    lines.append([f"{delivered} sent", "m", 0])
    return lines


def map_lines(seen: Mapping[str, Any], keys: Sequence[str]) -> list[Line]:
    """What a client knows of the cluster: its bootstrap list, later brokers and leaders."""
    brokers = seen.get("metadata/brokers")
    if brokers is None:
        return []
    if not brokers:
        listed = [str(address) for address in seen.get("metadata/bootstrap") or ()]
        return [["knows only", "m", 0], [" ".join(listed), "m", 0]]
    leaders = seen.get("metadata/leaders") or {}
    led = [str(leaders.get(key, "–")) for key in keys if not key.startswith("__")]
    lines = [[f"knows {' '.join(map(str, brokers))}", "m", 0]]
    return [*lines, [f"leaders {' '.join(led)}", "m", 0]] if led else lines


def _consumer(
    seen: Mapping[str, Any], partitions: Mapping[str, Partition], says_group: bool
) -> list[Line]:
    keys = _positions(seen)
    lines: list[Line] = []
    if says_group and seen.get("consumer/group"):
        lines.append([str(seen["consumer/group"]), "m", 0])
    lines.append([_reads(keys), "m", 0] if keys else ["reads nothing", "m", 0])
    lines += [[f"{_short(key, keys)}: no leader", "err", 0] for key in keys
              if key in partitions and partitions[key].replicas and partitions[key].leader is None]
    if keys:
        lines.append([f"lag {_lag(seen, partitions)}", "m", 0])
    return lines


def _positions(seen: Mapping[str, Any]) -> list[str]:
    keys = {path.split("/")[1]: None for path in seen if path.startswith(POSITIONS)}
    return sorted(keys, key=lambda key: (topic_of(key), partition_of(key)))


def _reads(keys: Sequence[str]) -> str:
    names = [_short(key, keys) for key in keys]
    if len(names) > 3:
        return f"reads {len(names)} partitions"
    return "reads " + (" and ".join(names) if len(names) < 3 else ", ".join(names))


def _short(key: str, keys: Sequence[str]) -> str:
    """The partition's number where all are of one topic, else the whole name."""
    return str(partition_of(key)) if len({topic_of(each) for each in keys}) == 1 else key


def _lag(seen: Mapping[str, Any], partitions: Mapping[str, Partition]) -> int:
    lag = 0
    for key in _positions(seen):
        position = seen.get(f"{POSITIONS}{key}/position")
        if key in partitions and isinstance(position, int):
            lag += max(0, partitions[key].hw - position)
    return lag


def readers(state: State, actors: Mapping[str, Actor], key: str) -> list[list[Any]] | None:
    """Who reads this partition where: [short name, offset], in the order of the offsets."""
    found = []
    for node in actors:
        position = state.get(node, {}).get(f"{POSITIONS}{key}/position")
        if isinstance(position, int) and position >= 0:
            found.append([node_short(node), position])
    return sorted(found, key=lambda pair: (pair[1], pair[0])) or None


def group_lines(state: State, plan: Plan) -> list[str] | None:
    """The one group that the consumers share, with generation and state; None: several or none."""
    names = {
        state.get(node, {}).get("consumer/group"): None
        for actor in plan.right for node in actor.nodes
    }
    names.pop(None, None)
    if len(names) != 1:
        return None
    name = str(next(iter(names)))
    for broker in plan.brokers:
        seen = state.get(broker, {})
        phase = seen.get(f"groups/{name}/state")
        if phase is not None and seen.get("node/status") != "offline":
            epoch = seen.get(f"groups/{name}/generation", 0)
            return [name, f"epoch {epoch}", str(phase).lower()]
    return [name]
