"""`Forwarder`: how a broker reaches the active controller, wherever it is.

What the broker itself has to ask (heartbeats, AlterPartition, producer ids) and what clients ask of
any broker (CreateTopics, …) goes to the node that leads the quorum, and is tried again until the
request's time is over. Kafka wraps clients' requests in Envelope; here they travel as they are.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kinaction.controller.controller import Controller
from kinaction.controller.error_responses import error_of, error_response
from kinaction.controller.local_configs import LocalConfigs
from kinaction.controller.versions import in_version
from kinaction.kernel.channel import Channels, Failure
from kinaction.kernel.machine import handles, handles_timer
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.raft.raft import Raft
from kinaction.wire import messages
from kinaction.wire.errors import Error, KafkaError

RETRY_TIMER = "forward-retry"
RETRY_BACKOFF_MS = 20
RETRY_BACKOFF_MAX_MS = 500

Answer = Callable[[Any], None]


class Forwarded:
    """A request on its way to the active controller."""

    __slots__ = ("answer", "attempts", "body", "deadline_ms", "number", "purpose")

    def __init__(
        self, number: int, body: Any, answer: Answer, deadline_ms: int, purpose: str
    ) -> None:
        self.attempts = 0
        self.number = number
        self.body = body
        self.answer = answer
        self.deadline_ms = deadline_ms
        self.purpose = purpose


class Forwarder:
    """Requests of one node to the active controller, which may be the node itself."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Channels,
        raft: Raft,
        controller: Controller,
        config: Mapping[str, Any],
    ) -> None:
        self.outbox = outbox
        self.channels = channels
        self.raft = raft
        self.controller = controller
        self.timeout_ms = int(config["request.timeout.ms"])
        self._local = LocalConfigs(raft.quorum.node_id)
        self._waiting: dict[int, Forwarded] = {}
        self._count = 0

    def request(
        self,
        body: Any,
        answer: Answer,
        *,
        timeout_ms: int | None = None,
        purpose: str = "forwarding",
    ) -> None:
        """Ask the active controller. `answer` is called once, with a response in any case.

        After `timeout_ms` (request.timeout.ms by default) the response is REQUEST_TIMED_OUT.
        `purpose` keeps Kafka's separate connections ("heartbeat", "alter-partition").
        """
        self._count += 1
        limit_ms = self.timeout_ms if timeout_ms is None else timeout_ms
        deadline_ms = self.outbox.now_ms + limit_ms
        self._try(Forwarded(self._count, body, answer, deadline_ms, purpose))

    def on_leadership(self, _is_leader: bool, _epoch: int) -> None:
        """There is news of the quorum: what waited for a controller is tried again at once."""
        if self.raft.leader_id is not None:
            waiting, self._waiting = self._waiting, {}
            for forwarded in waiting.values():
                self.outbox.cancel_timer((RETRY_TIMER, forwarded.number))
                forwarded.attempts = 0
                self._try(forwarded)

    def _try(self, forwarded: Forwarded) -> None:
        if self.controller.is_active:
            self.controller.submit(
                forwarded.body, lambda response: self._on_response(forwarded, response))
        elif self.raft.leader_address is None or self.raft.leader_id == self.outbox.node:
            self._wait(forwarded)
        else:
            self._send(forwarded, self.raft.leader_address)

    def _send(self, forwarded: Forwarded, address: tuple[str, int]) -> None:
        def on_answer(response: Any, failure: Failure | None) -> None:
            if failure is not None:
                self._wait(forwarded)
            else:
                self._on_response(forwarded, response)

        left_ms = max(forwarded.deadline_ms - self.outbox.now_ms, 1)
        self.channels.request(
            address, forwarded.body, on_answer, timeout_ms=left_ms, purpose=forwarded.purpose)

    def _on_response(self, forwarded: Forwarded, response: Any) -> None:
        if error_of(response) is Error.NOT_CONTROLLER:
            self._wait(forwarded)
        else:
            forwarded.answer(response)

    def _wait(self, forwarded: Forwarded) -> None:
        pause_ms = min(RETRY_BACKOFF_MS << min(forwarded.attempts, 10), RETRY_BACKOFF_MAX_MS)
        forwarded.attempts += 1
        if self.outbox.now_ms + pause_ms >= forwarded.deadline_ms:
            forwarded.answer(error_response(
                forwarded.body,
                KafkaError(Error.REQUEST_TIMED_OUT, "No active controller answered in time.")))
            return
        self._waiting[forwarded.number] = forwarded
        self.outbox.set_timer((RETRY_TIMER, forwarded.number), pause_ms)

    @handles_timer(RETRY_TIMER)
    def on_retry_timer(self, name: tuple[str, int]) -> None:
        """Try again after a pause."""
        forwarded = self._waiting.pop(name[1], None)
        if forwarded is not None:
            self._try(forwarded)

    @handles(
        messages.CreateTopicsRequest, messages.DeleteTopicsRequest,
        messages.CreatePartitionsRequest, messages.ElectLeadersRequest,
        messages.IncrementalAlterConfigsRequest, messages.AlterConfigsRequest,
        messages.DescribeQuorumRequest,
    )
    def on_forwardable(self, message: Message) -> None:
        """A request that only the controller can answer came to this broker.

        One that another broker has forwarded is decided here or refused: it is not passed on again.
        """
        def answer(response: Any) -> None:
            self.outbox.reply(message, in_version(response, message.version))

        if isinstance(message.source, int):
            self.controller.submit(message.body, answer)
        else:
            self.take(message.body, answer)

    def take(self, body: Any, answer: Answer) -> None:
        """A client's request: what this broker decides itself, then the controller the rest."""
        if "resources" not in body.field_names:
            self.request(body, answer)
            return
        rest, complete = self._local.split(body)
        if rest is None:
            answer(complete(None))
        else:
            self.request(rest, lambda response: answer(complete(response)))
