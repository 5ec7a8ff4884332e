"""The state tables of the code, by the names that a learner asks for."""

from kinaction.broker.group.states import GROUP_STATES
from kinaction.client.membership import MEMBER_STATES
from kinaction.controller.registration import BROKER_STATES
from kinaction.kernel.states import StateTable
from kinaction.raft.states import QUORUM_STATES
from kinaction.wire.errors import Error, KafkaError

TABLES = {
    "quorum": QUORUM_STATES, "broker": BROKER_STATES, "group": GROUP_STATES,
    "member": MEMBER_STATES,
}


def state_table(name: str) -> StateTable:
    """A state table by name.

    Raises:
        KafkaError: INVALID_REQUEST, there is none; names those there are.
    """
    if name not in TABLES:
        raise KafkaError(
            Error.INVALID_REQUEST,
            f"there is no state diagram {name!r}; there are {', '.join(TABLES)}.")
    return TABLES[name]
