"""Inner addresses become outer ones, in every response that names a broker."""

from kinaction.net.translation import translated
from kinaction.wire import messages as m

INNER = {("kafka-1", 9092): ("127.0.0.1", 40001), ("kafka-2", 9092): ("127.0.0.1", 40002)}


def broker(node: int, host: str = "", port: int = 9092) -> object:
    kind = m.MetadataResponse.MetadataResponseBroker
    return kind(node_id=node, host=host or f"kafka-{node}", port=port)


def test_brokers_of_metadata() -> None:
    body = m.MetadataResponse(brokers=(broker(1), broker(2)))
    moved = translated(body, INNER, "127.0.0.1")
    assert [(one.node_id, one.host, one.port) for one in moved.brokers] == [
        (1, "127.0.0.1", 40001), (2, "127.0.0.1", 40002)]
    assert body.brokers == (broker(1), broker(2)), "what was given is left as it is"


def test_what_advertised_listeners_says_is_left_as_it_is() -> None:
    body = m.MetadataResponse(brokers=(broker(1, "example.org", 9999),))
    assert translated(body, INNER, "127.0.0.1") == body


def test_a_coordinator_alone_and_in_a_list() -> None:
    kind = m.FindCoordinatorResponse
    alone = kind(node_id=1, host="kafka-1", port=9092)
    assert translated(alone, INNER, "").port == 40001
    listed = kind(coordinators=(kind.Coordinator(key="g", node_id=2, host="kafka-2", port=9092),))
    assert translated(listed, INNER, "").coordinators[0].port == 40002
    none = kind(coordinators=(kind.Coordinator(key="g", node_id=-1, port=-1),))
    assert translated(none, INNER, "") == none


def test_leader_hints() -> None:
    for response in (m.ProduceResponse, m.FetchResponse):
        body = response(node_endpoints=(
            response.NodeEndpoint(node_id=2, host="kafka-2", port=9092),))
        assert translated(body, INNER, "").node_endpoints[0].port == 40002


def test_other_responses_pass() -> None:
    body = m.HeartbeatResponse()
    assert translated(body, INNER, "") is body


def test_who_listens_everywhere_is_where_the_client_found_it() -> None:
    body = m.MetadataResponse(brokers=(broker(1),))
    moved = translated(body, {("kafka-1", 9092): ("0.0.0.0", 40001)}, "10.1.2.3")
    assert moved.brokers[0].host == "10.1.2.3"
