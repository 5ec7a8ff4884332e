"""`Backoff`: how long to wait before the n-th try again (KIP-580).

The wait doubles up to a bound; the world rolls the jitter, a fifth either way.
"""

from kinaction.kernel.outbox import Outbox
from kinaction.kernel.value import value


@value
class Backoff:
    """Waits of base_ms, 2 * base_ms, … but never much more than max_ms."""

    base_ms: int
    max_ms: int

    def wait(self, failures: int) -> tuple[int, int]:
        """(delay_ms, jitter_ms) for a timer after this many failures in a row, from 1.

        >>> Backoff(100, 1000).wait(1), Backoff(100, 1000).wait(9)
        ((80, 40), (800, 400))
        """
        middle = min(self.base_ms << min(failures - 1, 30), self.max_ms)
        fifth = middle // 5
        return middle - fifth, 2 * fifth

    def set_timer(self, outbox: Outbox, name: object, failures: int) -> None:
        """Ask for TimerFired(name) after the wait."""
        outbox.set_timer(name, *self.wait(failures))
