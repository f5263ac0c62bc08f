"""Servers with the applications `service_wsgi` and `service_asgi`, one for each way to serve HTTP/2."""
from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .certificate import Certificate
from .gunicorn_server import Gunicorn
from .paths import ROOT, SOURCE

#: Whether the matrices that are marked ecosystem run whole (``make test-ecosystem``).
ECOSYSTEM = os.environ.get("FASTH2_ECOSYSTEM") == "1"

#: fasth2's worker classes.
CLASSES = ("WSGIWorker", "gthread", "gevent", "asgi", "ASGIWorker")

#: gunicorn's workers with fasth2's connection classes.
INSTALLED = ("install-gthread", "install-gevent", "install-asgi")

#: `fasth2.HTTP2ServerConnection`, where a test has a server of it.
FACADE = "facade"

_INSTALL = "import fasth2.gunicorn\nfasth2.gunicorn.install()\n"
_THREADED = ("WSGIWorker", "gthread", "install-gthread")


def chosen(every: tuple[str, ...], *few: str) -> tuple[str, ...]:
    """All values of a matrix for ``make test-ecosystem``, else those that are named."""
    return every if ECOSYSTEM else few


def start(face: str, directory: Path, *options: str, certificate: Certificate | None = None,
          http2: bool = True) -> Gunicorn:
    """Start gunicorn.

    Args:
        face: One of `CLASSES` or `INSTALLED`.
        directory: A folder; the server's files go to a new one in it.
        *options: More options of gunicorn.
        certificate: The server's certificate; ``None`` for cleartext.
        http2: Whether a proxy on 127.0.0.1 may speak HTTP/2 in the clear, as docs/proxies.md has it.
    """
    app = f"tests.support.service_{'asgi' if 'asgi' in face.lower() else 'wsgi'}:app"
    worker = face.removeprefix("install-") if face in INSTALLED else f"fasth2.gunicorn.{face}"
    given = ["-k", worker]
    if certificate is not None:
        given += ["--http-protocols", "h2,h1"]
    else:
        given += ["--forwarded-allow-ips", "127.0.0.1"]
        if http2 and face != "WSGIWorker":
            given += ["--http2-cleartext", "prior-knowledge"]
    if face in _THREADED:
        given += ["--threads", "16"]
    return Gunicorn(Path(tempfile.mkdtemp(prefix=face, dir=directory)), app, *given, *options,
                    certificate=certificate, config=_INSTALL if face in INSTALLED else None)


@contextlib.contextmanager
def example(name: str) -> Iterator[str]:
    """Run a server of examples/; give its address, without a path."""
    process = subprocess.Popen([sys.executable, str(ROOT / "examples" / f"{name}.py")], text=True,
                               env={**os.environ, "PYTHONPATH": str(SOURCE)},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        found = re.search(r"(http://127\.0\.0\.1:\d+)/\n", process.stdout.readline())
        assert found
        yield found[1]
    finally:
        process.terminate()
        rest = process.communicate(timeout=10)[0]
    assert rest == ""
