"""The servers that are attacked: each way of this package to serve HTTP/2 over TLS. A new one needs a line here."""
from __future__ import annotations

from pathlib import Path

from tests.support import service
from tests.support.certificate import Certificate
from tests.support.gunicorn_matrix import OWN, WORKER_CLASSES
from tests.support.gunicorn_server import Gunicorn
from tests.support.gunicorn_versions import NEWEST
from tests.support.uvicorn_server import Uvicorn

#: Older versions of gunicorn with each worker class. With ``install()`` alone gunicorn's own loops decide what becomes of
#: a connection: they end it at the first GOAWAY, and reset what is answered with 431 here.
SETUPS = {str(setup): setup for setup in (*WORKER_CLASSES, *OWN) if setup.version is not NEWEST}

#: The newest gunicorn's workers, and uvicorn; for ``make test-ecosystem`` also `SETUPS`.
FACES = (*service.CLASSES, "uvicorn")

#: gunicorn's own values, which are lower than the defaults: nine tenths of 200 resets and 1000 frames without work.
LOWER = {"resets": 180, "suspicious_frames": 900, "unreleased_requests": 180}


def serve(face: str, directory: Path, certificate: Certificate) -> Gunicorn | Uvicorn:
    """Start a server; a context manager.

    Args:
        face: One of `FACES` or `SETUPS`.
        directory: For its files.
        certificate: Its certificate.
    """
    if face == "uvicorn":
        return Uvicorn(directory, "tests.support.uvicorn_app:app", certificate=certificate)
    if face in SETUPS:
        setup = SETUPS[face]
        return setup.start(directory, "tests.support.service_wsgi:app", "tests.support.service_asgi:app",
                           *(["--threads", "16"] if setup.worker == "gthread" else []), certificate=certificate)
    return service.start(face, directory, certificate=certificate)


def nearly(face: str, counter: str) -> int | None:
    """Repetitions at nine tenths of a server's limit, where that is not the default.

    Args:
        face: One of `FACES` or `SETUPS`.
        counter: Of the limit.
    """
    return None if face == "uvicorn" else LOWER.get(counter)
