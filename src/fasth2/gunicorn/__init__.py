"""gunicorn on fasth2.

In a configuration file, with any of gunicorn's own worker classes that serve
HTTP/2 with threads::

    import fasth2.gunicorn
    fasth2.gunicorn.install()
    worker_class = "gthread"
    http_protocols = "h2,h1"

or on the command line::

    gunicorn -k fasth2.gunicorn.ThreadWorker --certfile … --keyfile … app:app

The h2 package need not be installed. ``FASTH2_DISABLE=1`` in the environment
leaves gunicorn as it is, with a line in the log.
"""
from __future__ import annotations

from typing import Any

from fasth2.gunicorn.dropin.install import Status, install, status

from .counting import counters

__all__ = [
    "ASGIWorker", "AsyncHTTP2Connection", "GeventWorker", "HTTP2ServerConnection", "Status", "ThreadWorker", "Worker", "counters",
    "install", "status",
]


def __getattr__(name: str) -> Any:
    # These import gunicorn's workers, or the engine.
    if name == "Worker":
        from fasth2.gunicorn.native.wsgi_worker import Worker

        return Worker
    if name == "ThreadWorker":
        from fasth2.gunicorn.patched.thread_worker import ThreadWorker

        return ThreadWorker
    if name == "GeventWorker":
        from fasth2.gunicorn.patched.gevent_worker import GeventWorker

        return GeventWorker
    if name == "HTTP2ServerConnection":
        from fasth2.gunicorn.dropin.connection import HTTP2ServerConnection

        return HTTP2ServerConnection
    if name == "ASGIWorker":
        from fasth2.gunicorn.patched.asgi_worker import ASGIWorker

        return ASGIWorker
    if name == "AsyncHTTP2Connection":
        from fasth2.gunicorn.dropin.async_connection import AsyncHTTP2Connection

        return AsyncHTTP2Connection
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
