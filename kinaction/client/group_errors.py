"""What is refused to a consumer: by its group's coordinator, and by the consumer itself."""

from kinaction.client.values import TopicPartition
from kinaction.wire.config import Config, ConfigException
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


def check_group_config(config: Config) -> None:
    """Refuse settings that exclude each other, or that are not there yet.

    Raises:
        ConfigException: says which.
    """
    if config["group.protocol"] != "classic":
        raise ConfigException(
            f"group.protocol={config['group.protocol']} is not there yet (see the ledger): "
            "leave it out, or use classic"
        )
    beat, session = config["heartbeat.interval.ms"], config["session.timeout.ms"]
    if beat >= session:
        raise ConfigException(
            f"heartbeat.interval.ms={beat} must be set lower than session.timeout.ms={session}; "
            "a third of it is usual"
        )


def no_group(command: str) -> KafkaError:
    """What Kafka calls an InvalidGroupIdException."""
    return KafkaError(Error.INVALID_GROUP_ID, (
        f"InvalidGroupIdException: to {command}, a consumer needs a group.id in its config."
    ))


def not_assigned(partition: TopicPartition) -> KafkaError:
    """A partition that the consumer does not hold."""
    return KafkaError(Error.INVALID_REQUEST, (
        f"IllegalStateException: No current assignment for partition "
        f"{partition.topic}-{partition.partition}. A subscribed consumer has partitions only "
        "after some polls."
    ))
