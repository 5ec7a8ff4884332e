"""What Apache Kafka 4.3 answered to requests that its controller decides, against ours.

Recorded cases of ../shared/conformance/kafka; only the steps that need no other floor are replayed.
Skipped where the recordings are not there.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from kinaction.wire import messages
from kinaction.wire.errors import Error
from kinaction.wire.messages import uuid_text
from kinaction.wire.schema import message as tables
from tests.controller.controller_node import ControllerWorld

CASES = Path(__file__).parents[3] / "shared" / "conformance" / "kafka" / "cases"
ONE_BROKER = ("create_topics", "delete_topics", "create_partitions", "configs", "cluster")
APIS = {
    "create_topics": "CreateTopics", "delete_topics": "DeleteTopics",
    "create_partitions": "CreatePartitions", "elect_leaders": "ElectLeaders",
    "incremental_alter_configs": "IncrementalAlterConfigs", "alter_configs": "AlterConfigs",
    "describe_quorum": "DescribeQuorum",
}
FIELDS = {"timeout": "timeout_ms"}
ANY_TEXT = "<text>"
NO_ID = "00000000-0000-0000-0000-000000000000"

pytestmark = [
    pytest.mark.tier("conformance"),
    pytest.mark.skipif(not CASES.exists(), reason="the recordings are not on this machine"),
]


def recorded(*areas: str) -> list[Any]:
    """The cases that have a step for the controller."""
    found: list[Any] = []
    for area in areas:
        path = CASES / f"{area}.json"
        cases = json.loads(path.read_text()) if path.exists() else []
        found += [
            pytest.param(case, id=f"{area}/{case['name']}") for case in cases
            if any(step.get("rq") in APIS and "answer" in step for step in case["steps"])
        ]
    return found


class Replay:
    """One case against one world."""

    def __init__(self, case: Any, brokers: int) -> None:
        self.case = case
        self.world = ControllerWorld(brokers, seed=1).ready()
        self.names: dict[str, Any] = {f"node{node}": node for node in self.world.ids}
        self.ids: dict[str, str] = {}
        for number in range(1, 5):
            self.names |= {f"t{number}": f"topic-{number}", f"g{number}": f"group-{number}"}

    def run(self) -> None:
        """Every step that is for the controller."""
        for step in self.case["steps"]:
            if "topic" in step:
                self.create(step)
            elif step.get("rq") in APIS:
                response = self.world.ask(1, self.request(step))
                self.world.run(50)
                if "answer" in step:
                    told = self.told(response, step)
                    differing = difference(step["answer"], told, "")
                    assert not differing, f"{step['rq']} v{step['v']}: {differing}"

    def create(self, step: Any) -> None:
        """The runner's own step: a topic that is there afterwards."""
        name = self.value(step["topic"])
        kind = messages.CreateTopicsRequest
        rows = [self.value(row) for row in step.get("replicas", [])]
        topic = kind.CreatableTopic(
            name=name, num_partitions=-1 if rows else step.get("partitions", 1),
            replication_factor=-1 if rows else 1,
            assignments=tuple(
                kind.CreatableReplicaAssignment(partition_index=index, broker_ids=tuple(row))
                for index, row in enumerate(rows)),
            configs=tuple(kind.CreatableTopicConfig(name=key, value=text)
                          for key, text in step.get("configs", {}).items()))
        result = self.world.ask(1, kind(topics=(topic,))).topics[0]
        assert result.error_code == Error.NONE, result
        self.names[f"{step['topic'][1:]}_id"] = result.topic_id
        self.world.run(50)

    def value(self, given: Any) -> Any:
        """A value of a case with its variables filled in."""
        if isinstance(given, str) and given.startswith("$") and given[1:] in self.names:
            return self.names[given[1:]]
        if isinstance(given, str):
            for name, held in self.names.items():
                given = given.replace(f"${name}", str(held))
            return given
        if isinstance(given, dict) and "$repeat" in given:
            text, times = given["$repeat"]
            return self.value(text) * times
        return [self.value(part) for part in given] if isinstance(given, list) else given

    def request(self, step: Any) -> Any:
        """The request of a step as a value."""
        name = APIS[step["rq"]] + "Request"
        return self.body(getattr(messages, name), name, name, step["with"])

    def body(self, kind: Any, message: str, struct: str, fields: dict[str, Any]) -> Any:
        """A struct of a request from kio's names."""
        by_name = {field.name: field for field in tables(message).structs[struct].fields}
        made: dict[str, Any] = {}
        for key, given in fields.items():
            field = by_name[FIELDS.get(key, key)]
            if field.kind in tables(message).structs and given is not None:
                part = getattr(getattr(messages, message), field.kind)
                made[field.name] = tuple(
                    self.body(part, message, field.kind, each) for each in given)
            else:
                made[field.name] = self.scalar(field, given)
        return kind(**made)

    def scalar(self, field: Any, given: Any) -> Any:
        """A single value or a list of them."""
        value = self.value(given)
        if field.kind == "string" and isinstance(value, int):
            return str(value)
        if field.kind == "uuid" and isinstance(value, str):
            return bytes.fromhex(value.replace("-", ""))
        return tuple(value) if isinstance(value, list) else value

    def told(self, response: Any, step: Any) -> Any:
        """Our response as the recordings write it."""
        told = self.plain(response.to_dict())
        for array, (key, wanted) in step.get("only", {}).items():
            keep_only(told, array, key, [self.value(self.named(each)) for each in wanted])
        return told

    def named(self, text: str) -> str:
        """<t1> in a recording is $t1 in a request."""
        return f"${text[1:-1]}" if text.startswith("<") else text

    def plain(self, shown: Any, key: str = "") -> Any:
        """Names of errors, placeholders for names and ids."""
        if isinstance(shown, dict):
            return {name: self.plain(held, name) for name, held in shown.items()}
        if isinstance(shown, list | tuple):
            return [self.plain(each) for each in shown]
        if key == "error_code":
            return Error(shown).name
        if key == "replica_directory_id":
            return f"<dir:{shown and 1}>"
        if key == "topic_id":
            zero = shown == uuid_text(bytes(16))
            return None if zero else self.ids.setdefault(shown, f"<id:{len(self.ids) + 1}>")
        if isinstance(shown, str):
            for name, held in self.names.items():
                if isinstance(held, str):
                    shown = shown.replace(held, f"<{name}>")
                elif shown == str(held) and key == "resource_name":
                    return f"<{name}>"
        return shown


def keep_only(shown: Any, array: str, key: str, wanted: list[Any]) -> None:
    """Drop the entries of every array of this name whose field is not wanted."""
    for each in shown if isinstance(shown, list) else shown.values():
        if isinstance(each, dict | list):
            keep_only(each, array, key, wanted)
    if isinstance(shown, dict) and isinstance(shown.get(array), list):
        shown[array] = [
            each for each in shown[array] if each[key] in wanted or f"${each[key][1:-1]}" in wanted
            or any(each[key] == f"<{name}>" for name in wanted)
        ] if key != "topic" else shown[array]


def difference(wanted: Any, told: Any, where: str) -> str:
    """The first difference, or "". What Kafka left out of an old version is not looked at."""
    if wanted in (ANY_TEXT, "<any>"):
        return "" if wanted != ANY_TEXT or told else f"{where}: some text was expected"
    if isinstance(wanted, dict) and isinstance(told, dict):
        return next(filter(None, (
            difference(held, told[key], f"{where}.{key}") for key, held in wanted.items())), "")
    if isinstance(wanted, list) and isinstance(told, list):
        if len(wanted) != len(told):
            return f"{where}: Kafka has {len(wanted)}, here are {len(told)}: {told}"
        pairs = zip(in_order(wanted), in_order(told), strict=True)
        return next(filter(None, (
            difference(one, other, f"{where}[{index}]")
            for index, (one, other) in enumerate(pairs))), "")
    return "" if wanted == told else f"{where}: Kafka {wanted!r}, here {told!r}"


def in_order(parts: list[Any]) -> list[Any]:
    """Named parts by name: their order means nothing."""
    named = [part for part in parts if isinstance(part, dict) and part.get("name")]
    return sorted(parts, key=lambda part: str(part["name"])) if len(named) == len(parts) else parts


@pytest.mark.parametrize("case", recorded(*ONE_BROKER))
def test_one_broker_answers_as_kafka_does(case: Any) -> None:
    Replay(case, 1).run()


@pytest.mark.parametrize("case", [
    each for each in recorded("three_brokers")
    if not any("command" in step or "reassign" in str(step.get("rq"))
               for step in each.values[0]["steps"])
])
def test_three_brokers_answer_as_kafka_does(case: Any) -> None:
    Replay(case, 3).run()
