"""gunicorn as the host of fasth2's ASGI server: what all connections of a worker share."""
from __future__ import annotations

import asyncio
import errno
import ssl
from functools import partial
from typing import Any

from fasth2.asgi.connection import Client
from fasth2.asgi.extensions import http_extensions
from fasth2.asgi.listening import Server
from fasth2.asgi.scope import ScopeMaker
from fasth2.asgi.service import Service
from fasth2.asgi.session import Session
from fasth2.asgi.settings import ASGISettings
from fasth2.asgi.tls import tls_extension
from fasth2.gunicorn.dropin.contract import installed
from fasth2.gunicorn.header_policy import Refused, is_trusted
from fasth2.gunicorn.limits import adaptive_windows, connection_limits, widen_window
from fasth2.gunicorn.patched.asgi_head import SERVER, date_field
from fasth2.gunicorn.refusing import log_invalid
from fasth2.gunicorn.settings import current
from fasth2.gunicorn.trusted_proxies import accepted_versions, remote_address
from fasth2.server._options import options_of, seconds
from fasth2.server.counting import Record, add_gauge
from fasth2.server.proxy_header import ProxyHeaderError

from .asgi_hooks import ASGIObserver
from .asgi_scopes import Scopes
from .cleartext import offers_prior_knowledge
from .tls import ServerTLSInUse
from .websocket import HAS_WSPROTO, open_websocket

__all__ = ["Host"]

#: Seconds until an upload that was answered is reset, if its client has no window left and cannot continue.
FULL_WINDOW_WAIT = 1.0

#: Octets of a WebSocket's message where gunicorn has no setting for them; that of gunicorn 27.
MAX_MESSAGE = 16 << 20

#: Errors of a disconnected peer or a network failure.
_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF, errno.ECONNABORTED, errno.EHOSTUNREACH,
         errno.ENETUNREACH, errno.ENETDOWN)  # fmt: skip


class _ServerState:
    """What `Service` takes of a host's server."""

    def __init__(self) -> None:
        self.default_headers: list[tuple[bytes, bytes]] = []
        self.total_requests = 0


class Host:
    """What the connections of one worker share.

    Args:
        worker: gunicorn's worker, with ``asgi``, ``loop``, ``state`` and ``limit_reached()``.
        http1: Makes the `asyncio.Protocol` of an HTTP/1.1 connection from the worker.
    """

    def __init__(self, worker: Any, http1: Any) -> None:
        self._worker = worker
        self._http1 = http1
        cfg = self._cfg = worker.cfg
        self._log = worker.log
        chosen = current()
        self._scopes: dict[bool, Scopes] = {}
        self._extensions = http_extensions()
        self._prior_knowledge = offers_prior_knowledge(cfg)
        self._state = _ServerState()
        windows = adaptive_windows(cfg, chosen)
        timeout = seconds(cfg.timeout)
        options = options_of(
            cfg, None, None,
            connection_limits(cfg.http2_max_concurrent_streams, cfg.http2_max_header_list_size, installed()),
            unread_upload_octets=chosen.unread_upload_octets,
            unread_upload_seconds=chosen.unread_upload_seconds,
            full_window_wait=FULL_WINDOW_WAIT,
            header_encoding=None,
            adaptive_windows=windows,
            credits_on_arrival=True,
            connect_protocol=HAS_WSPROTO,
        )  # fmt: skip
        settings = ASGISettings(
            initial_window=cfg.http2_initial_window_size, adaptive_windows=windows is not None,
            keep_alive=seconds(cfg.keepalive), keep_alive_pings=chosen.keepalive_pings,
            cancel_on_reset=chosen.cancel_on_reset, disconnect_on_shutdown=seconds(chosen.disconnect_on_shutdown),
            max_age=seconds(chosen.max_connection_age), goaway_after=cfg.graceful_timeout / 2,
            min_body_rate=chosen.min_body_rate, body_timeout=timeout, send_timeout=timeout,
            unsent_connection=chosen.unsent_connection, unsent_process=chosen.unsent_process,
        )  # fmt: skip
        self.service = Service(
            worker.asgi, worker.loop, self, options, settings, server_state=self._state,
            asgi={"version": "3.0", "spec_version": "2.4"}, raises=True, tasks=set(), connections=set(),
            root_path=getattr(cfg, "root_path", "") or "", state=worker.state,
        )  # fmt: skip
        add_gauge("unsent", partial(getattr, self.service.unsent, "total"))
        self.service.observer = ASGIObserver.of(worker)
        self._grace: float = getattr(cfg, "asgi_disconnect_grace_period", 3)
        self._max_message: int = getattr(cfg, "websocket_max_message_size", MAX_MESSAGE) or 0
        self.server = Server(
            self, worker.loop, server_tls=ServerTLSInUse(cfg, self._log) if cfg.is_ssl else None, timeout=timeout,
            max_connections=cfg.worker_connections,
        )  # fmt: skip
        self.refresh()

    def refresh(self) -> None:
        """Renew the field Date. Called about once a second."""
        self._state.default_headers = [date_field(), SERVER]

    # Called by the connections

    def new_session(self, client: Client) -> Session:
        """See `ConnectionHost`."""
        trusted = is_trusted(self._cfg, client.address)
        scopes = self._scopes.get(trusted)
        if scopes is None:
            scopes = self._scopes[trusted] = Scopes(self._cfg, trusted)
        extensions = self._extensions
        if client.tls is not None:
            extensions = {**extensions, "tls": tls_extension(client.tls, self._cfg.certfile)}
        maker = scopes.maker(
            self.service.scope, _server_address(client.sockname), _address(remote_address(client.proxied, client.address)),
            extensions,
        )  # fmt: skip
        session = Session(
            self.service, client, maker, fallback=_Fallback(self._log, scopes, maker, client),
            open_websocket=self._open_websocket if HAS_WSPROTO else None,
        )  # fmt: skip
        session.protocol.record = Record(session.protocol.engine)
        widen_window(session.protocol.engine)
        return session

    def _open_websocket(self, tunnel: Any, scope: dict[str, Any]) -> Any:
        return open_websocket(tunnel, scope, self._max_message)

    def new_http1(self, client: Client) -> Any:
        """See `ConnectionHost`."""
        protocol = self._http1(self._worker)
        protocol.proxied = client.proxied
        return protocol

    def proxy_versions(self, client: Client) -> frozenset[int]:
        """See `ConnectionHost`."""
        return accepted_versions(self._cfg, client.address)

    def takes_prior_knowledge(self, client: Client) -> bool:
        """See `ConnectionHost`."""
        return self._prior_knowledge and is_trusted(self._cfg, client.address)

    def session_ended(self, client: Client) -> None:
        """Give the applications of a connection that has ended `asgi_disconnect_grace_period` to end as well.

        Args:
            client: The connection.
        """
        session = client.session
        if session is None or not session.streams.exchanges or self._worker.loop.is_closed():
            return
        if self._grace > 0:
            self._worker.loop.call_later(self._grace, session.cancel_applications)
        else:
            session.cancel_applications()

    # Called by the service

    def limit_reached(self) -> None:
        """Have the worker stop, once the octets that are being processed are."""
        self._worker.loop.call_soon(self._worker.limit_reached)

    def report(self, message: str, error: BaseException | None, left: bool) -> None:
        """Log that an application has failed.

        Args:
            message: What happened.
            error: The application's exception, or ``None``.
            left: True if the application had been told before that its client is gone.
        """
        if isinstance(error, asyncio.CancelledError):
            self._log.info("An application was cancelled")
        elif left:
            # Probably the application's reaction to that.
            self._log.info("An application whose client has gone: %r", error)
        else:
            self._log.error(message.rstrip(), exc_info=error)

    def refused(self, message: str) -> None:
        """Log that a request was answered with 503.

        Args:
            message: The reason.
        """
        self._log.warning(message)

    def connection_failed(self, error: BaseException) -> None:
        """Log that a client has violated the protocol, or a limit.

        Args:
            error: The reason.
        """
        self._log.debug("HTTP/2 connection closed: %s", error)

    # Called by the server and its connections

    def accept_failed(self, error: OSError) -> None:
        """Log that no connection could be accepted.

        Args:
            error: The error.
        """
        if error.errno in (errno.EMFILE, errno.ENFILE):
            self._log.error("No descriptors are left; connections wait: %s", error)
        else:
            self._log.error("A connection could not be accepted: %s", error)

    def handshake_failed(self, client: Client, error: BaseException) -> None:
        """See `ConnectionHost`."""
        self._log.debug("TLS handshake with %s failed: %s", client.address, error)

    def connection_ended(self, client: Client, error: BaseException) -> None:
        """See `ConnectionHost`."""
        if isinstance(error, ProxyHeaderError):
            self._log.warning("Invalid request from %s: %s", client.address, error)
        elif isinstance(error, (ssl.SSLError, TimeoutError)) or (
            isinstance(error, OSError) and error.errno in (None, *_GONE)
        ):
            self._log.debug("Connection with %s closed: %s", client.address, error)
        else:
            self._log.error("Error of the connection with %s", client.address, exc_info=error)


class _Fallback:
    """Makes the scope, or the refusal, of a request that the maker declines.

    Args:
        log: gunicorn's log.
        scopes: Of the client's trust level.
        maker: The connection's.
        client: The connection.
    """

    __slots__ = ("_client", "_log", "_maker", "_scopes")

    def __init__(self, log: Any, scopes: Scopes, maker: ScopeMaker, client: Client) -> None:
        self._log = log
        self._scopes = scopes
        self._maker = maker
        self._client = client

    def __call__(self, pairs: list[tuple[bytes, bytes]]) -> dict[str, Any] | tuple[int, bytes]:
        try:
            return self._scopes.scope(self._maker, pairs)
        except Refused as refusal:
            log_invalid(self._log, remote_address(self._client.proxied, self._client.address), refusal.message)
            text = refusal.message if refusal.code < 500 else refusal.reason
            return refusal.code, text.encode("latin-1", "replace")


def _address(name: Any) -> tuple[Any, ...] | None:
    # IPv6 addresses have four parts. A Unix socket's client has no address, or a path of no use.
    return tuple(name[:2]) if name and not isinstance(name, (str, bytes)) else None


def _server_address(name: Any) -> tuple[Any, ...] | None:
    # A Unix socket has a path and no port (the ASGI specification, HTTP scope).
    return (name, None) if isinstance(name, str) and name else _address(name)
