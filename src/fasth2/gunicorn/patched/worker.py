"""What the worker classes share."""
from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any

from gunicorn.http.errors import InvalidProxyHeader, InvalidProxyLine

from fasth2.gunicorn import settings
from fasth2.gunicorn.chosen_settings import is_chosen
from fasth2.gunicorn.dropin.install import ensure_installed, status
from fasth2.gunicorn.dropin.source_digest import incompatible_overrides, restore
from fasth2.gunicorn.tls_context import share_context

__all__ = ["HTTP2Worker", "InstallingWorker"]


class InstallingWorker:
    """A worker class that does `install`'s work, and offers HTTP/2 unless the operator set ``http_protocols``."""

    log: Any

    @classmethod
    def setup(cls) -> None:
        """Called by gunicorn when it reads the worker class, in the master."""
        try:
            ensure_installed()
        except ValueError as exc:
            # gunicorn shows the text of this one, and ends.
            raise RuntimeError(str(exc)) from exc

    def __init__(self, age: int, ppid: int, sockets: Any, app: Any, timeout: float, cfg: Any, log: Any) -> None:
        # In the master, before the fork; after a reload with a fresh configuration.
        if status().installed and not is_chosen(cfg, "http_protocols"):
            cfg.set("http_protocols", "h2,h1")
        super().__init__(age, ppid, sockets, app, timeout, cfg, log)  # type: ignore[call-arg]

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Called by gunicorn with what a connection ended with; what TLS refuses is no request, and gets no answer.

        A PROXY header of version 2 that is not valid is refused as one of version 1 is.

        Args:
            req: The request, or ``None``.
            client: The client's socket.
            addr: The client's address.
            exc: Why.
        """
        if isinstance(exc, ssl.SSLError) and status().installed:
            self.log.debug("TLS with %s failed: %s", addr, exc)
            return
        if isinstance(exc, InvalidProxyHeader):
            # gunicorn takes it for a fault of its own.
            exc = InvalidProxyLine(str(exc))
        super().handle_error(req, client, addr, exc)  # type: ignore[misc]


class HTTP2Worker(InstallingWorker):
    """A worker with HTTP/2 by fasth2, over one of gunicorn's blocking worker classes."""

    #: What a connection is served by.
    connection_class: Callable[..., Any]

    #: gunicorn's class.
    stock: type

    #: Methods of `stock` that are overridden, in groups that work only together, and what each is for.
    overrides: tuple[tuple[str, tuple[str, ...]], ...] = ()

    #: Whether HTTP/2 connections are made of `connection_class`; known once the process runs.
    serves = False

    alive: bool
    cfg: Any
    log: Any

    def __init__(self, age: int, ppid: int, sockets: Any, app: Any, timeout: float, cfg: Any, log: Any) -> None:
        #: Method and path of requests, and how often in a row their application was fast.
        self.fast_requests: dict[tuple[str, str], int] = {}
        #: Whether whatever a peer sends, PINGs too, keeps an idle connection.
        self.pings_keep = False
        # When a connection first saw that the worker stops.
        self._stopping_since: float | None = None
        super().__init__(age, ppid, sockets, app, timeout, cfg, log)

    def is_overdue(self) -> bool:
        """Whether the worker stops, and half of the time for that is over: connections take no new requests then."""
        if self.alive:
            return False
        now = time.monotonic()
        if self._stopping_since is None:
            self._stopping_since = now
        return now - self._stopping_since >= self.cfg.graceful_timeout / 2

    def stop_accepting(self) -> None:
        """Accept no more connections, now that the worker is to end; where gunicorn sees to that at once, nothing."""

    def init_process(self) -> None:
        """Called by gunicorn in the new process."""
        own = self._own_class()
        self.serves = status().installed
        # The master has read them before it took over ``raw_env``.
        settings.forget()
        self.pings_keep = self.serves and settings.current().keepalive_pings
        for purpose, names in self.overrides:
            if not self.serves:
                restore(own, self.stock, names)
            elif unfit := incompatible_overrides(own, self.stock, names):
                restore(own, self.stock, names)
                self.log.info("fasth2 leaves %s to gunicorn: it does not know its %s", purpose, ", ".join(unfit))
        if self.serves:
            import gunicorn.http2.connection as blocking

            blocking.HTTP2ServerConnection = self.connection_class
            share_context()
        super().init_process()  # type: ignore[misc]

    @classmethod
    def _own_class(cls) -> type:
        """The class that lists `overrides`: this one, or the one that an application's class is made from."""
        return next(base for base in cls.__mro__ if "overrides" in vars(base))
