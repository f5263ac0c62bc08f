"""gunicorn on fasth2.

In a configuration file, for gunicorn's own worker classes::

    import fasth2.gunicorn
    fasth2.gunicorn.install()
    worker_class = "gthread"
    http_protocols = "h2,h1"

or on the command line::

    gunicorn -k fasth2.gunicorn.gthread --certfile … --keyfile … app:app

The h2 package is not needed. With ``FASTH2_DISABLE=1`` in the environment
gunicorn is left unchanged, and a line is logged.
"""
from __future__ import annotations

import importlib
from typing import Any

from fasth2.gunicorn.dropin.install import Status, install, status
from fasth2.server.counting import counters

__all__ = [
    "ASGIWorker", "AsyncHTTP2Connection", "HTTP2ServerConnection", "Status", "UvicornWorker", "WSGIWorker", "asgi",
    "counters", "gevent", "gthread", "install", "status",
]

#: Names imported at their first access: each needs gunicorn's workers, or the engine.
_PLACES = {
    "ASGIWorker": ("native.asgi_worker", "ASGIWorker"),
    "AsyncHTTP2Connection": ("dropin.async_connection", "AsyncHTTP2Connection"),
    "HTTP2ServerConnection": ("dropin.connection", "HTTP2ServerConnection"),
    "UvicornWorker": ("native.uvicorn_worker", "UvicornWorker"),
    "WSGIWorker": ("native.wsgi_worker", "WSGIWorker"),
    "asgi": ("patched.asgi_worker", "ASGIWorker"),
    "gevent": ("patched.gevent_worker", "GeventWorker"),
    "gthread": ("patched.thread_worker", "ThreadWorker"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
