"""The servers of WSGI applications: how each is started, with one process that serves.

Each is started as its documentation says, with nothing tuned. Those with "8" in their
name are given 8 threads for the application, as gunicorn is.
"""
from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..serving import HOST, Certificate

OWN_WORKER = "fasth2.gunicorn.WSGIWorker"
_THREADS = "8"

Command = list[str | Path]


class Contestant(NamedTuple):
    """A server.

    Attributes:
        title: What a reader of the table sees.
        package: The distribution that has it.
        command: From the application, the port and the certificate, what starts it.
        patient: Options that let a connection stay for minutes without a request.
        threads: Application threads; one where the application runs in the event loop.
    """

    title: str
    package: str
    command: Callable[[str, int, Certificate], Command]
    patient: tuple[str, ...] = ()
    threads: int = 8

    def version(self) -> str | None:
        """The installed version, None where it isn't installed."""
        if self.package == "fasth2":
            import fasth2

            return fasth2.__version__
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return None


def script(name: str) -> Path:
    """A command that a package put beside this interpreter."""
    return Path(sys.executable).parent / name


def _gunicorn(*options: str) -> Callable[[str, int, Certificate], Command]:
    def command(application: str, port: int, certificate: Certificate) -> Command:
        return [
            sys.executable, "-m", "gunicorn", *options, "--threads", _THREADS, "--bind", f"{HOST}:{port}",
            "--certfile", certificate.chain, "--keyfile", certificate.key, "--log-level", "warning",
            f"{application}:application",
        ]

    return command


def _granian(*options: str) -> Callable[[str, int, Certificate], Command]:
    def command(application: str, port: int, certificate: Certificate) -> Command:
        return [
            script("granian"), "--interface", "wsgi", *options, "--host", HOST, "--port", str(port),
            "--ssl-certificate", certificate.chain, "--ssl-keyfile", certificate.key, "--log-level", "error",
            f"{application}:application",
        ]

    return command


def _peregrine(*options: str) -> Callable[[str, int, Certificate], Command]:
    def command(application: str, port: int, certificate: Certificate) -> Command:
        return [
            script("peregrine"), "--protocol", "wsgi", *options, "--host", HOST, "--port", str(port),
            "--tls-cert", certificate.chain, "--tls-key", certificate.key, "--log-level", "error",
            "--python-path", ".", f"{application}:application",
        ]

    return command


_GUNICORN_PATIENT = ("--keep-alive", "300", "--worker-connections", "4000")
_PEREGRINE_PATIENT = ("--keep-alive", "300000")


def contestants(worker_class: str) -> dict[str, Contestant]:
    """The servers by name, fasth2's first.

    Args:
        worker_class: fasth2's worker, as gunicorn's ``-k`` takes it.
    """
    return {
        "fasth2": Contestant("fasth2", "fasth2", _gunicorn("-k", worker_class), _GUNICORN_PATIENT),
        "peregrine": Contestant("peregrine", "peregrine-server", _peregrine(), _PEREGRINE_PATIENT, threads=1),
        "peregrine-8": Contestant(
            "peregrine, 8 threads", "peregrine-server", _peregrine("--wsgi-threads", _THREADS), _PEREGRINE_PATIENT
        ),
        "granian": Contestant("granian", "granian", _granian()),
        "granian-8": Contestant("granian, 8 threads", "granian", _granian("--blocking-threads", _THREADS)),
        "gunicorn": Contestant(
            "gunicorn gthread on h2", "gunicorn", _gunicorn("-k", "gthread", "--http-protocols", "h2,h1"),
            _GUNICORN_PATIENT,
        ),
    }
