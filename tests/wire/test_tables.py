"""The packaged tables are what the tools make of Kafka's, and nothing else."""

import importlib.util
import json

import pytest

from kinaction.wire import config_keys, schema


@pytest.fixture
def tool(repository):
    def load(name):
        spec = importlib.util.spec_from_file_location(name, repository / "tools" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_messages(shared, tool, tmp_path, monkeypatch):
    made = tool("compact_messages")
    monkeypatch.setattr(made, "TARGET", tmp_path / "messages.txt")
    reference = shared / "reference"
    made.main(reference / "kafka_messages.json", reference / "kafka_4.3_api_versions.json")
    assert (tmp_path / "messages.txt").read_text() == (schema.HERE / "messages.txt").read_text()


def test_configs(shared, tool, tmp_path, monkeypatch):
    made = tool("compact_configs")
    monkeypatch.setattr(made, "TARGET", tmp_path)
    made.main(shared / "reference" / "kafka_4.3_configs.json")
    for kind in config_keys.kinds():
        ours = (config_keys.HERE / f"{kind}.txt").read_text()
        assert (tmp_path / f"{kind}.txt").read_text() == ours


def test_nothing_of_a_field_is_lost(shared):
    tables = json.loads((shared / "reference" / "kafka_messages.json").read_text())
    for name, table in tables.items():
        ours = schema.message(name)
        for row, field in zip(table["fields"], ours.struct.fields, strict=True):
            assert field.kafka_name == row["name"]
            assert field.versions == schema.parse_range(row["versions"])
            assert field.tag == row.get("tag")
            assert field.is_ignorable == row.get("ignorable", False)
            nullable = schema.parse_range(row.get("nullableVersions", "none"))
            for version in range(20):
                both = field.is_in(version) and nullable[0] <= version <= nullable[1]
                assert (field.is_in(version) and field.is_nullable_in(version)) == both
