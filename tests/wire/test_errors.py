"""The exceptions: Kafka's code, a sentence, and they travel."""

import copy
import pickle

import pytest

from kinaction.wire.codec import Unencodable
from kinaction.wire.compression import Undecodable
from kinaction.wire.config import ConfigException
from kinaction.wire.errors import Error, KafkaError, MalformedMessage, UnsupportedVersion
from kinaction.wire.frames import UnsupportedRequest
from kinaction.wire.record import BadRecords
from kinaction.wire.validator import InvalidBatch, RecordError

ALL = [
    KafkaError(Error.NOT_LEADER_OR_FOLLOWER, "Broker 2 leads."), KafkaError(Error.UNKNOWN_TOPIC_ID),
    MalformedMessage("cut"), UnsupportedVersion("no"), UnsupportedRequest(0, 2, 9),
    Unencodable("x"), Undecodable("y"), BadRecords("z"), ConfigException("k"),
    InvalidBatch(Error.INVALID_RECORD, "one", (RecordError(1, "no key"),), fails_request=True),
]


@pytest.mark.parametrize("error", ALL, ids=lambda error: type(error).__name__)
def test_they_can_be_copied(error):
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert (str(again), again.args) == (str(error), error.args)


def test_what_they_say():
    assert str(ALL[0]) == "NOT_LEADER_OR_FOLLOWER: Broker 2 leads."
    assert str(ALL[1]) == "UNKNOWN_TOPIC_ID"
    assert ALL[0].retriable
    assert not MalformedMessage("x").retriable
    assert Error(6) is Error.NOT_LEADER_OR_FOLLOWER
    assert Error.NOT_LEADER_OR_FOLLOWER == 6
