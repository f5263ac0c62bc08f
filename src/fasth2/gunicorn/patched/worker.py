"""Base classes of the patched worker classes."""
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
    """A worker class that calls `install`, and offers HTTP/2 unless the operator set ``http_protocols``."""

    log: Any

    @classmethod
    def setup(cls) -> None:
        """Called by gunicorn when it reads the worker class, in the master."""
        try:
            ensure_installed()
        except ValueError as exc:
            # gunicorn prints the text of this exception and exits.
            raise RuntimeError(str(exc)) from exc

    def __init__(self, age: int, ppid: int, sockets: Any, app: Any, timeout: float, cfg: Any, log: Any) -> None:
        # In the master, before the fork; after a reload, with a new configuration.
        if status().installed and not is_chosen(cfg, "http_protocols"):
            cfg.set("http_protocols", "h2,h1")
        super().__init__(age, ppid, sockets, app, timeout, cfg, log)  # type: ignore[call-arg]

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Called by gunicorn with the error of a connection. A TLS error is logged; no response is sent.

        An invalid PROXY header of version 2 is handled as one of version 1.

        Args:
            req: The request, or ``None``.
            client: The client's socket.
            addr: The client's address.
            exc: The error.
        """
        if isinstance(exc, ssl.SSLError) and status().installed:
            self.log.debug("TLS with %s failed: %s", addr, exc)
            return
        if isinstance(exc, InvalidProxyHeader):
            # gunicorn handles this one as an internal error.
            exc = InvalidProxyLine(str(exc))
        super().handle_error(req, client, addr, exc)  # type: ignore[misc]


class HTTP2Worker(InstallingWorker):
    """A worker with HTTP/2 by fasth2, derived from one of gunicorn's blocking worker classes."""

    #: Makes a connection.
    connection_class: Callable[..., Any]

    #: gunicorn's class.
    stock: type

    #: Overridden methods of `stock`, in groups that work only together, each with its purpose.
    overrides: tuple[tuple[str, tuple[str, ...]], ...] = ()

    #: True if HTTP/2 connections are made by `connection_class`; set when the process starts.
    serves = False

    alive: bool
    cfg: Any
    log: Any

    def __init__(self, age: int, ppid: int, sockets: Any, app: Any, timeout: float, cfg: Any, log: Any) -> None:
        #: Number of consecutive fast calls, by method and path of the request.
        self.fast_requests: dict[tuple[str, str], int] = {}
        #: True if any input, PINGs included, keeps an idle connection open.
        self.pings_keep = False
        # Time at which a connection first noticed that the worker stops.
        self._stopping_since: float | None = None
        super().__init__(age, ppid, sockets, app, timeout, cfg, log)

    def overdue_at(self) -> float:
        """Return the time at which half of ``graceful_timeout`` is over and new requests are refused; the worker stops."""
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
        half: float = self.cfg.graceful_timeout / 2
        return self._stopping_since + half

    def stop_accepting(self) -> None:
        """Stop accepting connections when the worker stops; nothing if gunicorn does that at once."""

    def init_process(self) -> None:
        """Called by gunicorn in the new process."""
        own = self._own_class()
        self.serves = status().installed
        # The master has read them before it applied ``raw_env``.
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
        """Return the class that defines `overrides`: this one, or a base of an operator's class."""
        return next(base for base in cls.__mro__ if "overrides" in vars(base))
