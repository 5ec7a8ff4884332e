# ruff: noqa: INP001
"""Write kinaction/wire/schemas/messages.txt from the field tables of Kafka's messages.

Usage: python tools/compact_messages.py kafka_messages.json kafka_4.3_api_versions.json

The result keeps facts only (names, types, versions, defaults), one field a line, and is what the
codec is compiled from. ``kinaction/wire/schema.py`` explains the form and reads it.
"""

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "kinaction" / "wire" / "schemas" / "messages.txt"
Json = dict[str, Any]


def main(messages_path: str, api_versions_path: str) -> None:
    """Read the two tables and write the compact one."""
    messages = json.loads(Path(messages_path).read_text())
    ranges = json.loads(Path(api_versions_path).read_text())["apis"]
    advertised = {row["key"]: f"{row['min']}-{row['max']}" for row in ranges}
    blocks = [message_lines(message, advertised) for message in messages.values()]
    TARGET.write_text("\n\n".join("\n".join(block) for block in blocks) + "\n")


def message_lines(message: Json, advertised: dict[int, str]) -> list[str]:
    """The block of one message: its head, its common structs, its fields."""
    lines = [" ".join(head_words(message, advertised))]
    for struct in message.get("commonStructs", []):
        lines.append(f" struct {struct['name']}")
        lines += fields_lines(struct["fields"], "  ")
    return lines + fields_lines(message["fields"], " ")


def head_words(message: Json, advertised: dict[int, str]) -> list[str]:
    """Name, kind, valid versions, then the optional words."""
    words = [message["name"], message["type"], message["validVersions"]]
    if message.get("flexibleVersions", "none") != "none":
        words.append(f"flexible={message['flexibleVersions']}")
    if "apiKey" in message:
        words.append(f"key={message['apiKey']}")
    if message["type"] == "request" and message.get("listeners"):
        words.append(f"listeners={','.join(message['listeners'])}")
    if message["type"] == "request" and message["apiKey"] in advertised:
        words.append(f"advertised={advertised[message['apiKey']]}")
    return words + ["unstable"] * bool(message.get("latestVersionUnstable"))


def fields_lines(fields: list[Json], indent: str) -> list[str]:
    """One line a field; the fields of a struct follow, one blank deeper."""
    lines = []
    for field in fields:
        lines.append(indent + " ".join(field_words(field)))
        lines += fields_lines(field.get("fields", []), indent + " ")
    return lines


def field_words(field: Json) -> list[str]:
    """Name, type (``?`` when nullable in all its versions), versions unless 0+, options."""
    versions, nullable = field["versions"], field.get("nullableVersions", "none")
    always = is_within(versions, nullable)
    words = [field["name"], field["type"] + "?" * always]
    if versions != "0+":
        words.append(versions)
    if nullable != "none" and not always:
        words.append(f"null={nullable}")
    if "tag" in field:
        words.append(f"tag={field['tag']}")
    if field.get("flexibleVersions") == "none":
        words.append("inflexible")
    words += ["ignorable"] * bool(field.get("ignorable")) + ["key"] * bool(field.get("mapKey"))
    return words + ([f"default={default_text(field['default'])}"] if "default" in field else [])


def is_within(versions: str, nullable: str) -> bool:
    """Is the field nullable in every version that has it?"""
    if nullable == "none":
        return False
    low, _, high = nullable.partition("-")
    starts_before = int(low.rstrip("+")) <= int(versions.partition("-")[0].rstrip("+"))
    return starts_before and (nullable.endswith("+") or versions.partition("-")[2] == high)


def default_text(value: object) -> str:
    """Kafka writes defaults as text or as JSON; here always as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
