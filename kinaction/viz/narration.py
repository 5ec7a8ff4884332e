"""One or two sentences for every step: its facts where it has some, else what came and went."""

from kinaction.kernel.describe import describe
from kinaction.kernel.events import (
    Accepted,
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

MOST_CHARACTERS = 130
"""Two lines under the stage, three where it is narrow."""


def narrated(step: Step, traffic: Traffic) -> str:
    """What a step meant, for a learner. A dull step gets a short sentence, never none."""
    facts = _facts(step, traffic)
    told = _event(step, traffic)
    sends = [traffic.by_number[number] for number, _ in step.sends()]
    sends = [sent for sent in sends if not sent.is_hidden]
    if facts:
        return facts
    return told + _sends(sends)


def _facts(step: Step, traffic: Traffic) -> str:
    """The sentences of the facts about what is shown (else of all); how many more there are."""
    facts = list(step.facts())
    facts = [fact for fact in facts if traffic.is_about_shown(fact)] or facts
    sentences = list(dict.fromkeys(fact.sentence() for fact in facts))
    told = sentences[:1]
    for sentence in sentences[1:]:
        if len(" ".join([*told, sentence])) > MOST_CHARACTERS - 16:
            break
        told.append(sentence)
    left = len(sentences) - len(told)
    return " ".join([*told, f"(And {left} more.)"] if left else told)


def _event(step: Step, traffic: Traffic) -> str:
    who = node_title(step.node).capitalize() if isinstance(step.node, int) else _name(step.node)
    event = step.event
    if isinstance(event, Received):
        return f"{who} gets {_message(traffic.by_number.get(event.number), event)}."
    if isinstance(event, TimerFired):
        name = event.name if isinstance(event.name, str) else event.name[0]
        return f"{who}: the timer “{name}” runs out."
    if isinstance(event, Called):
        return f"You call {event.command}({_argument(event)}) on {node_title(step.node)}."
    if isinstance(event, Connected):
        return f"{who} is connected to {_peer(event.peer)}."
    if isinstance(event, Disconnected):
        return f"{who} loses a connection: {event.reason}."
    if isinstance(event, Accepted):
        return f"{_name(_peer(event.peer))} connects to {node_title(step.node)}."
    if isinstance(event, Crashed):
        return f"{who} is {event.reason}."
    return f"{who} starts." if isinstance(event, Started) else f"{who} takes a step."


def _argument(event: Called) -> str:
    """The one argument that tells most: the value, the topics, the timeout."""
    for name in ("value", "topics", "partitions", "timeout_ms"):
        if event.arguments.get(name) is not None:
            told = describe(event.arguments[name])
            text = repr(told) if isinstance(told, str) else str(told)
            return text if len(text) <= 40 else text[:39] + "…"
    return ""


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
    if sent.is_request:
        what = what.replace(" from ", " request from ", 1)
    return f"{_article(what)}{what.strip()}{carried}"


def _article(what: str) -> str:
    return "an " if what[:1] in "AEIO" else "a "


def _sends(sends: list[Sent]) -> str:
    """What leaves in this step, the first two of it."""
    if not sends:
        return ""
    names = [f"{sent.words.partition(' from ')[0]} to {node_title(sent.target)}"
             for sent in sends[:2]]
    more = f" and {len(sends) - 2} more" if len(sends) > 2 else ""
    return f" It sends {' and '.join(names)}{more}."
