# ruff: noqa: INP001
"""Write kinaction/wire/config_tables/*.txt from the tables of Kafka's configs.

Usage: python tools/compact_configs.py kafka_4.3_configs.json

One file a kind, one line a key: name, type, default (JSON, ``!`` where the key is required),
importance, valid values, how a broker's key can be updated, the broker's synonym of a topic's key,
``internal``; separated by tabs, empty ends left out. ``kinaction/wire/config_keys.py`` reads it.
"""

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "kinaction" / "wire" / "config_tables"


def main(path: str) -> None:
    """Read the one table and write the small ones."""
    for kind, rows in json.loads(Path(path).read_text()).items():
        lines = sorted(line(row) for row in rows)
        (TARGET / f"{kind}.txt").write_text("\n".join(lines) + "\n")


def line(row: dict[str, Any]) -> str:
    """The line of one key."""
    default = "!" if row.get("required") else json.dumps(row["default"])
    words = [row["name"], row["type"], default, row["importance"], row.get("valid", "")]
    words += [row.get("update", ""), row.get("broker_synonym", "")]
    return "\t".join([*words, "internal" * bool(row.get("internal"))]).rstrip("\t")


if __name__ == "__main__":
    main(*sys.argv[1:])
