"""What the player's buttons ask for, as calls of the cluster: every button has its twin in code."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kinaction.wire.errors import Error, KafkaError

if TYPE_CHECKING:
    from kinaction.cluster.cluster import Cluster

AFTER_FORK_MS = 40_000
"""How far a fork made by a button runs on: past request.timeout.ms and a broker's session."""


def obey(cluster: "Cluster", command: Mapping[str, Any]) -> "Cluster":
    """Do what a button of the player asks for.

    A fault at a moment of the past is a fork: the twin gets the fault and runs on. The answer is
    the cluster that is to be shown next: the twin, or this cluster when it was acted on itself.

    Args:
        command: {"do": "drop" | "delay" | "duplicate" | "kill" | "restart" | "pause" | "resume" |
            "isolate" | "heal" | "fork" | "run", "at": step, "message": n, "node": id, "ms": n}.

    Raises:
        KafkaError: INVALID_REQUEST, a command that nobody knows.
    """
    wanted = str(command.get("do"))
    if wanted not in _ACTIONS:
        raise KafkaError(Error.INVALID_REQUEST,
                         f"there is no button {wanted!r}; there are {', '.join(_ACTIONS)}.")
    at = command.get("at")
    last = cluster.world.host.seq - 1
    is_past = at is not None and at < last
    acted_on = cluster.fork(at=at) if is_past or wanted == "fork" else cluster
    _ACTIONS[wanted](acted_on, command)
    if wanted != "fork":
        acted_on.run(ms=int(command.get("run_ms", AFTER_FORK_MS)))
    return acted_on


_ACTIONS: Mapping[str, Callable[["Cluster", Mapping[str, Any]], Any]] = {
    "drop": lambda cluster, asked: cluster.drop(asked["message"], bool(asked.get("reset"))),
    "delay": lambda cluster, asked: cluster.delay(asked["message"], int(asked.get("ms", 500))),
    "duplicate": lambda cluster, asked: cluster.duplicate(asked["message"]),
    "kill": lambda cluster, asked: cluster.kill(asked["node"]),
    "restart": lambda cluster, asked: cluster.restart(asked["node"]),
    "pause": lambda cluster, asked: cluster.pause(asked["node"]),
    "resume": lambda cluster, asked: cluster.resume(asked["node"]),
    "isolate": lambda cluster, asked: cluster.isolate(asked["node"]),
    "heal": lambda cluster, asked: cluster.heal(asked.get("node")),
    "fork": lambda _cluster, _asked: None,
    "run": lambda _cluster, _asked: None,
}
