"""Errors of a group's coordinator: what each means for a member, in words."""

from kinaction.wire.config import Config
from kinaction.wire.errors import Error, KafkaError

RESET = frozenset((Error.UNKNOWN_MEMBER_ID, Error.ILLEGAL_GENERATION))
FATAL = frozenset((
    Error.INCONSISTENT_GROUP_PROTOCOL, Error.INVALID_SESSION_TIMEOUT, Error.INVALID_GROUP_ID,
    Error.GROUP_AUTHORIZATION_FAILED, Error.GROUP_MAX_SIZE_REACHED, Error.FENCED_INSTANCE_ID,
    Error.UNSUPPORTED_VERSION,
))


def group_error(error: Error, group: str, config: Config) -> KafkaError:
    """Why a group does not take a member, in words."""
    if error is Error.INCONSISTENT_GROUP_PROTOCOL:
        return KafkaError(error, (
            f"The members of group {group} have no assignor in common with "
            f"partition.assignment.strategy={config['partition.assignment.strategy']}."
        ))
    if error is Error.INVALID_SESSION_TIMEOUT:
        return KafkaError(error, (
            f"session.timeout.ms={config['session.timeout.ms']} is outside of what the brokers "
            "allow: group.min.session.timeout.ms (6000) to group.max.session.timeout.ms."
        ))
    if error is Error.FENCED_INSTANCE_ID:
        return KafkaError(error, (
            f"Another consumer has joined with group.instance.id={config['group.instance.id']}. "
            "Give every static member a name of its own."
        ))
    return KafkaError(error, f"Group {group} refused this consumer.")
