"""`InSync`: the leader's part in the ISR: who lags, who caught up; the controller decides.

A follower is out when it has not kept up for replica.lag.time.max.ms, looked at every half of it
(kafka.server.ReplicaManager, AlterPartitionManager).
"""

from collections.abc import Callable
from typing import Any

from kinaction.broker.partition import Partition
from kinaction.broker.replicas import Replicas
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m

ToController = Callable[[Any, Callable[[Any], None]], None]
"""Send a request to the active controller; called back with its response, None if it failed."""


class InSync:
    """Asks the controller to shrink and expand in-sync sets, one request at a time."""

    def __init__(
        self, outbox: Outbox, replicas: Replicas, to_controller: ToController,
        epoch_of: Callable[[int], int],
    ) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self.to_controller = to_controller
        self.epoch_of = epoch_of
        self._asking: dict[str, None] = {}

    def start(self) -> None:
        """Begin to look."""
        self.outbox.set_timer("isr", self.replicas.settings.lag_time_max_ms // 2)

    @handles_timer("isr")
    def on_look(self, _name: str) -> None:
        """Every half of replica.lag.time.max.ms: shrink where followers lag."""
        lag_ms = self.replicas.settings.lag_time_max_ms
        for partition in self.replicas.partitions.values():
            if partition.is_leader and len(partition.isr) > 1:
                laggards = partition.laggards(self.outbox.now_ms, lag_ms)
                if laggards:
                    self._ask(partition, tuple(
                        one for one in partition.isr if one not in laggards))
        self.start()

    def fetched(self, partition: Partition, follower: int) -> None:
        """A follower fetched: it may have caught up."""
        if (follower not in partition.isr and follower in partition.replicas
                and partition.is_caught_up(follower) and not self._is_fenced(follower)):
            self._ask(partition, (*partition.isr, follower))

    def _is_fenced(self, broker: int) -> bool:
        held = self.replicas.image.brokers.get(broker)
        return held is None or held.fenced

    def _ask(self, partition: Partition, isr: tuple[int, ...]) -> None:
        if partition.name in self._asking:
            return
        self._asking[partition.name] = None
        partition.pending_isr = isr
        kind = m.AlterPartitionRequest
        epochs = tuple(kind.BrokerState(broker_id=one, broker_epoch=self.epoch_of(one))
                       for one in isr)
        asked = kind.PartitionData(
            partition_index=partition.index, leader_epoch=partition.leader_epoch,
            new_isr_with_epochs=epochs, partition_epoch=partition.partition_epoch)
        request = kind(
            broker_id=self.replicas.broker, broker_epoch=self.epoch_of(self.replicas.broker),
            topics=(kind.TopicData(topic_id=partition.topic_id, partitions=(asked,)),))
        self.to_controller(request, lambda body: self._on_answer(partition, isr, body))

    def _on_answer(self, partition: Partition, isr: tuple[int, ...], body: Any) -> None:
        """Agreed or not: the image tells; what is left to do is to ask again when refused."""
        self._asking.pop(partition.name, None)
        refused = body is None or body.error_code or any(
            part.error_code for topic in body.topics for part in topic.partitions)
        if refused and partition.pending_isr == isr:
            partition.pending_isr = None
