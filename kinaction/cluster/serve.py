"""`Served`: a cluster behind TCP for a while. `with cluster.serve() as bootstrap: …`

The world moves to a thread of its own and to the real clock; the notebook's calls go there. When it
is over, virtual time goes on from where real time stopped.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from kinaction.net.gateway import Gateway
from kinaction.wire.errors import Error, KafkaError

if TYPE_CHECKING:
    from kinaction.cluster.cluster import Cluster

_T = TypeVar("_T")
KEPT_STEPS = 50_000
START_LIMIT_S = 10.0


class LiveTime:
    """Acts on a served world from the notebook's thread; time passes by itself."""

    def __init__(self, served: "Served") -> None:
        self._served = served

    def do(self, action: Callable[[], _T]) -> _T:
        """Act on the world, in its thread; wait for the answer."""
        served = self._served
        if threading.get_ident() == served.thread_id:
            return action()
        answer: Future[_T] = Future()

        def act() -> None:
            try:
                served.gateway.settle()
                answer.set_result(action())
                served.gateway.tick()
            except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
                answer.set_exception(error)

        served.loop.call_soon_threadsafe(act)
        return answer.result()

    def run_until(self, is_true: Callable[[], bool], limit_ms: int) -> bool:
        """Wait until it is true; looked at in the world's thread after everything that happens."""
        until = time.monotonic() + limit_ms / 1000
        came = threading.Event()

        def look() -> None:
            if is_true():
                came.set()

        self._served.watchers.append(look)
        try:
            self.do(look)
            while not came.wait(0.25) and time.monotonic() < until:
                self.do(look)
        finally:
            self._served.watchers.remove(look)
        return came.is_set()

    def run_for(self, duration_ms: int) -> None:
        """Real time passes."""
        time.sleep(duration_ms / 1000)


class Served:
    """The context manager behind `Cluster.serve`."""

    def __init__(self, cluster: "Cluster", host: str, port: int, kept_steps: int) -> None:
        self.cluster = cluster
        self.kept_steps = kept_steps
        self.loop = asyncio.new_event_loop()
        self.thread_id = -1
        self.watchers: list[Callable[[], None]] = []
        config = cluster.setup.checked(1)
        self.gateway = Gateway(
            cluster.world, cluster.brokers, host, port, config["socket.request.max.bytes"],
            config["max.connections"], config["connections.max.idle.ms"])
        self.gateway.on_tick = self._look
        self._thread: threading.Thread | None = None
        self._driver = cluster.driver

    @property
    def bootstrap(self) -> str:
        """host:port of every broker, for bootstrap.servers."""
        return ",".join(f"{host}:{port}" for host, port in self.gateway.addresses.values())

    def __enter__(self) -> str:
        self.start()
        return self.bootstrap

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Move the world to the real clock and listen.

        Raises:
            KafkaError: INVALID_REQUEST, it is served already, or the port is taken.
        """
        cluster = self.cluster
        if isinstance(cluster.driver, LiveTime):
            raise KafkaError(Error.INVALID_REQUEST, "this cluster is being served already.")
        self._to_real_time()
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(ready,), name="kinaction", daemon=True)
        self._thread.start()
        try:
            ready.result(START_LIMIT_S)
        except OSError as error:
            raise KafkaError(
                Error.INVALID_REQUEST,
                f"cannot listen at {self.gateway.host}:{self.gateway.port}: {error}") from error
        cluster.driver = LiveTime(self)

    def _to_real_time(self) -> None:
        world = self.cluster.world
        world.stop_recording()
        world.links.no_latency = True
        trace = world.host.trace
        if trace is not None:
            trace.limit = self.kept_steps
        self._set_epoch(int(time.time() * 1000) - world.now_ms)

    def _set_epoch(self, epoch_ms: int) -> None:
        world = self.cluster.world
        world.epoch_ms = epoch_ms
        for node in world.nodes.values():
            if node.machine is not None:
                node.machine.outbox.epoch_ms = epoch_ms

    def _run(self, ready: "Future[None]") -> None:
        self.thread_id = threading.get_ident()
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self.gateway.start())
        except BaseException as error:  # noqa: BLE001 - it is raised where serve() was called
            ready.set_exception(error)
            return
        ready.set_result(None)
        self.loop.run_forever()

    def _look(self) -> None:
        for look in tuple(self.watchers):
            look()

    def stop(self) -> None:
        """Close all connections; the cluster goes on under virtual time."""
        if self._thread is None:
            return
        stopped = asyncio.run_coroutine_threadsafe(self.gateway.stop(), self.loop)
        stopped.result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self._thread = None
        self.cluster.world.links.no_latency = False
        self.cluster.driver = self._driver


