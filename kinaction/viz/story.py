"""A run in words: the headline of a picture, and the one or two sentences under the card."""

from collections.abc import Mapping
from typing import Any

from kinaction.viz.availability import clock
from kinaction.viz.film import Film
from kinaction.viz.plan import METADATA, Plan, node_title, title_of, topic_of

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
INVITATION = "Run the cell to play it."


def headline(plan: Plan) -> str:
    """What is shown: "kinaction_helloworld on three brokers"."""
    topics = list(dict.fromkeys(
        topic_of(column.key) for column in plan.columns if column.key != METADATA))
    count = len(plan.brokers)
    brokers = f"{NUMBERS[count] if count <= 10 else count} broker{'' if count == 1 else 's'}"
    if not topics:
        return brokers.capitalize()
    named = topics[0] if len(topics) == 1 else f"{len(topics)} topics"
    return f"{named} on {brokers}"


def last_words(
    film: Film, scene: Mapping[str, Any], left_out: int = 0, at_seq: int | None = None
) -> list[str]:
    """One or two sentences: what happened, and what is to be seen at the end, or after `at_seq`.

    A moment of the past knows no news of later, and invites nobody: its cell plays nothing.
    """
    news = _death(film) if at_seq is None else ""
    state = _lost(film, scene) or _state(film, scene)
    if left_out > 1 or (left_out and METADATA not in {c.key for c in film.plan.columns}):
        state += f" {left_out} more columns are not in this card."
    if at_seq is None:
        state += f" {INVITATION}"
    return [sentence for sentence in (news, state.strip()) if sentence]


def _death(film: Film) -> str:
    """The first death, when it was fenced, who was elected."""
    died = next((tick for tick in film.ticks if tick.name == "NodeCrashed"), None)
    if died is None:
        return ""
    who = died.label.removesuffix(" dies")
    text = f"{who.capitalize()} died at {clock(died.at_ms, 2)}"
    fenced = next((tick for tick in film.ticks
                   if tick.name == "BrokerFenced" and tick.at_ms >= died.at_ms), None)
    if fenced is None or not fenced.label.startswith(who):
        return text + "."
    elected = [tick for tick in film.ticks
               if tick.name == "LeaderElected" and tick.at_ms >= fenced.at_ms]
    after = clock(fenced.at_ms - died.at_ms, 2)
    more = ""
    if elected:
        leaders = list(dict.fromkeys(tick.label.removesuffix(" elected") for tick in elected))
        more = f" and elected {' and '.join('broker ' + leader for leader in leaders[:3])}"
    return f"{text}; {after} later the controller fenced it{more}."


def _lost(film: Film, scene: Mapping[str, Any]) -> str:
    """A record that only one replica has."""
    for key, tape in scene.items():
        if key.startswith("tape/") and tape["only"][1] > tape["only"][0]:
            column, _, broker = key[5:].rpartition("/")
            first, last = tape["only"][0], tape["only"][1] - 1
            several = len({topic_of(c.key) for c in film.plan.columns if not c.is_metadata}) > 1
            what = f"Record {first} of" if first == last else f"Records {first} to {last} of"
            verb = "is" if first == last else "are"
            return (f"{what} {title_of(column, several)} {verb} only on "
                    f"{node_title(int(broker))}.")
    return ""


def _state(film: Film, scene: Mapping[str, Any]) -> str:
    """How many records there are, and how many of them are committed."""
    columns = [scene.get(f"col/{column.key}") for column in film.plan.columns
               if not column.is_metadata]
    written = sum(column["top"] for column in columns if column)
    committed = sum(column["hw"] for column in columns if column)
    if not written:
        return "No record is written yet."
    noun = "record" if written == 1 else "records"
    verb = "is" if written == 1 else "are"
    if committed == written:
        return f"{written} {noun} {verb} written and committed."
    return f"{written} {noun} {verb} written, {committed} of them committed."
