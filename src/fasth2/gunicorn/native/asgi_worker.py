"""fasth2's own worker for ASGI applications: HTTP/2 by fasth2's server, HTTP/1.1 by gunicorn."""
from __future__ import annotations

import asyncio
import gc
from typing import Any

from gunicorn.asgi import protocol as gunicorn_protocol
from gunicorn.workers import gasgi

from fasth2.gunicorn import settings
from fasth2.gunicorn.dropin.install import status
from fasth2.gunicorn.patched.asgi_protocol import ASGIProtocol, unknown_methods
from fasth2.gunicorn.patched.worker import InstallingWorker
from fasth2.gunicorn.tls_context import share_context

from .asgi_host import Host
from .settings import tell_what_has_no_effect

__all__ = ["ASGIWorker"]

#: Seconds at the end of ``graceful_timeout`` in which requests are cancelled and the application's
#: ``lifespan.shutdown`` runs, but at most a quarter of it.
CANCEL_RESERVE = 2.0

#: Seconds between two heartbeats while the worker stops.
_HEARTBEAT = 0.5

#: Seconds that a stopping worker keeps HTTP/1.1 connections without a request.
_IDLE_WAIT = 2.0


class _Listener:
    """What gunicorn's worker takes for an asyncio server: one listening socket of a `Host`'s server."""

    def __init__(self, host: Host, sock: Any) -> None:
        self._host = host
        self.sockets = [sock]
        host.server.listen(sock)

    def close(self) -> None:
        """Stop the whole server."""
        self._host.server.stop()

    async def wait_closed(self) -> None:
        """Return: the sockets are closed."""


class ASGIWorker(InstallingWorker, gasgi.ASGIWorker):
    """A gunicorn worker that serves ASGI applications over HTTP/2 with fasth2's own server.

    For ``-k fasth2.gunicorn.ASGIWorker``. It offers HTTP/2 and HTTP/1.1 unless
    the operator set ``http_protocols``; HTTP/1.1 and its WebSockets are served by
    gunicorn's own code, on the same port. WebSockets over HTTP/2 (RFC 8441) need
    the package wsproto.

    Without TLS, peers in ``forwarded_allow_ips`` may use HTTP/2 with prior
    knowledge, unless the operator set ``http2_cleartext``.
    """

    alive: bool
    host: Host | None = None

    def __init__(self, age: int, ppid: int, sockets: Any, app: Any, timeout: float, cfg: Any, log: Any) -> None:
        self._own_nr = 0
        #: What gunicorn's HTTP/1.1 protocol object registers with: open connections, and those that were upgraded to HTTP/2.
        self.open_protocols: set[Any] = set()
        self.accepted_protocols: set[Any] = set()
        self.h2_connections: set[Any] = set()
        # The loop's time at which the worker began to stop.
        self._stopping_since: float | None = None
        # True if the master stops the worker; it kills it after ``graceful_timeout``.
        self._terminated = False
        # gunicorn's task that waits until the worker stops.
        self._sleeper: asyncio.Task[Any] | None = None
        super().__init__(age, ppid, sockets, app, timeout, cfg, log)
        if status().installed:
            tell_what_has_no_effect(cfg, log, "ASGIWorker")

    # gunicorn's worker

    def init_process(self) -> None:
        """Called by gunicorn in the new process."""
        if status().installed:
            # The master has read them before it applied ``raw_env``.
            settings.forget()
            share_context()
        super().init_process()

    def _setup_event_loop(self) -> None:
        """Called by gunicorn when it sets up the event loop."""
        super()._setup_event_loop()
        if status().installed:
            # Replaces the loop's method, which gunicorn calls.
            self.loop.create_server = self._create_server

    async def _create_server(self, _protocol_factory: Any, *, sock: Any, **_options: Any) -> _Listener:
        if self.host is None:
            # What is loaded stays: the garbage collector need not look at it again.
            gc.collect()
            gc.freeze()
            self.host = Host(self, self._http1_class())
            self._sleeper = asyncio.current_task()
            self.nr = self._own_nr
        return _Listener(self.host, sock)

    def _http1_class(self) -> Any:
        unfit = unknown_methods()
        if not unfit:
            return ASGIProtocol
        self.log.info("fasth2 does not know %s of gunicorn's protocol", ", ".join(unfit))
        return gunicorn_protocol.ASGIProtocol

    def notify(self) -> None:
        """Send the master a heartbeat. Called by gunicorn once a second."""
        if self.host is not None:
            self.host.refresh()
        super().notify()

    @property
    def nr(self) -> int:
        """Number of requests begun, in both protocols."""
        return self._own_nr + (0 if self.host is None else self.host.service.begun)

    @nr.setter
    def nr(self, value: int) -> None:
        if self.host is None:
            self._own_nr = value
            return
        service = self.host.service
        self._own_nr = value - service.begun
        service.limit = self.max_requests - self._own_nr

    def limit_reached(self) -> None:
        """Stop after ``max_requests``."""
        if self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
            self.begin_stop()

    # The end

    def handle_exit_signal(self) -> None:
        """Called on SIGTERM: open requests are finished."""
        super().handle_exit_signal()
        self._terminated = True
        self.begin_stop()

    def handle_quit_signal(self) -> None:
        """Called on SIGQUIT and SIGINT: stop at once."""
        super().handle_quit_signal()
        self.begin_stop()

    def begin_stop(self) -> None:
        """Stop accepting, and begin the graceful shutdown of every connection."""
        if self._stopping_since is not None or self.host is None:
            return
        self._stopping_since = self.loop.time()
        self.host.server.stop()
        for connection in list(self.h2_connections):
            connection.stop()
        if self._sleeper is not None:
            # gunicorn takes that for the end of its wait.
            self._sleeper.cancel()
            self._sleeper = None

    async def _shutdown(self) -> None:
        """Called by gunicorn's loop when the worker stops."""
        if self.host is not None:
            # For a dead parent, or when gunicorn's own protocol has reached ``max_requests``.
            self._sleeper = None
            self.begin_stop()
            await self._finish_connections()
        await super()._shutdown()

    async def _finish_connections(self) -> None:
        """Serve open requests until they end, or until only the time to cancel them is left.

        gunicorn's master kills the worker ``graceful_timeout`` after SIGTERM.
        """
        assert self.host is not None
        server = self.host.server
        graceful = self.cfg.graceful_timeout
        began = self._stopping_since or 0.0
        reserve = min(graceful / 4, CANCEL_RESERVE)
        deadline = began + graceful - (reserve if self._terminated else 0)
        idle_until = min(began + _IDLE_WAIT, deadline)
        if await self._wait(idle_until):
            return
        for protocol in list(self.open_protocols):
            # gunicorn 27 tells which connections have no request.
            if getattr(protocol, "_awaiting_request", False):
                protocol.transport.close()
        if await self._wait(deadline) or self._quick_shutdown:
            return
        self.log.warning("Cancelling the requests of %d connections", len(server.clients))
        server.cancel_applications()
        for protocol in list(self.open_protocols):
            if hasattr(protocol, "cancel_requests"):
                protocol.cancel_requests()
        # The rest of the time is for the application's shutdown.
        if not await self._wait(self.loop.time() + reserve / 2):
            server.abort()
            await self._wait(self.loop.time() + reserve / 4)

    async def _wait(self, deadline: float) -> bool:
        """Wait until no connection is left, and send the master heartbeats meanwhile. Return False after the deadline."""
        assert self.host is not None
        while not self._quick_shutdown:
            left = deadline - self.loop.time()
            if await self.host.server.wait_for_end(min(left, _HEARTBEAT)):
                return True
            if left <= 0:
                return False
            self.notify()
        return False
