"""What the player's buttons ask for, as calls of the cluster: every button has its twin in code.

The rule kept: a button never changes the run that a notebook's cells go on with. It makes another
future of it, so that the cells give the same whatever was pressed.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kinaction.viz.theatre import RUN_ON_MS
from kinaction.wire.errors import Error, KafkaError

if TYPE_CHECKING:
    from kinaction.cluster.cluster import Cluster


def obey(cluster: "Cluster", command: Mapping[str, Any]) -> "Cluster":
    """Do what a button of the player asks for; the cluster that is to be shown next.

    That is a twin, forked at the step that was looked at: it gets the fault and runs on. Where it
    was served on the real clock a run cannot be forked; the fault is done to it, now, and its time
    is left alone.

    Args:
        command: {"do": "drop" | "delay" | "duplicate" | "kill" | "restart" | "pause" | "resume" |
            "isolate" | "heal" | "fork" | "run", "at": step (None: the last), "message": n,
            "node": id, "ms": how long a delay is, "run_ms": how far the twin runs on}.

    Raises:
        KafkaError: INVALID_REQUEST, a command that nobody knows, or one that does not say which
            message or node.
        NotInFlight: the message is not under way at that step.
    """
    wanted = str(command.get("do"))
    if wanted not in _ACTIONS:
        raise KafkaError(Error.INVALID_REQUEST,
                         f"there is no button {wanted!r}; there are {', '.join(_ACTIONS)}.")
    act, needs = _ACTIONS[wanted]
    for name in needs:
        if command.get(name) is None:
            raise KafkaError(Error.INVALID_REQUEST, f"{wanted} does not say which {name}.")
    at = command.get("at")
    is_forked = wanted == "fork" or cluster.world.can_replay(at)
    acted_on = cluster.fork(at=at) if is_forked else cluster
    act(acted_on, command)
    if wanted != "fork" and is_forked:
        acted_on.run(ms=int(command.get("run_ms", RUN_ON_MS)))
    return acted_on


_Act = Callable[["Cluster", Mapping[str, Any]], Any]

_ACTIONS: Mapping[str, tuple[_Act, tuple[str, ...]]] = {
    "drop": (lambda cluster, asked: cluster.drop(asked["message"], bool(asked.get("reset"))),
             ("message",)),
    "delay": (lambda cluster, asked: cluster.delay(asked["message"], int(asked.get("ms", 500))),
              ("message",)),
    "duplicate": (lambda cluster, asked: cluster.duplicate(asked["message"]), ("message",)),
    "kill": (lambda cluster, asked: cluster.kill(asked["node"]), ("node",)),
    "restart": (lambda cluster, asked: cluster.restart(asked["node"]), ("node",)),
    "pause": (lambda cluster, asked: cluster.pause(asked["node"]), ("node",)),
    "resume": (lambda cluster, asked: cluster.resume(asked["node"]), ("node",)),
    "isolate": (lambda cluster, asked: cluster.isolate(asked["node"]), ("node",)),
    "heal": (lambda cluster, asked: cluster.heal(asked.get("node")), ()),
    "fork": (lambda _cluster, _asked: None, ()),
    "run": (lambda _cluster, _asked: None, ()),
}
"""What each command does, and what it must name."""
