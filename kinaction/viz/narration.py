"""One or two sentences for every step: its facts where it has some, else what came and went."""

from kinaction.kernel.events import (
    Called,
    Connected,
    Crashed,
    Disconnected,
    Received,
    Started,
    TimerFired,
)
from kinaction.kernel.trace import Step
from kinaction.viz.plan import node_title
from kinaction.viz.traffic import Sent, Traffic

MOST_FACTS = 3


def narrated(step: Step, traffic: Traffic) -> str:
    """What a step meant, for a learner. A dull step gets a short sentence, never none."""
    facts = [fact.sentence() for fact in step.facts()][:MOST_FACTS]
    told = _event(step, traffic)
    sends = [traffic.by_number[number] for number, _ in step.sends()]
    sends = [sent for sent in sends if not sent.is_hidden]
    if facts:
        return " ".join(facts)
    return told + _sends(sends)


def _event(step: Step, traffic: Traffic) -> str:
    who = node_title(step.node).capitalize() if isinstance(step.node, int) else _name(step.node)
    event = step.event
    if isinstance(event, Received):
        return f"{who} gets {_message(traffic.by_number.get(event.number), event)}."
    if isinstance(event, TimerFired):
        name = event.name if isinstance(event.name, str) else event.name[0]
        return f"{who}: the timer “{name}” runs out."
    if isinstance(event, Called):
        return f"You call {event.command}() on {node_title(step.node)}."
    if isinstance(event, Connected):
        return f"{who} is connected to {_peer(event.peer)}."
    if isinstance(event, Disconnected):
        return f"{who} loses a connection: {event.reason}."
    if isinstance(event, Crashed):
        return f"{who} is {event.reason}."
    return f"{who} starts." if isinstance(event, Started) else f"{who} takes a step."


def _name(node: str) -> str:
    title = node_title(node)
    return title[:1].upper() + title[1:]


def _peer(peer: int | str) -> str:
    return node_title(peer) if isinstance(peer, int) or ":" not in peer else peer


def _message(sent: Sent | None, event: Received) -> str:
    message = event.message
    if sent is None:
        return f"a message of {node_title(message.source)}"
    what, _, carried = sent.words.partition(f"to {node_title(message.target)}")
    return f"{_article(what)}{what.strip()}{carried}"


def _article(what: str) -> str:
    return "an " if what[:1] in "AEIO" else "a "


def _sends(sends: list[Sent]) -> str:
    """What leaves in this step, the first two of it."""
    if not sends:
        return ""
    names = [f"{sent.api}{' response' if sent.kind == 'ack' else ''} to "
             f"{node_title(sent.target)}" for sent in sends[:2]]
    more = f" and {len(sends) - 2} more" if len(sends) > 2 else ""
    return f" It sends {' and '.join(names)}{more}."
