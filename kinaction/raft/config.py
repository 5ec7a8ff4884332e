"""`QuorumConfig`: the settings of the quorum, from Kafka's `controller.quorum.*` keys."""

from collections.abc import Mapping
from typing import Any

from kinaction.kernel.value import value


@value
class QuorumConfig:
    """Times in ms; the defaults are Kafka's (org.apache.kafka.raft.QuorumConfig).

    `first_election_ms` is ours: how long a node that has never voted waits at most before it
    stands (a brand-new cluster need not wait for a whole election timeout).
    """

    election_timeout_ms: int = 1000
    fetch_timeout_ms: int = 2000
    election_backoff_max_ms: int = 1000
    request_timeout_ms: int = 2000
    retry_backoff_ms: int = 20
    reconnect_backoff_ms: int = 50
    reconnect_backoff_max_ms: int = 500
    fetch_max_wait_ms: int = 500
    fetch_max_bytes: int = 8 << 20
    first_election_ms: int = 100

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "QuorumConfig":
        """From a broker's configs; keys that are absent have Kafka's defaults."""
        default = cls()

        def read(key: str, otherwise: int) -> int:
            held = config.get(f"controller.quorum.{key}")
            return otherwise if held is None else int(held)

        return cls(
            election_timeout_ms=read("election.timeout.ms", default.election_timeout_ms),
            fetch_timeout_ms=read("fetch.timeout.ms", default.fetch_timeout_ms),
            election_backoff_max_ms=read(
                "election.backoff.max.ms", default.election_backoff_max_ms),
            request_timeout_ms=read("request.timeout.ms", default.request_timeout_ms),
            retry_backoff_ms=read("retry.backoff.ms", default.retry_backoff_ms),
        )

    @property
    def fetch_timeout_jitter_ms(self) -> int:
        """Followers of one leader never give up in the very same ms: clocks and threads see to it.

        Virtual time has neither, so a tenth of the timeout is left to the dice.
        """
        return self.fetch_timeout_ms // 10

    @property
    def check_quorum_ms(self) -> int:
        """How long a leader leads without hearing from a majority (KIP-835: 1.5 fetch timeouts)."""
        return self.fetch_timeout_ms * 3 // 2

    def backoff_ms(self, failures: int) -> int:
        """How long to wait after so many failures in a row before connecting again."""
        doubled = self.reconnect_backoff_ms << min(failures - 1, 10)
        return min(doubled, self.reconnect_backoff_max_ms)

    def election_backoff_ms(self, retries: int) -> int:
        """The most a candidate waits after so many lost elections in a row."""
        return min(self.retry_backoff_ms << min(retries, 10), self.election_backoff_max_ms)
