"""`Gateway`: brokers of a world behind TCP, on the real clock. The same machines, untouched.

Inside the world brokers keep talking as before, without latency; a client from outside is a node
whose messages are read from and written to its socket.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from kinaction.kernel.events import Disconnected, Received
from kinaction.kernel.host import ROOT
from kinaction.kernel.message import Message, NodeId
from kinaction.net.connection import READ_BYTES, ServedConnection
from kinaction.net.outside import Outside
from kinaction.net.translation import translated
from kinaction.sim.connection import Connection
from kinaction.sim.faults import FaultyWorld

LONGEST_NAP_S = 0.5


class Gateway:
    """Serves brokers of a world. All methods run in the event loop's thread.

    Args:
        hosts: the broker ids to serve, with the address that each listens on.
        limit: socket.request.max.bytes.
        most_connections: per broker (max.connections).
    """

    def __init__(
        self, world: FaultyWorld, brokers: tuple[int, ...], host: str, port: int, limit: int,
        most_connections: int,
    ) -> None:
        self.world = world
        self.brokers = brokers
        self.host = host
        self.port = port
        self.limit = limit
        self.most_connections = most_connections
        self.buffer = memoryview(bytearray(READ_BYTES))
        self.addresses: dict[int, tuple[str, int]] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: dict[NodeId, ServedConnection] = {}
        self._awake: list[ServedConnection] = []
        self._timer: asyncio.TimerHandle | None = None
        self._opened = 0
        self._began = 0.0
        self._began_ms = 0
        self.on_tick: Any = None

    # -- life ------------------------------------------------------------------------------

    async def start(self) -> Mapping[int, tuple[str, int]]:
        """Listen; the address of every broker."""
        loop = asyncio.get_running_loop()
        for number, broker in enumerate(self.brokers):
            port = self.port + number if self.port else 0
            server = await loop.create_server(
                lambda broker=broker: ServedConnection(self, broker, self.limit),  # type: ignore[misc]
                self.host, port)
            self._servers.append(server)
            self.addresses[broker] = server.sockets[0].getsockname()[:2]
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
        for connection in list(self._connections.values()):
            connection.close()
        for server in self._servers:
            await server.wait_closed()
        await asyncio.sleep(0)
        for connection in list(self._connections.values()):
            self.closed(connection)

    def clock_ms(self) -> int:
        """What the world's time is now."""
        return self._began_ms + int((time.monotonic() - self._began) * 1000)

    def tick(self) -> None:
        """Let happen what is due, then sleep until the next is."""
        self.settle()
        if self.on_tick is not None:
            self.on_tick()
        if self._timer is not None:
            self._timer.cancel()
        due_ms = self.world.agenda.next_ms()
        nap = LONGEST_NAP_S if due_ms is None else min(
            max((due_ms - self.clock_ms()) / 1000, 0.001), LONGEST_NAP_S)
        self._timer = asyncio.get_running_loop().call_later(nap, self.tick)

    def settle(self) -> None:
        """Let everything happen that is due now, and wake the connections it answered."""
        while True:
            self.world.run_to(max(self.clock_ms(), self.world.now_ms))
            if not self._awake:
                return
            awake, self._awake = self._awake, []
            for connection in awake:
                connection.go_on()

    # -- connections -------------------------------------------------------------------------

    def opened(self, connection: ServedConnection) -> None:
        """A client connected: it becomes a node of the world."""
        peer = connection.transport.get_extra_info("peername") or ("?", 0)
        held = sum(1 for one in self._connections.values() if one.broker == connection.broker)
        broker = self.world.nodes[connection.broker]
        if broker.machine is None or held >= self.most_connections:
            connection.transport.abort()
            return
        self._opened += 1
        connection.node = f"client:{peer[1]}:{self._opened}"
        connection.name = f"{connection.node}/1"
        node = self.world.add_outside(connection.node, connection.respond)
        node.on_cut = connection.close
        if self.world.host.trace is not None:
            node.machine = Outside(connection.node, f"{peer[0]}:{peer[1]}")
            self.world.begin_outside(node)
        self.world.network.connections[connection.name] = Connection(
            connection.name, connection.node, connection.broker)
        self._connections[connection.node] = connection

    def closed(self, connection: ServedConnection) -> None:
        """A client is gone: the broker learns of it."""
        if self._connections.pop(connection.node, None) is None:
            return
        self.world.now_ms = max(self.clock_ms(), self.world.now_ms)
        if self.world.network.connections.pop(connection.name, None) is not None:
            broker = self.world.nodes[connection.broker]
            self.world.schedule(0, broker, Disconnected(connection.name, "closed"))
        self.world.remove_outside(connection.node)

    def received(self, connection: ServedConnection, message: Message) -> None:
        """A request came: into the world with it, by way of the client's node when it is seen."""
        world = self.world
        world.now_ms = max(self.clock_ms(), world.now_ms)
        there = world.nodes[connection.node]
        if there.machine is not None:
            world.call(connection.node, "sent", {"message": message})
        else:
            world.take(connection.broker, Received(message), ROOT)

    def wake(self, connection: ServedConnection) -> None:
        """A connection was answered outside its own turn."""
        self._awake.append(connection)

    def translated(self, body: Any) -> Any:
        """A response with the addresses at which clients outside reach the brokers."""
        return translated(body, self.addresses)
