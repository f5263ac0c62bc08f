"""The ASGI server on listening sockets of its own: accepting, and the end of all connections."""
from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable
from typing import Any

from fasth2.server._tcp import limit_unsent
from fasth2.server.client_hello import ServerTLS
from fasth2.server.transport import ReadBuffers

from .connection import Client
from .watch import Watch

__all__ = ["Server"]

#: Connections accepted in one event.
ACCEPTS = 64

#: Seconds to pause accepting after the descriptors ran out.
PAUSE = 0.2

#: Seconds in which a client has to begin once the server stops.
OPENING_WAIT = 2.0

#: Errors of accept() when the descriptors have run out.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

#: TCP_NODELAY, at the level of TCP.
_TCP, _NODELAY = 6, 1


class Server:
    """Accepts the clients of listening sockets on an event loop.

    Args:
        host: What runs the server (`fasth2.asgi.connection.ConnectionHost`); its ``accept_failed(error)`` is called for
            an error of accept().
        loop: The event loop.
        server_tls: Returns the `ServerTLS` of new connections; ``None`` for cleartext.
        timeout: Seconds that a client may take for a handshake, or take nothing of what is sent; ``None``: no limit.
        max_connections: Largest number of connections.
    """

    def __init__(self, host: Any, loop: asyncio.AbstractEventLoop, *, server_tls: Callable[[], ServerTLS] | None,
                 timeout: float | None, max_connections: int) -> None:
        self.host = host
        self.loop = loop
        self.timeout = timeout
        self.buffers = ReadBuffers()
        self.clients: set[Client] = set()
        self.stopping = False
        self._server_tls = server_tls
        self._max_connections = max_connections
        # Listening sockets and their addresses, which are asked for once.
        self._listeners: dict[int, tuple[Any, Any]] = {}
        self._accepting: set[int] = set()
        self._paused: asyncio.TimerHandle | None = None
        self._watch = Watch(loop)
        # Futures of `wait_for_end`.
        self._waiting: list[asyncio.Future[None]] = []

    def listen(self, listener: Any) -> None:
        """Accept the clients of a listening socket.

        Args:
            listener: The socket.
        """
        listener.setblocking(False)
        self._listeners[listener.fileno()] = (listener, listener.getsockname())
        self._update()

    def _update(self) -> None:
        """Watch the listening sockets, or leave their clients to other processes."""
        wanted = not self.stopping and self._paused is None and len(self.clients) < self._max_connections
        for fd in self._listeners:
            if wanted and fd not in self._accepting:
                self._accepting.add(fd)
                self.loop.add_reader(fd, self._accept, fd)
            elif not wanted and fd in self._accepting:
                self._accepting.remove(fd)
                self.loop.remove_reader(fd)

    def _accept(self, fd: int) -> None:
        if fd not in self._accepting:
            return
        listener, sockname = self._listeners[fd]
        server_tls = None if self._server_tls is None else self._server_tls()
        try:
            for _ in range(min(ACCEPTS, self._max_connections - len(self.clients))):
                sock, address = listener.accept()
                self._begin(sock, address, sockname, server_tls)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            pass
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._paused = self.loop.call_later(PAUSE, self._resume)
            if error.errno != errno.EPROTO:
                self.host.accept_failed(error)
        self._update()

    def _begin(self, sock: Any, address: Any, sockname: Any, server_tls: ServerTLS | None) -> None:
        try:
            sock.setblocking(False)
            if isinstance(address, tuple):
                sock.setsockopt(_TCP, _NODELAY, 1)
                limit_unsent(sock)
            client = Client(self, sock, address, sockname, server_tls)
        except OSError:
            sock.close()  # the client is gone
            return
        self.clients.add(client)
        self._watch.add(client)

    def _resume(self) -> None:
        self._paused = None
        self._update()

    def forget(self, client: Client) -> None:
        """Called by a client whose socket is closed.

        Args:
            client: The client.
        """
        self.clients.discard(client)
        self._watch.discard(client)
        if not self.stopping:
            self._update()
        elif not self.clients:
            for future in self._waiting:
                if not future.done():
                    future.set_result(None)

    # The end

    def stop(self) -> None:
        """Accept no more clients, close the listening sockets, and begin the graceful shutdown of every connection."""
        if self.stopping:
            return
        self.stopping = True
        self._update()
        if self._paused is not None:
            self._paused.cancel()
        for listener, _ in self._listeners.values():
            listener.close()
        deadline = time.monotonic() + OPENING_WAIT
        for client in list(self.clients):
            client.shorten_deadline(deadline)
            if client.session is not None:
                client.session.shutdown()

    async def wait_for_end(self, timeout: float) -> bool:
        """Wait until every connection is closed, once the server stops.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            True if none is left.
        """
        if self.clients and timeout > 0:
            future = self.loop.create_future()
            self._waiting.append(future)
            try:
                await asyncio.wait([future], timeout=timeout)
            finally:
                self._waiting.remove(future)
        return not self.clients

    def cancel_applications(self) -> None:
        """Cancel every application that runs, and end the connections once their responses are ended."""
        for client in list(self.clients):
            if client.session is not None:
                client.session.cancel_applications()
                client.session.leave()

    def abort(self) -> None:
        """Close every connection at once."""
        for client in list(self.clients):
            client.abort()
