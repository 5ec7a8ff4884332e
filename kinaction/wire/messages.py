"""Kafka's messages by name: ``messages.ProduceRequest(acks=-1, topic_data=...)``.

A class is made when it is first asked for. Parts are attributes of their message
(``ProduceRequest.TopicProduceData``) and, where only one message has a part of that name, reachable
here too (``messages.TopicProduceData``).
"""

from typing import Any

from kinaction.wire.layout import Body, Message, message_class, uuid_bytes, uuid_text
from kinaction.wire.schema import blocks, owners_of_structs

__all__ = ["Body", "Message", "message_class", "names", "uuid_bytes", "uuid_text"]


def names() -> tuple[str, ...]:
    """The names of all messages, in the order of the tables."""
    return tuple(blocks())


def __getattr__(name: str) -> Any:
    if name.startswith("__"):  # `from … import` asks for __path__
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in blocks():
        found: Any = message_class(name)
    elif len(owners := owners_of_structs().get(name, ())) == 1:
        found = getattr(message_class(owners[0]), name)
    else:
        raise AttributeError(_unknown(name, owners))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *blocks()})


def _unknown(name: str, owners: tuple[str, ...]) -> str:
    if owners:
        return f"{name} is a part of {len(owners)} messages: write {owners[0]}.{name}, for example"
    from difflib import get_close_matches

    near = get_close_matches(name, [*blocks(), *owners_of_structs()], 1)
    return f"Kafka 4.3 has no message {name!r}" + (f"; is it {near[0]}?" if near else "")
