"""The table of APIs, against what a broker of Kafka 4.3 advertises."""

import json

from kinaction.wire import apis, messages
from kinaction.wire.errors import Error


def test_what_is_advertised_is_kafkas(shared):
    table = json.loads((shared / "reference" / "kafka_4.3_api_versions.json").read_text())
    theirs = [(row["key"], row["min"], row["max"]) for row in table["apis"]]
    assert [(api.key, *api.advertised) for api in apis.advertised()] == theirs


def test_produce_is_advertised_below_what_it_reads():
    produce = apis.by_name()["Produce"]
    assert (produce.key, produce.advertised, produce.versions) == (0, (0, 13), (3, 13))
    assert not produce.has(2)
    assert produce.has(3)


def test_unstable_versions_can_be_read_but_are_not_told():
    found = apis.by_name()["InitProducerId"]
    assert (found.versions, found.advertised) == ((0, 6), (0, 5))


def test_the_controllers_apis_are_not_advertised():
    for name in ("Vote", "BeginQuorumEpoch", "AlterPartition", "BrokerHeartbeat", "FetchSnapshot"):
        assert apis.by_name()[name].advertised is None
        assert "controller" in apis.by_name()[name].listeners


def test_dead_apis_are_not_there():
    assert not {4, 5, 6, 7} & apis.API.keys()
    assert len(apis.API) == 89


def test_classes_and_headers():
    api = apis.API[18]
    assert (api.request, api.response) == (
        messages.ApiVersionsRequest, messages.ApiVersionsResponse)
    assert [api.request_header(v) for v in (0, 2, 3, 4)] == [1, 1, 2, 2]
    assert [api.response_header(v) for v in (0, 3, 4)] == [0, 0, 0]
    assert [apis.API[12].response_header(v) for v in (3, 4)] == [0, 1]


def test_errors_are_kafkas(shared):
    rows = json.loads((shared / "reference" / "kafka_4.3_errors.json").read_text())
    ours = {error.name: (error.value, error.retriable) for error in Error}
    assert ours == {row["name"]: (row["code"], row["retriable"]) for row in rows}
