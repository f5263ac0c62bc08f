"""`install`: replaces gunicorn's HTTP/2 classes by fasth2's."""
from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fasth2

__all__ = ["Status", "ensure_installed", "install", "status"]


@dataclass(frozen=True)
class Status:
    """The state of fasth2 in this process: which classes serve gunicorn's HTTP/2 connections."""

    #: True if gunicorn's connection classes have been replaced.
    installed: bool

    #: True if ``FASTH2_DISABLE=1`` prevents that.
    disabled: bool

    #: fasth2's version.
    fasth2: str

    #: gunicorn's version.
    gunicorn: str

    #: The connection class of blocking workers, with its module; empty if gunicorn has none.
    blocking: str

    #: The connection class of asyncio workers, likewise.
    asyncio: str

    def __str__(self) -> str:
        if self.installed:
            return f"HTTP/2 by fasth2 {self.fasth2}"
        if self.disabled:
            return f"fasth2 {self.fasth2} stands aside: FASTH2_DISABLE=1"
        if not self.blocking:
            return f"fasth2 {self.fasth2} stands aside: gunicorn {self.gunicorn} has no HTTP/2"
        return f"fasth2 {self.fasth2} is not installed into gunicorn {self.gunicorn}"


def status() -> Status:
    """Return which classes serve HTTP/2 in this process."""
    import gunicorn

    names = ["", ""]
    modules = _modules()
    if modules is not None:
        blocking, asynchronous = modules
        current = blocking.HTTP2ServerConnection, asynchronous.AsyncHTTP2Connection
        names = [f"{each.__module__}.{each.__qualname__}" for each in current]
    return Status(
        installed=names[0].startswith("fasth2."),
        disabled=_disabled(),
        fasth2=fasth2.__version__,
        gunicorn=gunicorn.__version__,
        blocking=names[0],
        asyncio=names[1],
    )


def install(
    limits: Mapping[str, Any] | None = None, connection_window: int | None = None, **settings: Any
) -> Status:
    """Make gunicorn serve HTTP/2 by fasth2, in this process and in those it forks.

    Replaces ``gunicorn.http2.connection.HTTP2ServerConnection`` and
    ``gunicorn.http2.async_connection.AsyncHTTP2Connection``, and tells gunicorn
    that HTTP/2 is available, even without the h2 package. Each worker then logs
    one line when it starts. With ``FASTH2_DISABLE=1`` in the environment only
    that line is logged.

    Under a gunicorn newer than fasth2 knows, the classes for the newest known
    version are used, and a warning is logged.

    It may be called again; the settings of the last call apply.

    Args:
        limits: Keywords of `fasth2.limits.Limits` and their values; others
            keep their defaults. ``FASTH2_LIMITS`` in the environment takes
            precedence, limit by limit.
        connection_window: Octets that a peer may send on a connection before
            it gets credit, on all streams together; 65,535 if ``None``.
            ``FASTH2_CONNECTION_WINDOW`` in the environment takes precedence.
        **settings: Any other setting of ``docs/gunicorn.md`` by its name, such
            as ``keepalive_pings=True``.

    Returns:
        The `status` after that.

    Raises:
        TypeError: An unknown setting, or a value of the wrong type.
        ValueError: An invalid value, here or in the environment.
    """
    from fasth2.gunicorn.settings import set_from_configuration

    if not _disabled():
        set_from_configuration(limits, connection_window, **settings)
    return ensure_installed()


def ensure_installed() -> Status:
    """Do what `install` does, without changing the settings.

    Returns:
        The `status` after that.

    Raises:
        ValueError: A setting in the environment is invalid.
    """
    _announce()
    modules = _modules()
    if modules is None or _disabled():
        return status()
    from fasth2.gunicorn import settings

    settings.current()  # raises now what would fail with the first connection
    blocking, asynchronous = modules
    if not blocking.HTTP2ServerConnection.__module__.startswith("fasth2."):
        from .async_connection import AsyncHTTP2Connection
        from .connection import HTTP2ServerConnection
        from .early_hints import send_as_frames

        blocking.HTTP2ServerConnection = HTTP2ServerConnection
        asynchronous.AsyncHTTP2Connection = AsyncHTTP2Connection
        send_as_frames()
        _make_available()
    return status()


def _modules() -> tuple[Any, Any] | None:
    """Return gunicorn's modules with the two classes; ``None`` if it has no HTTP/2."""
    try:
        import gunicorn.http2.async_connection as asynchronous
        import gunicorn.http2.connection as blocking
    except ModuleNotFoundError as exc:
        if exc.name is None or not exc.name.startswith("gunicorn.http2"):
            raise
        return None
    return blocking, asynchronous


def _make_available() -> None:
    """Tell gunicorn that HTTP/2 is available if it finds no h2 package."""
    import gunicorn.http2

    if not gunicorn.http2.is_http2_available():
        # The cache, not the function: gunicorn's own tests replace the function.
        gunicorn.http2._h2_available = True
        gunicorn.http2._h2_version = tuple(int(part) for part in fasth2.H2_VERSION.split("."))


def _disabled() -> bool:
    return os.environ.get("FASTH2_DISABLE") == "1"


def _announce() -> None:
    """Patch gunicorn's workers to log the `status` at their start, and to report counters if statsd is configured."""
    from gunicorn.workers.base import Worker

    plain = Worker.init_process
    if getattr(plain, "_fasth2", False):
        return

    @functools.wraps(plain)
    def init_process(self: Any) -> None:
        now = status()
        self.log.info("%s", now)
        if not now.installed:
            plain(self)
            return
        if self.age == 1:
            _warn_of_unknown(self.log)
        from fasth2.gunicorn import settings
        from fasth2.gunicorn.statsd import Reporter

        settings.forget()
        settings.current()  # raises now what would fail with the first connection
        reporter = Reporter(self) if Reporter.wanted(self) else None
        try:
            plain(self)
        finally:
            if reporter is not None:
                reporter.report()

    init_process._fasth2 = True  # type: ignore[attr-defined]
    Worker.init_process = init_process


def _warn_of_unknown(log: Any) -> None:
    from .contract import NEWEST, installed

    contract = installed()
    if not contract.known:
        log.warning(
            "gunicorn %s is newer than fasth2 %s knows: HTTP/2 is served as under gunicorn %s",
            contract.version, fasth2.__version__, NEWEST,
        )
