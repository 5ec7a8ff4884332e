"""Questions to a trace that several chapters' checks ask.

Rule kept: pure functions over the trace's steps, facts and patches; a check never asks a machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kinaction.kernel.events import Called, Received
from kinaction.kernel.message import Message
from kinaction.kernel.trace import Step, Trace


def calls(trace: Trace, command: str) -> Iterator[Step]:
    """The steps in which the notebook called that command ("produce", "poll", …)."""
    for step in trace:
        if isinstance(step.event, Called) and step.event.command == command:
            yield step


def fact_steps(trace: Trace, name: str, **fields: Any) -> Iterator[Step]:
    """The steps that noted a fact of that class with those fields, in order."""
    for step, fact in trace.facts(name):
        if all(getattr(fact, key) == wanted for key, wanted in fields.items()):
            yield step


def cone(trace: Trace, seq: int, upto: int | None = None) -> list[Step]:
    """Step `seq` and every step that it caused, directly or not, up to step `upto`."""
    caused, found = {seq}, []
    for step in trace:
        if upto is not None and step.seq > upto:
            break
        if step.seq == seq or step.cause in caused:
            caused.add(step.seq)
            found.append(step)
    return found


def between(trace: Trace, first: int, last: int) -> list[Step]:
    """The steps from `first` to `last` that belong together: what `first` caused, and what led to
    `last`. (A leader answers when a follower asks, and the follower may have asked before.)
    """
    led = {step.seq: step for step in trace.causes(last) if step.seq >= first}
    held = {step.seq: step for step in cone(trace, first, last)} | led
    return [held[seq] for seq in sorted(held)]


def messages_of(steps: list[Step]) -> int:
    """How many messages these steps sent."""
    return sum(1 for step in steps for _ in step.sends())


def about_metadata(message: Message) -> bool:
    """Whether a Fetch, or the answer to one, is about the cluster's own log, __cluster_metadata."""
    from kinaction.viz.carried import METADATA_ID, METADATA_TOPIC

    body = message.body
    return any(
        getattr(topic, "topic", "") == METADATA_TOPIC
        or bytes(getattr(topic, "topic_id", b"")) == METADATA_ID
        for topic in (*getattr(body, "topics", ()), *getattr(body, "responses", ()))
    )


def received(trace: Trace, api: str, *, is_request: bool) -> Iterator[Step]:
    """The steps in which a request, or an answer, of that api ("Produce") arrived."""
    for step in trace:
        event = step.event
        if (
            isinstance(event, Received)
            and event.message.api == api
            and event.message.is_request == is_request
        ):
            yield step


def appends(trace: Trace, topic: str, partition: int) -> Iterator[tuple[Step, int]]:
    """The steps in which some broker's copy of a partition grew, each with its new end offset."""
    path = f"partitions/{topic}-{partition}/log_end_offset"
    for step in trace:
        for changed, old, new in step.changed:
            if changed == path and new is not None and new > (old or 0):
                yield step, new


def end_offsets(trace: Trace, topic: str, partition: int, upto: int) -> dict[int, int]:
    """After step `upto`: the log end offset of each broker's copy of a partition."""
    path = f"partitions/{topic}-{partition}/log_end_offset"
    state = trace.fold(upto)
    return {
        node: seen[path]
        for node, seen in sorted(state.items(), key=str)
        if path in seen and isinstance(node, int)
    }
