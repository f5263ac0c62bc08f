"""gunicorn's ``ASGIProtocol`` with HTTP/2 connections served by fasth2."""
from __future__ import annotations

import asyncio
import functools
from typing import Any

from gunicorn.asgi import protocol as gunicorn_protocol

from fasth2.gunicorn.dropin.source_digest import parameters
from fasth2.gunicorn.refusing import RefusedRequest, log_invalid, refusal_of
from fasth2.gunicorn.trusted_proxies import remote_address
from fasth2.server.proxy_header import ProxyHeader

from .asgi_connection import ASGIConnection
from .asgi_request import ASGIRequest, ConnectionScope, refuse

__all__ = ["ASGIProtocol", "unknown_methods"]

#: Overridden or called methods of gunicorn's protocol, and their known parameters after ``self``.
_METHODS = {
    "_handle_http2_connection": (["transport", "ssl_object"], ["transport", "ssl_object", "upgrade"]),
    "_build_http2_environ": (["request", "sockname", "peername"],),
}


def unknown_methods() -> list[str]:
    """Return the methods of gunicorn's protocol that are not as this class knows them."""
    return [
        name for name, known in _METHODS.items()
        if (parameters(getattr(gunicorn_protocol.ASGIProtocol, name, None)) or [])[1:] not in known
    ]


class ASGIProtocol(gunicorn_protocol.ASGIProtocol):
    """One connection; HTTP/1.1 and WebSocket are gunicorn's, HTTP/2 is served here.

    Args:
        worker: The worker, whose ``h2_connections`` holds those that are open.
    """

    #: The PROXY header that the connection began with, or ``None``.
    proxied: ProxyHeader | None = None

    def __init__(self, worker: Any) -> None:
        super().__init__(worker)
        # Tasks of open HTTP/2 requests.
        self._requests: set[asyncio.Task[None]] = set()
        self._cancelled = False
        #: True if the transport was closed and only its peer's end is missing.
        self.lingered = False
        # True while gunicorn's worker counts the connection.
        self._counted = False
        # True if the peer closed its sending side before the HTTP/2 connection began.
        self._input_ended = False
        # The reader that gunicorn made with the connection; cleartext HTTP/2 gets another one later.
        self._first_reader: Any = None
        worker.accepted_protocols.add(self)

    def connection_made(self, transport: Any) -> None:
        """Called by the loop when the connection is established, TLS handshake included."""
        self.worker.accepted_protocols.discard(self)
        self.worker.open_protocols.add(self)
        super().connection_made(transport)
        self._counted = True
        self._first_reader = self.reader

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop when the connection is closed."""
        worker = self.worker
        worker.open_protocols.discard(self)
        connections = worker.nr_conns
        super().connection_lost(exc)
        if self._counted and worker.nr_conns == connections:
            # gunicorn 25 does not, if it has closed the connection itself.
            worker.nr_conns -= 1
        self._counted = False

    def eof_received(self) -> bool | None:
        """Called by the loop when the peer closes its sending side, until the HTTP/2 connection handles that."""
        if self.reader is self._first_reader or self.transport.get_extra_info("sslcontext") is not None:
            # HTTP/1.1 and uWSGI, which gunicorn serves; and TLS, which asyncio and uvloop cannot half-close.
            ends: bool | None = super().eof_received()
            return ends
        self._input_ended = True
        return True

    def _has_lingered(self) -> None:
        self.lingered = True

    def cancel_requests(self) -> None:
        """Cancel the application's open requests, at the end of the worker's graceful time-out."""
        self._cancelled = True
        connection = getattr(self, "_h2_conn", None)
        if connection is not None:
            for task in list(self._requests):
                task.cancel()
            connection.refuse_new_streams()
        elif self._task is not None:
            self._task.cancel()

    def _build_http_scope(self, request: Any, sockname: Any, peername: Any) -> Any:
        if self.proxied is not None:
            peername = self._client_address(peername, False)
        return super()._build_http_scope(request, sockname, peername)

    def _effective_peername(self, peername: Any) -> Any:
        """Called by gunicorn 26 and 27 for the client's address in HTTP/1.1."""
        # The header of the connection takes precedence over one in the request.
        return super()._effective_peername(peername) if self.proxied is None else peername

    def _client_address(self, peername: Any, upgraded: bool) -> Any:
        if self.proxied is None:
            # A header may have preceded the HTTP/1.1 request.
            return self._effective_peername(peername) if upgraded else peername
        address = remote_address(self.proxied, peername)
        # A Unix socket behind the proxy has no such address.
        return address if isinstance(address, tuple) else None

    async def _handle_http2_connection(self, transport: Any, ssl_object: Any, upgrade: Any = None) -> None:
        """Serve an HTTP/2 connection until it ends.

        Args:
            transport: The loop's transport.
            ssl_object: Its TLS object, ``None`` for cleartext; unused.
            upgrade: For an upgraded connection HTTP2-Settings, the request and its body.
        """
        worker = self.worker
        peername = transport.get_extra_info("peername")
        client = self._client_address(peername, upgrade is not None)
        shared = ConnectionScope(self, transport.get_extra_info("sockname"), client)
        tasks = self._requests
        loop = asyncio.get_running_loop()

        def serve(request: Any) -> None:
            if request.method == "CONNECT" or type(request) is RefusedRequest:
                refusal = refusal_of(request)
                if refusal is not None:
                    refuse(shared, connection, request, refusal)
                    return
            task = loop.create_task(ASGIRequest(shared, connection, request).run())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            worker.nr += 1
            if worker.nr >= worker.max_requests and worker.alive:
                self.log.info("Autorestarting worker after current request.")
                worker.alive = False
                worker.begin_stop()

        connection = ASGIConnection(self.cfg, self.reader, transport, peername, serve)
        connection.on_malformed = functools.partial(log_invalid, self.log, client)
        # gunicorn calls it when the transport is lost.
        self._h2_conn = connection
        worker.h2_connections.add(connection)
        try:
            if upgrade is None:
                await connection.initiate_connection()
            else:
                serve(await connection.initiate_upgrade(*upgrade))
            if self._input_ended:
                connection.input_ended()
            if not worker.alive:
                # Accepted while the worker stops: it still has its time for the first request.
                connection.stop()
            await connection.ended()
        except asyncio.CancelledError:
            raise
        except Exception as exc:
            self.log.debug("HTTP/2 connection error: %s", exc)
        finally:
            worker.h2_connections.discard(connection)
            await self._end_tasks(connection, tasks)
            await connection.close()
            transport.close()
            loop.call_later(connection.LINGER, self._has_lingered)

    async def _end_tasks(self, connection: ASGIConnection, tasks: set[asyncio.Task[None]]) -> None:
        """Wait for open requests for the grace period of gunicorn's HTTP/1.1, then cancel them."""
        if not tasks:
            return
        connection.abort_streams_nowait()
        grace = getattr(self.cfg, "asgi_disconnect_grace_period", 3)
        if grace > 0 and not self._cancelled:
            await asyncio.wait(tasks, timeout=grace)
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
