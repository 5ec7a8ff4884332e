"""`SceneMaker`: folds a trace into what is drawn: flat keys ("tape/t-0/1") to small JSON values.

A scene changes by reversible patches, like a trace; the widget folds them and knows no Kafka. Keys:
row/<broker>, col/<key>, tape/<key>/<broker>, read/<key>, actor/<name>, group.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import Patch, State, Step, apply
from kinaction.viz.clients import Waits, actor_lines, group_lines, map_lines, readers
from kinaction.viz.plan import METADATA, Plan
from kinaction.viz.replicas import (
    Partition,
    Replica,
    heading,
    mark_of,
    only_here,
    partition_at,
    sentence_under,
)

Scene = dict[str, Any]
HAND = "hand"
CUT_OFF = "cut off"


class SceneMaker:
    """The scene of a plan, kept up to date step by step.

    `availability` collects how each column did: key -> [(at_ms, "ok" | "wait" | "none")].
    """

    def __init__(self, plan: Plan, base: State) -> None:
        self.plan = plan
        self.state: State = {node: dict(seen) for node, seen in base.items()}
        self.scene: Scene = {}
        self.partitions: dict[str, Partition] = {}
        self._since: dict[int, tuple[str, int]] = {}
        self._cuts: dict[str, list[tuple[int, int]]] = {}
        self._waits = Waits()
        self._actors = {node: actor for actor in (*plan.left, *plan.right) for node in actor.nodes}
        self._keys = {column.key: None for column in plan.columns}
        self.now_ms = 0
        self._everything()

    def take(self, step: Step) -> list[Patch]:
        """Take a step; how the scene changes by it."""
        self.now_ms = step.at_ms
        if not step.changed:
            return []
        apply(self.state.setdefault(step.node, {}), step.changed)
        patches: list[Patch] = []
        for key, make in _clients_last(self._touched(step.node, step.changed)):
            self._put(key, make(), patches)
        return patches

    def _everything(self) -> None:
        ignored: list[Patch] = []
        for key, make in _clients_last(self._all()):
            self._put(key, make(), ignored)

    def _put(self, key: str, made: Any, patches: list[Patch]) -> None:
        if isinstance(made, dict) and key.startswith("col/"):
            tapes = made.pop("tapes")
            for broker, tape in tapes.items():
                self._put(f"tape/{key[4:]}/{broker}", tape, patches)
        old = self.scene.get(key)
        if old == made:
            return
        patches.append((key, old, made))
        if made is None:
            del self.scene[key]
        else:
            self.scene[key] = made

    def _touched(self, node: NodeId, changed: Iterable[Patch]) -> dict[str, Callable[[], Any]]:
        """Which entries of the scene a step may have changed, in a fixed order."""
        found: dict[str, Callable[[], Any]] = {}
        for path, _, _ in changed:
            part, _, rest = path.partition("/")
            key = rest.partition("/")[0]
            if path in ("node/status", "faults/cut"):
                return self._all()
            if part in ("partitions", "image", "positions"):
                self._touch_column(found, key)
            if isinstance(node, int) and part in ("raft", "controller", "groups"):
                found[f"row/{node}"] = partial(self._row, node)
                found["group"] = self._group
        if isinstance(node, str):
            self._touch_actor(found, node)
        return found

    def _touch_column(self, found: dict[str, Callable[[], Any]], key: str) -> None:
        if key in self._keys:
            found[f"col/{key}"] = partial(self._column, key)
            found[f"read/{key}"] = partial(readers, self.state, self._actors, key)
            for actor in self.plan.right:
                found[f"actor/{actor.key}"] = partial(self._actor, actor.nodes)

    def _touch_actor(self, found: dict[str, Callable[[], Any]], node: str) -> None:
        actor = self._actors.get(node)
        if actor is not None:
            found[f"actor/{actor.key}"] = partial(self._actor, actor.nodes)
            found["group"] = self._group

    def _all(self) -> dict[str, Callable[[], Any]]:
        found: dict[str, Callable[[], Any]] = {}
        for broker in self.plan.brokers:
            found[f"row/{broker}"] = partial(self._row, broker)
        for column in self.plan.columns:
            self._touch_column(found, column.key)
        for actor in (*self.plan.left, *self.plan.right):
            found[f"actor/{actor.key}"] = partial(self._actor, actor.nodes)
        found["group"] = self._group
        return found

    def _row(self, broker: int) -> Any:
        seen = self.state.get(broker, {})
        status = seen.get("node/status", "absent")
        if self._since.get(broker, ("",))[0] != status:
            self._since[broker] = (status, self.now_ms)
        duties = [CUT_OFF] if self._is_cut_off(broker) else []
        if seen.get("controller/active"):
            duties.append("controller")
        if any(path.startswith("groups/") and path.endswith("/state") for path in seen):
            duties.append("coordinator")
        return {"duties": duties, "status": status, "since": self._since[broker][1]}

    def _is_cut_off(self, broker: int) -> bool:
        """Whether every link to the other brokers is cut (the world's hand shows cut links)."""
        links = self.state.get(HAND, {}).get("faults/cut") or ()
        ends = [set(link.split("|")) for link in links]
        others = [str(other) for other in self.plan.brokers if other != broker]
        return bool(others) and all({str(broker), other} in ends for other in others)

    def _actor(self, nodes: tuple[str, ...]) -> Any:
        crowded = len(self.plan.right) > 2 or len(self.plan.brokers) < 3
        box = actor_lines(self.state, nodes, self.partitions, self._waits, self.now_ms, crowded)
        if self.plan.maps and len(nodes) == 1:
            seen = self.state.get(nodes[0], {})
            box["lines"] = map_lines(seen, [*self._keys]) + box["lines"]
        return box

    def _group(self) -> Any:
        return group_lines(self.state, self.plan)

    def _column(self, key: str) -> Any:
        partition = partition_at(self.state, key, self.plan.brokers)
        self._note_epoch(self.partitions.get(key), partition)
        self.partitions[key] = partition
        text, short, tiny, is_bad = heading(partition)
        leader = partition.leader
        tapes: dict[int, Any] = dict.fromkeys(self.plan.brokers)
        for held in partition.replicas:
            tapes[held.broker] = self._tape(held, partition)
        return {
            "text": text, "short": short, "tiny": tiny, "bad": is_bad, "hw": partition.hw,
            "top": partition.top, "lead": leader.broker if leader else None,
            "isr": sorted(partition.isr) if partition.replicas else [], "tapes": tapes,
        }

    def _tape(self, held: Replica, partition: Partition) -> Any:
        cut = self._cut(held, partition)
        only = (0, 0) if partition.key == METADATA else only_here(held, partition, cut)
        text, short, is_bad = sentence_under(held, partition, only, cut is not None)
        return {
            "start": held.start, "end": held.end, "hw": held.hw,
            "mark": mark_of(held, partition), "dead": not held.is_alive,
            "only": list(only), "text": text, "short": short, "bad": is_bad,
        }

    def _note_epoch(self, before: Partition | None, now: Partition) -> None:
        """Where a new leader's epoch begins: what older epochs hold beyond is not in its log."""
        leader = now.leader
        if leader is None or before is None:
            return
        if before.leader is None or before.leader.epoch < leader.epoch:
            self._cuts.setdefault(now.key, []).append((leader.epoch, leader.end))

    def _cut(self, held: Replica, partition: Partition) -> int | None:
        newer = [start for epoch, start in self._cuts.get(partition.key, ()) if epoch > held.epoch]
        cut = min(newer, default=None)
        return cut if cut is not None and held.end > cut and held.hw <= cut else None


def _clients_last(found: dict[str, Callable[[], Any]]) -> list[tuple[str, Callable[[], Any]]]:
    """What the boxes of the clients say depends on the columns: these come first."""
    return sorted(found.items(), key=lambda item: item[0].startswith(("actor/", "group")))
