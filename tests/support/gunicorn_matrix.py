"""Versions of gunicorn, workers and ways to serve HTTP/2: what tests are parametrised with."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fasth2.gunicorn

from .gunicorn_server import Certificate, Gunicorn
from .gunicorn_versions import NEWEST, SERVED, Version, workers_served

INSTALL = "import fasth2.gunicorn\nfasth2.gunicorn.install()\n"

#: fasth2's worker class for each of gunicorn's workers that has one.
CLASSES = {worker: name for worker, name in
           {"gthread": "ThreadWorker", "gevent": "GeventWorker", "asgi": "ASGIWorker"}.items()
           if name in fasth2.gunicorn.__all__}


@dataclass(frozen=True)
class Setup:
    """One way to serve HTTP/2 with gunicorn."""

    #: gunicorn's version.
    version: Version

    #: gunicorn's name of the worker: gthread, gevent or asgi.
    worker: str

    #: By whom: ``h2`` (gunicorn's own classes), ``install`` (fasth2's connection class under gunicorn's
    #: worker) or ``class`` (fasth2's worker class).
    way: str

    def start(self, directory: Path, wsgi: str, asgi: str, *options: str, certificate: Certificate | None = None,
              config: str = "", **kwargs: Any) -> Gunicorn:
        """Start a server; `wsgi` or `asgi` is the application, the rest as for `Gunicorn`."""
        worker = f"fasth2.gunicorn.{CLASSES[self.worker]}" if self.way == "class" else self.worker
        if self.way == "install":
            config = INSTALL + config
        return Gunicorn(directory, asgi if self.worker == "asgi" else wsgi, "-k", worker, "--http-protocols", "h2,h1",
                        *options, certificate=certificate, config=config or None, version=self.version, **kwargs)

    def __str__(self) -> str:
        return f"{self.version}-{self.worker}-{self.way}"


#: Each version and worker that fasth2 serves, by ``install()``.
INSTALLED = tuple(Setup(version, worker, "install") for version in SERVED for worker in workers_served(version))

#: fasth2's worker classes, under the newest gunicorn.
WORKER_CLASSES = tuple(Setup(NEWEST, worker, "class") for worker in CLASSES)
