"""InitProducerId without a transaction: a fresh id from a block that the controller gave."""

from collections.abc import Callable
from typing import Any

from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.errors import Error

MOST_WAITING = 10_000


class ProducerIds:
    """Hands out producer ids; asks for the next block when one is used up (KIP-730)."""

    def __init__(
        self, outbox: Outbox, to_controller: Callable[[Any, Callable[[Any], None]], None],
        request: Callable[[], Any],
    ) -> None:
        self.outbox = outbox
        self.to_controller = to_controller
        self.request = request
        self._next = 0
        self._end = 0
        self._waiting: list[Message] = []
        self._is_asking = False

    @handles(m.InitProducerIdRequest)
    def on_init_producer_id(self, message: Message) -> None:
        """A new id and epoch 0 for a producer without a transactional id."""
        body = message.body
        refused = self._refusal(body)
        if refused:
            self.outbox.reply(message, m.InitProducerIdResponse(
                error_code=refused, producer_id=-1, producer_epoch=-1))
            return
        if len(self._waiting) >= MOST_WAITING:
            self.outbox.reply(message, m.InitProducerIdResponse(
                error_code=Error.COORDINATOR_LOAD_IN_PROGRESS, producer_id=-1,
                producer_epoch=-1))
            return
        self._waiting.append(message)
        self._serve()

    @staticmethod
    def _refusal(body: Any) -> Error:
        if body.transactional_id is not None:
            return Error.INVALID_REQUEST if not body.transactional_id else Error.UNSUPPORTED_VERSION
        return Error.NONE

    def _serve(self) -> None:
        while self._waiting and self._next < self._end:
            message = self._waiting.pop(0)
            self.outbox.reply(message, m.InitProducerIdResponse(
                producer_id=self._next, producer_epoch=0))
            self._next += 1
        if self._waiting and not self._is_asking:
            self._is_asking = True
            self.to_controller(self.request(), self._on_block)

    def _on_block(self, body: Any) -> None:
        self._is_asking = False
        if body is not None and not body.error_code:
            self._next = body.producer_id_start
            self._end = self._next + body.producer_id_len
            self._serve()
            return
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self.outbox.reply(message, m.InitProducerIdResponse(
                error_code=Error.COORDINATOR_LOAD_IN_PROGRESS, producer_id=-1,
                producer_epoch=-1))
