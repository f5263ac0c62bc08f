"""Putting fasth2's classes in gunicorn's place."""
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
    """Whether gunicorn serves HTTP/2 by fasth2 in this process."""

    #: Whether gunicorn's connection classes have been replaced.
    installed: bool

    #: Whether ``FASTH2_DISABLE=1`` keeps `install` from doing so.
    disabled: bool

    #: fasth2's version.
    fasth2: str

    #: gunicorn's version.
    gunicorn: str

    #: The class blocking workers make for a connection, with its module; empty where gunicorn has none.
    blocking: str

    #: The class asyncio workers make for a connection, likewise.
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
    """Return who serves HTTP/2 in this process."""
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
    that HTTP/2 is available, whether or not the h2 package is installed. Each
    worker then logs one line when it starts. With ``FASTH2_DISABLE=1`` in the
    environment nothing is done, but for that line.

    Under a gunicorn that is newer than fasth2 knows, the classes are those for
    the newest that it knows, and the log has a warning.

    It may be called again; the settings are those of the last call.

    Args:
        limits: Keywords of `fasth2.limits.Limits` to values; those that are
            not in it keep their defaults.
            ``FASTH2_LIMITS`` in the environment comes before it, one by one.
        connection_window: Octets that a peer may send on a connection before
            it gets credit, all streams together; 65,535 when ``None``.
            ``FASTH2_CONNECTION_WINDOW`` in the environment comes before it.
        **settings: Any other setting of ``docs/gunicorn.md`` by its name, such
            as ``keepalive_pings=True``.

    Returns:
        What `status` returns then.

    Raises:
        TypeError: A setting of another type, or one that is none.
        ValueError: A setting that cannot be, here or in the environment.
    """
    from fasth2.gunicorn.settings import set_from_configuration

    if not _disabled():
        set_from_configuration(limits, connection_window, **settings)
    return ensure_installed()


def ensure_installed() -> Status:
    """Do what `install` does, and leave the settings as they are.

    Returns:
        What `status` returns then.

    Raises:
        ValueError: The environment has a setting that cannot be.
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
    """gunicorn's modules that hold the two classes; ``None`` where it has no HTTP/2."""
    try:
        import gunicorn.http2.async_connection as asynchronous
        import gunicorn.http2.connection as blocking
    except ModuleNotFoundError as exc:
        if exc.name is None or not exc.name.startswith("gunicorn.http2"):
            raise
        return None
    return blocking, asynchronous


def _make_available() -> None:
    """Tell gunicorn that HTTP/2 is available, where it finds no h2 package."""
    import gunicorn.http2

    if not gunicorn.http2.is_http2_available():
        # The cache, not the function: gunicorn's own tests replace the function.
        gunicorn.http2._h2_available = True
        gunicorn.http2._h2_version = tuple(int(part) for part in fasth2.H2_VERSION.split("."))


def _disabled() -> bool:
    return os.environ.get("FASTH2_DISABLE") == "1"


def _announce() -> None:
    """Have each worker that starts say by whom HTTP/2 is served, and report counters where that is wanted."""
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
