"""A film as data for the widget: JSON, compressed, the same bytes in every run.

The widget folds patches, follows a clock and draws what `stage` draws; everything that needs to
know Kafka is decided here.
"""

import gzip
import json
from typing import Any

from kinaction.kernel.events import Called, Crashed, Received, Started
from kinaction.kernel.trace import Trace
from kinaction.viz.availability import trouble, trouble_ms
from kinaction.viz.film import Film, Shot
from kinaction.viz.geometry import INSPECTOR, WIDE, WIDTHS, Layout, lay_out
from kinaction.viz.lives import Lives
from kinaction.viz.metrics import UNKNOWN, WIDEST
from kinaction.viz.narration import narrated
from kinaction.viz.plan import METADATA, Actor, Plan, node_title
from kinaction.viz.replicas import Replica
from kinaction.viz.story import headline
from kinaction.viz.traffic import Sent, Traffic

VERSION = 1
FLIGHT_MS = 700
DULL_FACTS = ("MetadataLearned",)


def payload(trace: Trace, plan: Plan, title: str = "") -> dict[str, Any]:
    """Everything that the widget needs, as JSON-able data."""
    return payload_of(*filmed(trace, plan), title)


def filmed(trace: Trace, plan: Plan) -> tuple[Film, Traffic]:
    """A trace folded once, with the lives of its records and its messages."""
    traffic = Traffic(trace, plan)
    return Film(trace, plan, Lives([column.key for column in plan.columns], traffic)), traffic


def payload_of(film: Film, traffic: Traffic, title: str = "") -> dict[str, Any]:
    """The payload of a film that is folded already."""
    assert film.lives is not None, "this film was folded without lives"
    plan = film.plan
    shown = traffic.shown()
    flights = sorted(shown, key=lambda sent: (sent.sent_ms, sent.number))
    return {
        "version": VERSION,
        "title": title or headline(plan),
        "usual_ms": _usual_ms(flights),
        "flight_ms": FLIGHT_MS,
        "plan": _plan(plan, film),
        "names": {str(node): node_title(node) for node in film_nodes(film)},
        "layouts": layouts(plan, film),
        "metrics": {"unknown": UNKNOWN, **{str(key): held for key, held in WIDEST.items()}},
        "first": film.first,
        "steps": [_step(shot, traffic) for shot in film.shots],
        "flights": [_flight(sent) for sent in flights],
        "ticks": [[tick.at_ms, tick.seq, tick.label, tick.is_bad, tick.rank]
                  for tick in film.ticks],
        "spans": {column.key: [[span.from_ms, span.to_ms, span.kind]
                               for span in film.spans[column.key]]
                  for column in plan.columns if column.key in film.spans},
        "trouble": trouble(film.spans),
        "trouble_ms": trouble_ms(film.spans),
        "lives": film.lives.to_dict(),
    }


def packed(data: dict[str, Any]) -> bytes:
    """The payload as gzip bytes, without a time in them."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return gzip.compress(text.encode(), 6, mtime=0)


def film_nodes(film: Film) -> list[Any]:
    """Every node that a picture may name."""
    plan = film.plan
    return [*plan.brokers, *(node for actor in (*plan.left, *plan.right) for node in actor.nodes)]


def layouts(plan: Plan, film: Film) -> dict[str, Any]:
    """A layout a width; "<width>/<page>" and "<width>/<key>" where columns page and unfold."""
    made: dict[str, Any] = {}
    for width in WIDTHS:
        stage = width - 2 - (INSPECTOR if width >= WIDE else 0)
        first = lay_out(stage, plan)
        made[str(width)] = _placed(first, plan)
        for page in range(1, first.pages):
            made[f"{width}/{page}"] = _placed(lay_out(stage, plan, page=page), plan)
        if first.mode != "full" and width % 80 == 0:
            for column in plan.columns:
                one = hosts_only(plan, film, column.key) if first.mode == "heat" else plan
                opened = lay_out(stage, one, opened=column.key)
                made[f"{width}/{column.key}"] = _placed(opened, one)
    return made


def _placed(layout: Layout, plan: Plan) -> dict[str, Any]:
    return {**layout.to_dict(), "brokers": list(plan.brokers)}


def hosts_only(plan: Plan, film: Film, key: str) -> Plan:
    """The plan with only the brokers that host this partition, and this column."""
    held: tuple[Replica, ...] = film.partitions[key].replicas if key in film.partitions else ()
    brokers = tuple(replica.broker for replica in held)[:5] or plan.brokers[:1]
    columns = tuple(column for column in plan.columns if column.key == key)
    return Plan(brokers, columns, plan.left, plan.right, plan.leaders_only, plan.first_seq,
                plan.maps)


def _plan(plan: Plan, film: Film) -> dict[str, Any]:
    return {
        "brokers": list(plan.brokers),
        "columns": [{"key": column.key, "title": column.title, "is_metadata": column.is_metadata}
                    for column in plan.columns],
        "left": [_actor(actor) for actor in plan.left],
        "right": [_actor(actor) for actor in plan.right],
        "leaders_only": plan.leaders_only,
        "total": film.trace.dropped + len(film.trace),
    }


def _actor(actor: Actor) -> dict[str, Any]:
    return {"key": actor.key, "name": actor.name, "short": actor.short, "nodes": list(actor.nodes)}


def _usual_ms(flights: list[Sent]) -> int:
    """The median flight of what is shown, at least 1 ms."""
    times = sorted(sent.got_ms - sent.sent_ms for sent in flights if sent.fate == "arrives")
    return max(1, times[len(times) // 2] if times else 1)


def _step(shot: Shot, traffic: Traffic) -> list[Any]:
    """[seq, at_ms, node, is_quiet, words, patches]."""
    step = shot.step
    return [step.seq, step.at_ms, step.node, int(_is_quiet(shot, traffic)),
            narrated(step, traffic), [list(patch) for patch in shot.patches]]


def _is_quiet(shot: Shot, traffic: Traffic) -> bool:
    """Whether there is nothing to see: no mark changes, no message shows, no fact is noted."""
    step = shot.step
    is_drawn = any(METADATA not in key for key, _, _ in shot.patches)
    if is_drawn or isinstance(step.event, Called | Crashed | Started):
        return False
    if any(type(fact).__name__ not in DULL_FACTS for fact in step.facts()):
        return False
    if isinstance(step.event, Received):
        sent = traffic.by_number.get(step.event.number)
        if sent is not None and not sent.is_hidden:
            return False
    return all(traffic.by_number[number].is_hidden for number, _ in step.sends())


def _flight(sent: Sent) -> list[Any]:
    """[number, kind, api, source, target, sent, got, seqs, fate, cut, tokens, words, fields]."""
    return [
        sent.number, sent.kind, sent.api, sent.source, sent.target, sent.sent_ms, sent.got_ms,
        sent.sent_seq, sent.received_seq, sent.fate, sent.cut,
        [[token.key, token.offset, token.label] for token in sent.tokens],
        sent.words, [list(pair) for pair in sent.fields],
    ]
