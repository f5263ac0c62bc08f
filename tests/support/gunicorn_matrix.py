"""Versions of gunicorn, workers and ways to serve HTTP/2: what tests are parametrised with."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .certificate import Certificate
from .gunicorn_server import Gunicorn
from .gunicorn_versions import VERSIONS, WORKERS, Version

#: Options that take fasth2's own workers.
OWN_WORKER = ("-k", "fasth2.gunicorn.WSGIWorker")
OWN_ASGI_WORKER = ("-k", "fasth2.gunicorn.ASGIWorker")

#: Code of a configuration file.
INSTALL = "import fasth2.gunicorn\nfasth2.gunicorn.install()\n"


@dataclass(frozen=True)
class Setup:
    """One way to serve HTTP/2 with gunicorn."""

    #: gunicorn's version.
    version: Version

    #: gunicorn's name of the worker: gthread, gevent or asgi.
    worker: str

    #: By whom: ``h2`` (gunicorn's own classes), ``install`` (fasth2's connection class under gunicorn's
    #: worker), ``class`` (fasth2's worker class) or ``own`` (fasth2's own worker, in the place of gthread or asgi).
    way: str

    def start(self, directory: Path, wsgi: str, asgi: str, *options: str, certificate: Certificate | None = None,
              config: str = "", **kwargs: Any) -> Gunicorn:
        """Start a server; `wsgi` or `asgi` is the application, the rest as for `Gunicorn`."""
        worker = self.worker
        if self.way == "class":
            worker = f"fasth2.gunicorn.{self.worker}"
        elif self.way == "own":
            worker = (OWN_ASGI_WORKER if self.worker == "asgi" else OWN_WORKER)[1]
        if self.way == "install":
            config = INSTALL + config
        return Gunicorn(directory, asgi if self.worker == "asgi" else wsgi, "-k", worker, "--http-protocols", "h2,h1",
                        *options, certificate=certificate, config=config or None, version=self.version, **kwargs)

    def __str__(self) -> str:
        return f"{self.version}-{self.worker}-{self.way}"


#: Each version and worker, with gunicorn's own classes, with fasth2's connection class, and with fasth2's worker.
STOCK, INSTALLED, WORKER_CLASSES = (
    tuple(Setup(version, worker, way) for version in VERSIONS for worker in WORKERS)
    for way in ("h2", "install", "class"))

#: Each version with fasth2's own workers.
OWN = tuple(Setup(version, "gthread", "own") for version in VERSIONS)
OWN_ASGI = tuple(Setup(version, "asgi", "own") for version in VERSIONS)
