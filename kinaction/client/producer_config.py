"""`ProducerSettings`: the producer's config, with what its keys forbid each other."""

from typing import Any

from kinaction.kernel.value import value
from kinaction.wire.config import Config, ConfigException

MOST_IN_FLIGHT = 5


@value
class ProducerSettings:
    """What the sender goes by. Times in ms, sizes in bytes; acks -1 stands for all."""

    acks: int
    is_idempotent: bool
    linger_ms: int
    batch_size: int
    buffer_memory: int
    max_request_size: int
    max_in_flight: int
    request_timeout_ms: int
    delivery_timeout_ms: int
    max_block_ms: int
    retries: int
    compression: str

    @classmethod
    def read(cls, config: Config) -> "ProducerSettings":
        """The settings that a config makes.

        Raises:
            ConfigException: two settings exclude each other.
        """
        return cls(
            acks=acks_of(config["acks"]),
            is_idempotent=is_idempotent(config),
            linger_ms=config["linger.ms"],
            batch_size=config["batch.size"],
            buffer_memory=config["buffer.memory"],
            max_request_size=config["max.request.size"],
            max_in_flight=config["max.in.flight.requests.per.connection"],
            request_timeout_ms=config["request.timeout.ms"],
            delivery_timeout_ms=delivery_timeout_ms(config),
            max_block_ms=config["max.block.ms"],
            retries=config["retries"],
            compression=config["compression.type"],
        )


def acks_of(given: Any) -> int:
    """acks as the protocol writes it: "all" is -1."""
    return -1 if str(given) in {"all", "-1"} else int(given)


def is_idempotent(config: Config) -> bool:
    """enable.idempotence, unless another setting switches it off.

    It is on by default (KIP-679). retries=0 or acks other than all switch it off silently, but are
    an error for whoever names enable.idempotence too; more than five requests in flight always are
    (ProducerConfig.postProcessAndValidateIdempotenceConfigs, since 4.0).
    """
    if not config["enable.idempotence"]:
        if config["transactional.id"] is not None:
            raise ConfigException("transactional.id needs enable.idempotence=true")
        return False
    against = _against_idempotence(config)
    if against and ("enable.idempotence" in config.given or config["transactional.id"] is not None):
        raise ConfigException(against)
    if config["max.in.flight.requests.per.connection"] > MOST_IN_FLIGHT:
        raise ConfigException(
            "the idempotent producer allows max.in.flight.requests.per.connection up to 5: "
            "a broker remembers five batches. Lower it, or set enable.idempotence=false"
        )
    return against is None


def _against_idempotence(config: Config) -> str | None:
    if config["retries"] == 0:
        return (
            "the idempotent producer needs retries above 0. "
            "Leave retries out, or set enable.idempotence=false"
        )
    if acks_of(config["acks"]) != -1:
        return (
            f"the idempotent producer needs acks=all, not acks={config['acks']}. "
            "Leave acks out, or set enable.idempotence=false"
        )
    return None


def delivery_timeout_ms(config: Config) -> int:
    """delivery.timeout.ms; its default grows with the times it has to cover (KIP-91)."""
    least = int(config["linger.ms"]) + int(config["request.timeout.ms"])
    wanted = int(config["delivery.timeout.ms"])
    if wanted < least and "delivery.timeout.ms" in config.given:
        raise ConfigException(
            "delivery.timeout.ms has to be at least linger.ms + request.timeout.ms: "
            f"{wanted} < {config['linger.ms']} + {config['request.timeout.ms']}"
        )
    return max(wanted, least)
