"""`Rebalancing`: what a rebalance does to the partitions that are held, and who is told of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kinaction.client.consumer_protocol import At
from kinaction.client.facts import PartitionsAssigned, PartitionsRevoked
from kinaction.client.subscription import Subscription
from kinaction.client.values import Rebalance, TopicPartition
from kinaction.kernel.machine import handles_call
from kinaction.kernel.outbox import Outbox

if TYPE_CHECKING:
    from kinaction.client.commits import Commits
    from kinaction.client.membership import Membership


class Rebalancing:
    """Gives up and takes partitions for a `Membership`, and tells the listener.

    A listener that waits (subscribe(listener=True)) has the turn after each Rebalance, until the
    call "rebalance_done", or the next poll: Java runs listeners inside `poll` in the same way.
    """

    def __init__(self, outbox: Outbox, subscription: Subscription, group: str) -> None:
        self.outbox = outbox
        self.subscription = subscription
        self.group = group
        self.commits: Commits | None = None
        self.membership: Membership | None = None
        self.is_waiting = False
        self._call: int | None = None
        self._waits = False
        self._then: Callable[[], None] | None = None

    def listen(self, call: int, *, waits: bool) -> None:
        """Rebalances are told to this call from now on."""
        self.stop_listening()
        self._call = call
        self._waits = waits

    def stop_listening(self) -> None:
        """The subscription ends."""
        if self._call is not None:
            self.outbox.returned(self._call)
        self._call = None
        self.go_on()

    def wanted_topics(self) -> tuple[str, ...]:
        """The topics that are subscribed to."""
        return self.subscription.topics

    def owned(self) -> tuple[At, ...]:
        """The partitions that are held."""
        return tuple(self.subscription.held)

    def on_prepare(self, then: Callable[[], None], *, is_cooperative: bool) -> None:
        """A rebalance begins: commit if that is automatic, give up everything, go on.

        Cooperative members keep what they have, and read on.
        """

        def revoke(*_: object) -> None:
            if is_cooperative:
                then()
            else:
                self.give_up(then=lambda: self._drop_and(then))

        if self.commits is not None and self.commits.interval_ms is not None:
            limit_ms = self.commits.timeout_ms
            consumed = self.subscription.consumed()
            self.commits.commit(consumed, revoke, limit_ms)
        else:
            revoke()

    def _drop_and(self, then: Callable[[], None]) -> None:
        self.subscription.drop_all()
        then()

    def give_up(self, then: Callable[[], None] | None = None) -> None:
        """Say that what is held is given up; `then` when the listener is done with it."""
        self._tell("revoked", self.subscription.partitions(), then)

    def on_lost(self) -> None:
        """The membership has ended without a goodbye."""
        self._tell("lost", self.subscription.partitions(), self.subscription.drop_all)

    def on_assigned(
        self, partitions: tuple[At, ...], then: Callable[[], None], *, is_cooperative: bool
    ) -> None:
        """Hold these partitions from now on; say which are new, and before, which must go."""
        held = set(self.subscription.held)
        gone = tuple(one for one in self.subscription.partitions() if one.at not in partitions)
        new = tuple(at for at in sorted(partitions) if at not in held)
        if is_cooperative and gone:
            self._tell("revoked", gone, lambda: self._change_hands(partitions, gone, new, then))
        else:
            self._take(partitions, new)

    def _change_hands(
        self,
        partitions: tuple[At, ...],
        gone: tuple[TopicPartition, ...],
        new: tuple[At, ...],
        then: Callable[[], None],
    ) -> None:
        self.subscription.drop(one.at for one in gone)
        self._take(partitions, new)
        then()

    def _take(self, partitions: tuple[At, ...], new: tuple[At, ...]) -> None:
        self.subscription.take(TopicPartition(*at) for at in sorted(partitions))
        taken = tuple(TopicPartition(*at) for at in new)
        generation = self.membership.generation if self.membership else -1
        self.outbox.note(PartitionsAssigned(
            self.outbox.node, self.group, names(taken), generation
        ))
        self._hand_turn(Rebalance("assigned", taken), None)

    def _tell(
        self, kind: str, held: tuple[TopicPartition, ...], then: Callable[[], None] | None
    ) -> None:
        if not held or not self.subscription.is_group_managed:
            if then is not None:
                then()
            return
        self.outbox.note(PartitionsRevoked(
            self.outbox.node, self.group, names(held), kind == "lost"
        ))
        self._hand_turn(Rebalance(kind, held), then)

    def _hand_turn(self, rebalance: Rebalance, then: Callable[[], None] | None) -> None:
        if self._call is not None:
            self.outbox.returned(self._call, rebalance, is_last=False)
        if self._call is not None and self._waits:
            self.is_waiting = True
            self._then = then
        elif then is not None:
            then()

    @handles_call("rebalance_done")
    def on_rebalance_done(self, call: int) -> None:
        """The listener has done what it wanted."""
        self.outbox.returned(call)
        self.go_on()

    def go_on(self) -> None:
        """The turn is back: do what waited for it."""
        then, self._then = self._then, None
        self.is_waiting = False
        if then is not None:
            then()


def names(partitions: tuple[TopicPartition, ...]) -> tuple[str, ...]:
    """Partitions as "topic-partition"."""
    return tuple(f"{one.topic}-{one.partition}" for one in partitions)
