"""Putting fasth2's classes in gunicorn's place."""
from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import Any

import fasth2

__all__ = ["Status", "install", "status"]



@dataclass(frozen=True)
class Status:
    """Whether gunicorn serves HTTP/2 by fasth2 in this process."""

    #: Whether gunicorn's connection class has been replaced.
    installed: bool

    #: Whether ``FASTH2_DISABLE=1`` keeps `install` from doing so.
    disabled: bool

    #: fasth2's version.
    fasth2: str

    #: gunicorn's version.
    gunicorn: str

    #: The class blocking workers make for a connection, with its module.
    blocking: str

    def __str__(self) -> str:
        if self.installed:
            return f"HTTP/2 by fasth2 {self.fasth2}"
        if self.disabled:
            return f"fasth2 {self.fasth2} stands aside: FASTH2_DISABLE=1"
        return f"fasth2 {self.fasth2} is not installed into gunicorn {self.gunicorn}"


def status() -> Status:
    """Return who serves HTTP/2 in this process."""
    import gunicorn
    import gunicorn.http2.connection as blocking

    current = blocking.HTTP2ServerConnection
    return Status(
        installed=current.__module__.startswith("fasth2."),
        disabled=_disabled(),
        fasth2=fasth2.__version__,
        gunicorn=gunicorn.__version__,
        blocking=f"{current.__module__}.{current.__qualname__}",
    )


def install() -> Status:
    """Make gunicorn serve HTTP/2 by fasth2, in this process and in those it forks.

    Replaces ``gunicorn.http2.connection.HTTP2ServerConnection`` and
    ``gunicorn.http2.async_connection.AsyncHTTP2Connection``, and tells gunicorn
    that HTTP/2 is available, whether or not the h2 package is installed. Each worker then logs one line when it starts. Calling it again
    does nothing, and so does calling it with ``FASTH2_DISABLE=1`` in the
    environment, but for that line.

    Returns:
        What `status` returns then.
    """
    import gunicorn.http2
    import gunicorn.http2.async_connection as asynchronous
    import gunicorn.http2.connection as blocking

    _announce()
    if _disabled() or blocking.HTTP2ServerConnection.__module__.startswith("fasth2."):
        return status()
    from .async_connection import AsyncHTTP2Connection
    from .connection import HTTP2ServerConnection

    blocking.HTTP2ServerConnection = HTTP2ServerConnection
    asynchronous.AsyncHTTP2Connection = AsyncHTTP2Connection
    if not gunicorn.http2.is_http2_available():
        # The cache, not the function: gunicorn's own tests replace the function.
        gunicorn.http2._h2_available = True
        gunicorn.http2._h2_version = tuple(int(part) for part in fasth2.H2_VERSION.split("."))
    return status()


def _disabled() -> bool:
    return os.environ.get("FASTH2_DISABLE") == "1"


def _announce() -> None:
    """Have each worker that starts say by whom HTTP/2 is served."""
    from gunicorn.workers.base import Worker

    plain = Worker.init_process
    if getattr(plain, "_fasth2", False):
        return

    @functools.wraps(plain)
    def init_process(self: Any) -> None:
        self.log.info("%s", status())
        plain(self)

    init_process._fasth2 = True  # type: ignore[attr-defined]
    Worker.init_process = init_process
