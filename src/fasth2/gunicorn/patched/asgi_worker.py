"""gunicorn's asyncio worker on fasth2."""
from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Any

from gunicorn.workers import gasgi

from fasth2.gunicorn.dropin.install import status
from fasth2.gunicorn.tls_context import share_context

from .asgi_accept import Acceptor
from .asgi_protocol import ASGIProtocol, unknown_methods
from .worker import InstallingWorker

__all__ = ["ASGIWorker"]

#: Seconds that a stopping worker waits for TLS handshakes in progress, but at most half of
#: ``graceful_timeout``.
HANDSHAKE_WAIT = 5.0

#: Seconds at the end of ``graceful_timeout`` in which requests are cancelled and the application's
#: ``lifespan.shutdown`` runs, but at most a quarter of it.
CANCEL_RESERVE = 2.0

# Seconds between two checks while the worker stops.
_CHECK_INTERVAL = 0.02


class ASGIWorker(InstallingWorker, gasgi.ASGIWorker):
    """gunicorn's ``asgi`` worker, with HTTP/2 by fasth2.

    For ``-k fasth2.gunicorn.asgi``. Over TLS it offers HTTP/2 and
    HTTP/1.1 unless the operator set ``http_protocols``.

    gunicorn 27 checks an ``http_protocols`` with h2 before it imports the
    worker class, and exits if the h2 package is missing. Without that package
    omit the setting, or call `fasth2.gunicorn.install` in the configuration
    file.
    """

    def __init__(self, age: int, ppid: int, sockets: Any, app: Any, timeout: float, cfg: Any, log: Any) -> None:
        #: Open HTTP/2 connections.
        self.h2_connections: set[Any] = set()
        #: Protocols of open connections, and of accepted ones whose TLS handshake is in progress;
        #: those of failed handshakes are garbage-collected.
        self.open_protocols: set[Any] = set()
        self.accepted_protocols: weakref.WeakSet[Any] = weakref.WeakSet()
        # The loop's time at which the worker began to stop.
        self._stopping_since: float | None = None
        # True if the master stops the worker; it kills it after ``graceful_timeout``.
        self._terminated = False
        super().__init__(age, ppid, sockets, app, timeout, cfg, log)

    def _setup_event_loop(self) -> None:
        """Called by gunicorn when it sets up the event loop."""
        super()._setup_event_loop()
        if status().installed and (self.cfg.is_ssl or self.cfg.proxy_protocol != "off"):
            # Replaces the loop's method, which gunicorn calls.
            self.loop.create_server = self._create_server

    async def _create_server(self, protocol_factory: Any, *, sock: Any, ssl: Any = None, **_options: Any) -> Acceptor:
        acceptor = Acceptor(self, protocol_factory, sock, ssl)
        acceptor.start()
        return acceptor

    def init_process(self) -> None:
        """Called by gunicorn in the new process."""
        if status().installed:
            share_context()
            unfit = unknown_methods()
            if unfit or not hasattr(gasgi, "ASGIProtocol"):
                self.log.info(
                    "fasth2 leaves HTTP/2 requests to gunicorn's protocol, whose %s it does not know",
                    ", ".join(unfit) or "place",
                )
            else:
                gasgi.ASGIProtocol = ASGIProtocol
        super().init_process()

    def handle_exit_signal(self) -> None:
        """Called on SIGTERM: open requests are finished, and GOAWAY is sent at once."""
        super().handle_exit_signal()
        self._terminated = True
        self.begin_stop()

    def begin_stop(self) -> None:
        """Stop accepting, and finish open requests; on SIGTERM, and at ``max_requests``."""
        if self._stopping_since is None:
            self._stopping_since = self.loop.time()
            self._stop_accepting()
            self.stop_connections()

    def _stop_accepting(self) -> None:
        """Stop accepting, and leave the backlog to the other workers that share it."""
        for server in self.servers:
            if isinstance(self.loop, asyncio.BaseEventLoop):
                # A server that is closed drops connections accepted in the same iteration of the loop.
                for listener in server.sockets:
                    self.loop.remove_reader(listener.fileno())
            else:
                server.close()

    def stop_connections(self) -> None:
        """Begin the graceful shutdown of every HTTP/2 connection."""
        for connection in list(self.h2_connections):
            connection.stop()

    async def _shutdown(self) -> None:
        """Called by gunicorn's loop when the worker stops."""
        # For a dead parent, or when gunicorn's own protocol has reached ``max_requests``.
        self.begin_stop()
        await self._finish_connections()
        await super()._shutdown()

    async def _finish_connections(self) -> None:
        """Serve open requests until they end, or until only the time to cancel them is left.

        gunicorn's master kills the worker ``graceful_timeout`` after SIGTERM.
        """
        graceful = self.cfg.graceful_timeout
        began = self._stopping_since or 0.0
        reserve = min(graceful / 4, CANCEL_RESERVE)
        await self._wait(began + min(graceful / 2, HANDSHAKE_WAIT), lambda: bool(self.accepted_protocols))
        await self._wait(began + graceful - (reserve if self._terminated else 0), self._has_work)
        if self._has_work() and not self._quick_shutdown:
            self.log.warning("Cancelling the requests of %d connections", self.nr_conns)
            for protocol in list(self.open_protocols):
                protocol.cancel_requests()
            # The rest of the time is for the application's shutdown.
            await self._wait(self.loop.time() + reserve / 2, self._has_work)
        if self.open_protocols and not self._quick_shutdown:
            # Their output is sent, or its time-out is over.
            for protocol in list(self.open_protocols):
                protocol.transport.abort()
            await self._wait(self.loop.time() + reserve / 4, lambda: self.nr_conns > 0)

    def _has_work(self) -> bool:
        """Return True if a connection is open, other than in a completed lingering close."""
        return any(not protocol.lingered for protocol in self.open_protocols)

    async def _wait(self, deadline: float, holds: Callable[[], bool]) -> None:
        """Wait while a condition holds, and send the master heartbeats meanwhile."""
        # At least once: asyncio makes the transports of accepted connections in tasks.
        while not self._quick_shutdown:
            await asyncio.sleep(_CHECK_INTERVAL)
            if not holds() or self.loop.time() >= deadline:
                return
            self.notify()
