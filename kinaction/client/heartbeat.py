"""`Heartbeat`: a member's two clocks: the process is alive, and the application makes progress.

Heartbeats go out every heartbeat.interval.ms whether the application polls or not; that it polls
is watched here, by max.poll.interval.ms (KIP-62).
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from kinaction.client.network import Network
from kinaction.kernel.channel import Failure
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.wire.errors import Error
from kinaction.wire.messages import HeartbeatRequest

if TYPE_CHECKING:
    from kinaction.client.membership import Membership


class Heartbeat:
    """Beats for one membership, as long as it lasts."""

    def __init__(self, outbox: Outbox, network: Network, membership: "Membership") -> None:
        self.outbox = outbox
        self.network = network
        self.membership = membership
        self._is_timing = False
        self._is_waiting = False

    def begin(self) -> None:
        """Beat from now on, every heartbeat.interval.ms."""
        if not self._is_timing:
            self._is_timing = True
            self.outbox.set_timer("heartbeat", self.membership.config["heartbeat.interval.ms"])

    @handles_timer("heartbeat")
    def on_heartbeat_time(self, name: Any) -> None:
        """heartbeat.interval.ms is over."""
        self._is_timing = False
        member = self.membership
        if member.state not in ("completing", "stable"):
            return
        self.begin()
        place = member.coordinator.place()
        if self._is_waiting or place is None or not self.network.is_ready(place):
            return
        self._is_waiting = True
        body = HeartbeatRequest(
            group_id=member.coordinator.group, generation_id=member.generation,
            member_id=member.member_id, group_instance_id=member.instance_id,
        )
        self.network.send(place, body, partial(self._on_answer, member.generation))

    def _on_answer(self, generation: int, answer: Any, failure: Failure | None) -> None:
        self._is_waiting = False
        if failure is not None:
            self.membership.coordinator.lost()
        else:
            self.membership.on_beat(generation, Error(answer.error_code))

    def poll_began(self) -> None:
        """The application is alive: its time is counted anew when the poll ends."""
        if self.membership.state != "unjoined":
            self.outbox.cancel_timer("max-poll")

    def poll_ended(self) -> None:
        """From now on the application has max.poll.interval.ms until its next poll."""
        if self.membership.state != "unjoined":
            limit_ms = self.membership.config["max.poll.interval.ms"]
            self.outbox.set_timer("max-poll", limit_ms)

    @handles_timer("max-poll")
    def on_max_poll(self, name: Any) -> None:
        """The application did not poll in time."""
        self.membership.on_stuck()
