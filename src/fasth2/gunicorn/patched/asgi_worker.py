"""gunicorn's asyncio worker on fasth2."""
from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Any

from gunicorn.asgi import protocol as gunicorn_protocol
from gunicorn.workers import gasgi

from fasth2.gunicorn.dropin.install import status
from fasth2.gunicorn.dropin.source_digest import parameters
from fasth2.gunicorn.tls_context import share_context

from .asgi_accept import Acceptor
from .worker import InstallingWorker

__all__ = ["ASGIWorker"]

#: Seconds that TLS handshakes under way are waited for when the worker stops, or half of
#: ``graceful_timeout`` where that is less.
HANDSHAKE_WAIT = 5.0

#: Seconds at the end of ``graceful_timeout`` in which requests are cancelled and the application's
#: ``lifespan.shutdown`` runs, or a quarter of it where that is less.
CANCEL_RESERVE = 2.0

# Seconds between two looks at what is left.
_CHECK_INTERVAL = 0.02

#: Methods of gunicorn's protocol that are overridden or called, and their parameters after ``self``.
_PROTOCOL = {
    "_handle_http2_connection": (["transport", "ssl_object"], ["transport", "ssl_object", "upgrade"]),
    "_build_http2_environ": (["request", "sockname", "peername"],),
}


class ASGIWorker(InstallingWorker, gasgi.ASGIWorker):
    """gunicorn's ``asgi`` worker, with HTTP/2 by fasth2.

    For ``-k fasth2.gunicorn.asgi``. Over TLS it offers HTTP/2 and
    HTTP/1.1 unless the operator set ``http_protocols``.

    gunicorn 27 checks an ``http_protocols`` that names h2 before it imports
    the worker class, and exits where the h2 package is missing. Without that
    package leave the setting out, or call `fasth2.gunicorn.install` in the
    configuration file.
    """

    def __init__(self, age: int, ppid: int, sockets: Any, app: Any, timeout: float, cfg: Any, log: Any) -> None:
        #: HTTP/2 connections that are open.
        self.h2_connections: set[Any] = set()
        #: Protocols of connections that are open, and of those that were accepted and have not begun:
        #: their TLS handshake is under way. One that failed leaves by itself.
        self.open_protocols: set[Any] = set()
        self.accepted_protocols: weakref.WeakSet[Any] = weakref.WeakSet()
        # The loop's time when the end began.
        self._stopping_since: float | None = None
        # True if the master has asked for it, which may kill the worker after ``graceful_timeout``.
        self._terminated = False
        super().__init__(age, ppid, sockets, app, timeout, cfg, log)

    def _setup_event_loop(self) -> None:
        """Called by gunicorn before the process begins its work."""
        super()._setup_event_loop()
        if status().installed and (self.cfg.is_ssl or self.cfg.proxy_protocol != "off"):
            # In place of the loop's method, which gunicorn calls.
            self.loop.create_server = self._create_server

    async def _create_server(self, protocol_factory: Any, *, sock: Any, ssl: Any = None, **_options: Any) -> Acceptor:
        acceptor = Acceptor(self, protocol_factory, sock, ssl)
        acceptor.start()
        return acceptor

    def init_process(self) -> None:
        """Called by gunicorn in the new process."""
        if status().installed:
            share_context()
            unfit = [
                name for name, known in _PROTOCOL.items()
                if (parameters(getattr(gunicorn_protocol.ASGIProtocol, name, None)) or [])[1:] not in known
            ]
            if unfit or not hasattr(gasgi, "ASGIProtocol"):
                self.log.info(
                    "fasth2 leaves HTTP/2 requests to gunicorn's protocol, whose %s it does not know",
                    ", ".join(unfit) or "place",
                )
            else:
                from .asgi_protocol import ASGIProtocol

                gasgi.ASGIProtocol = ASGIProtocol
        super().init_process()

    def handle_exit_signal(self) -> None:
        """Called on TERM: what is open is finished, and peers are told at once."""
        super().handle_exit_signal()
        self._terminated = True
        self.begin_stop()

    def begin_stop(self) -> None:
        """Accept no more, and have what is open finish; by TERM, and after the last request."""
        if self._stopping_since is None:
            self._stopping_since = self.loop.time()
            self._stop_accepting()
            self.stop_connections()

    def _stop_accepting(self) -> None:
        """Leave new connections to the other workers; those in the backlog too, which all of them share."""
        for server in self.servers:
            if isinstance(self.loop, asyncio.BaseEventLoop):
                # It drops what it has accepted in the same turn of the loop, if it is closed at once.
                for listener in server.sockets:
                    self.loop.remove_reader(listener.fileno())
            else:
                server.close()

    def stop_connections(self) -> None:
        """Have every HTTP/2 connection finish what it has, and take no more."""
        for connection in list(self.h2_connections):
            connection.stop()

    async def _shutdown(self) -> None:
        """Called by gunicorn's loop when the worker is to end."""
        # The parent has gone, or gunicorn's own protocol has served the last request.
        self.begin_stop()
        await self._finish_connections()
        await super()._shutdown()

    async def _finish_connections(self) -> None:
        """Serve what is open until it ends, or until there is only time to cancel it and to end in order.

        gunicorn's master kills the worker ``graceful_timeout`` after TERM, where it ends itself.
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
            # The rest is for the application's own end.
            await self._wait(self.loop.time() + reserve / 2, self._has_work)
        if self.open_protocols and not self._quick_shutdown:
            # Their peers have all that there was for them, or had their time to take it.
            for protocol in list(self.open_protocols):
                protocol.transport.abort()
            await self._wait(self.loop.time() + reserve / 4, lambda: self.nr_conns > 0)

    def _has_work(self) -> bool:
        """Return True if a connection is open for more than its peer to close it."""
        return any(not protocol.lingered for protocol in self.open_protocols)

    async def _wait(self, deadline: float, holds: Callable[[], bool]) -> None:
        """Wait while something holds, and tell the master that this worker lives."""
        # Once at least: asyncio makes the transports of what it has accepted in tasks.
        while not self._quick_shutdown:
            await asyncio.sleep(_CHECK_INTERVAL)
            if not holds() or self.loop.time() >= deadline:
                return
            self.notify()
