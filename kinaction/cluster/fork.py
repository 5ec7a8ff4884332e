"""Replay: the inputs of a run, given again to a fresh world, up to a step."""

from kinaction.cluster.setup import Setup
from kinaction.sim.faults import FaultyWorld
from kinaction.wire.errors import Error, KafkaError


def replay(setup: Setup, original: FaultyWorld, at: int | None) -> FaultyWorld:
    """A fresh world that has lived what the original lived up to and including step `at`.

    Calls of that past are answered silently; what happens after it is told again.

    Raises:
        KafkaError: INVALID_REQUEST, the inputs of that step were not kept, or there is none such.
    """
    last = original.host.seq - 1
    if at is not None and not 0 <= at <= last:
        raise KafkaError(Error.INVALID_REQUEST,
                         f"there is no step {at} to fork at; the run has steps 0 to {last}.")
    if original.inputs is None or not original.can_replay(at):
        raise KafkaError(
            Error.INVALID_REQUEST,
            f"only steps 0 to {original.recorded_until or 0} can be replayed: from then on this "
            "cluster was served on the real clock; fork at one of those.")
    world = setup.world()
    world.is_muted = True
    end = last if at is None else at
    for given in list(original.inputs):
        if given.seq > end:
            break
        _step_to(world, given.seq)
        world.now_ms = max(world.now_ms, given.at_ms)
        getattr(world, given.method)(*given.arguments, **given.named)
    _step_to(world, end + 1)
    if at is None:
        world.now_ms = max(world.now_ms, original.now_ms)
    world.is_muted = False
    return world


def _step_to(world: FaultyWorld, seq: int) -> None:
    while world.host.seq < seq:
        stepped = world.step()
        assert stepped, "a replay ran out of events: the run depends on more than its inputs"
