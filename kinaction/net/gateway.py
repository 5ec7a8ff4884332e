"""`Gateway`: brokers of a world behind TCP, on the real clock. The same machines, untouched.

Inside the world brokers keep talking as before, without latency; a client from outside is a node
whose messages are read from and written to its socket.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from kinaction.kernel.events import Disconnected, Received
from kinaction.kernel.host import ROOT
from kinaction.kernel.message import Message
from kinaction.net.connection import ServedConnection
from kinaction.net.framing import Spares
from kinaction.net.outside import Outside
from kinaction.net.translation import Addresses, translated
from kinaction.sim.connection import Connection
from kinaction.sim.faults import FaultyWorld

LOG = logging.getLogger("kinaction")
READ_BYTES = 256 * 1024
BACKLOG = 1024
LONGEST_NAP_S = 0.5
IDLE_LOOKS = 4
"""How often within connections.max.idle.ms idle connections are looked for."""


class Gateway:
    """Serves brokers of a world. All methods run in the event loop's thread.

    Args:
        brokers: the broker ids to serve, each on a port of its own: `port` and those after it,
            or free ones when `port` is 0.
        limit: socket.request.max.bytes.
        most_connections: per broker (max.connections).
        idle_ms: connections.max.idle.ms.
    """

    def __init__(
        self, world: FaultyWorld, brokers: tuple[int, ...], host: str, port: int, limit: int,
        most_connections: int, idle_ms: int = 600_000,
    ) -> None:
        self.world = world
        self.brokers = brokers
        self.host = host
        self.port = port
        self.limit = limit
        self.most_connections = most_connections
        self.idle_s = idle_ms / 1000
        self.buffer = memoryview(bytearray(READ_BYTES))
        self.spares = Spares()
        self.addresses: dict[int, tuple[str, int]] = {}
        self.on_tick: Callable[[], None] | None = None
        self._inner: Addresses = {}
        self._servers: list[asyncio.Server] = []
        self.connections: dict[ServedConnection, None] = {}
        self._count: dict[int, int] = dict.fromkeys(brokers, 0)
        self._answered: list[ServedConnection] = []
        self._timer: asyncio.TimerHandle | None = None
        self._armed_ms: float = inf
        self._began = 0.0
        self._began_ms = 0
        self._idle_look_s = 0.0

    # -- life ------------------------------------------------------------------------------

    async def start(self) -> Mapping[int, tuple[str, int]]:
        """Listen; the address of every broker.

        Raises:
            OSError: a port is taken.
        """
        loop = asyncio.get_running_loop()
        try:
            for number, broker in enumerate(self.brokers):
                server = await loop.create_server(
                    lambda broker=broker: ServedConnection(self, broker),  # type: ignore[misc]
                    self.host, self.port + number if self.port else 0, backlog=BACKLOG)
                self._servers.append(server)
                self.addresses[broker] = server.sockets[0].getsockname()[:2]
        except OSError:
            for server in self._servers:
                server.close()
            raise
        self._inner = {
            address: self.addresses[node]
            for address, node in self.world.network.listeners.items() if node in self.addresses}
        self._began = time.monotonic()
        self._began_ms = self.world.now_ms
        self.tick()
        return self.addresses

    async def stop(self) -> None:
        """Close everything; the clients' nodes leave the world."""
        if self._timer is not None:
            self._timer.cancel()
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(0)
        for connection in list(self.connections):
            connection.transport.abort()
            self.closed(connection)
        if self._timer is not None:
            self._timer.cancel()

    # -- time ------------------------------------------------------------------------------

    def clock_ms(self) -> int:
        """What the world's time is now."""
        return self._began_ms + int((time.monotonic() - self._began) * 1000)

    def tick(self) -> None:
        """Let happen what is due, then sleep until the next is."""
        self._armed_ms = inf
        self._close_idle()
        self.settle()

    def settle(self) -> None:
        """Let everything happen that is due now, send what was answered, and wait for the next."""
        world = self.world
        while True:
            try:
                world.run_to(max(self.clock_ms(), world.now_ms))
            except Exception:
                LOG.exception("a step of the served cluster failed")
                continue
            if not self._answered:
                break
            answered, self._answered = self._answered, []
            for connection in answered:
                if connection.out:
                    connection.write()
                if not connection.is_working:
                    connection.work()
        if self.on_tick is not None:
            self.on_tick()
        self._arm()

    def _arm(self) -> None:
        """Wake up when the next event is due, if that is earlier than we wake up anyway."""
        due_ms = self.world.agenda.next_ms()
        now_ms = self.clock_ms()
        latest_ms = now_ms + LONGEST_NAP_S * 1000
        wake_ms = latest_ms if due_ms is None else min(max(due_ms, now_ms + 1), latest_ms)
        if wake_ms < self._armed_ms:
            if self._timer is not None:
                self._timer.cancel()
            self._armed_ms = wake_ms
            self._timer = asyncio.get_running_loop().call_later(
                (wake_ms - now_ms) / 1000, self.tick)

    def _close_idle(self) -> None:
        now_s = time.monotonic()
        if now_s < self._idle_look_s or self.idle_s < 0:
            return
        self._idle_look_s = now_s + self.idle_s / IDLE_LOOKS
        for connection in list(self.connections):
            if now_s - connection.active_s > self.idle_s:
                connection.close()

    # -- connections -------------------------------------------------------------------------

    def opened(self, connection: ServedConnection) -> None:
        """A client connected; a dead or a full broker resets the connection."""
        broker = connection.broker
        self.connections[connection] = None
        self._count[broker] += 1
        connection.active_s = time.monotonic()
        is_full = self._count[broker] > self.most_connections
        if is_full or self.world.nodes[broker].machine is None:
            connection.is_closed = True
            connection.transport.abort()

    def joined(self, connection: ServedConnection, client_id: str | None) -> None:
        """A connection brought its first request: its client becomes a node of the world."""
        world = self.world
        base = f"client:{client_id or ''}:{connection.peer[1]}"
        name, number = base, 1
        while name in world.nodes:
            number += 1
            name = f"{base}:{number}"
        connection.node = name
        connection.name = f"{name}/1"
        node = world.add_outside(name, connection.respond)
        node.on_cut = connection.close
        if world.host.trace is not None:
            host, port = connection.peer
            node.machine = Outside(name, f"{host}:{port}", client_id)
            world.begin_outside(node)
        world.network.connections[connection.name] = Connection(
            connection.name, name, connection.broker)

    def closed(self, connection: ServedConnection) -> None:
        """A client is gone: the broker learns of it."""
        if connection not in self.connections:
            return
        del self.connections[connection]
        self._count[connection.broker] -= 1
        if not connection.node:
            return
        world = self.world
        world.now_ms = max(self.clock_ms(), world.now_ms)
        if world.network.connections.pop(connection.name, None) is not None:
            broker = world.nodes[connection.broker]
            world.schedule(0, broker, Disconnected(connection.name, "closed"))
        world.remove_outside(connection.node)
        self._arm()

    def heard(self, connection: ServedConnection) -> None:
        """Something came from a client, or it can take more."""
        now_s = connection.active_s = time.monotonic()
        now_ms = self._began_ms + int((now_s - self._began) * 1000)
        self.world.now_ms = max(self.world.now_ms, now_ms)
        connection.work()
        self.settle()

    def received(self, connection: ServedConnection, message: Message, size: int) -> None:
        """A request came: into the world with it, by way of the client's node when it is seen."""
        trace = self.world.host.trace
        if trace is not None:
            trace.weigh(size)
            self.world.call(connection.node, "sent", {"message": message})
        else:
            self.world.take(connection.broker, Received(message), ROOT)

    def answered(self, connection: ServedConnection) -> None:
        """A connection has something to send, and may go on."""
        self._answered.append(connection)

    def translated(self, body: Any, host: str) -> Any:
        """A response with the addresses at which clients outside reach the brokers."""
        return translated(body, self._inner, host)
