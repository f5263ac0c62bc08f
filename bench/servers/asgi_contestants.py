"""The servers of ASGI applications: how each is started, with one process that serves.

Each is started as its documentation says, without an access log, with nothing tuned.
"""
from __future__ import annotations

import sys
from collections.abc import Callable

from ..serving import HOST, Certificate
from .contestants import Command, Contestant, script

OWN_WORKER = "fasth2.gunicorn.ASGIWorker"

_GUNICORN_PATIENT = ("--keep-alive", "300", "--worker-connections", "6000")


def _gunicorn(worker_class: str, *options: str) -> Callable[[str, int, Certificate], Command]:
    def command(application: str, port: int, certificate: Certificate) -> Command:
        return [
            sys.executable, "-m", "gunicorn", "-k", worker_class, *options, "--bind", f"{HOST}:{port}",
            "--certfile", certificate.chain, "--keyfile", certificate.key, "--log-level", "warning",
            f"{application}:application",
        ]

    return command


def _uvicorn(*options: str) -> Callable[[str, int, Certificate], Command]:
    def command(application: str, port: int, certificate: Certificate) -> Command:
        return [
            sys.executable, "-m", "uvicorn", *options, "--loop", "uvloop", "--host", HOST, "--port", str(port),
            "--ssl-certfile", certificate.chain, "--ssl-keyfile", certificate.key, "--no-access-log",
            "--log-level", "warning", f"{application}:application",
        ]

    return command


def _weft(application: str, port: int, certificate: Certificate) -> Command:
    return [
        script("weft"), "--protocol", "asgi", "--host", HOST, "--port", str(port), "--tls-cert", certificate.chain,
        "--tls-key", certificate.key, "--log-level", "warning", f"{application}:application",
    ]


def _granian(application: str, port: int, certificate: Certificate) -> Command:
    return [
        script("granian"), "--interface", "asgi", "--host", HOST, "--port", str(port),
        "--ssl-certificate", certificate.chain, "--ssl-keyfile", certificate.key, "--log-level", "error",
        f"{application}:application",
    ]


def _peregrine(application: str, port: int, certificate: Certificate) -> Command:
    return [
        script("peregrine"), "--protocol", "asgi", "--host", HOST, "--port", str(port),
        "--tls-cert", certificate.chain, "--tls-key", certificate.key, "--log-level", "error",
        "--python-path", ".", f"{application}:application",
    ]


def _h2corn(application: str, port: int, certificate: Certificate) -> Command:
    return [
        script("h2corn"), "--host", HOST, "--port", str(port), "--certfile", certificate.chain,
        "--keyfile", certificate.key, f"{application}:application",
    ]


def contestants(worker_class: str) -> dict[str, Contestant]:
    """The servers by name, fasth2's first.

    Args:
        worker_class: fasth2's worker, as gunicorn's ``-k`` takes it.
    """
    return {
        "fasth2": Contestant("fasth2", "fasth2", _gunicorn(worker_class), _GUNICORN_PATIENT),
        "fasth2-uvicorn": Contestant(
            "fasth2 under uvicorn", "fasth2", _uvicorn("--http", "fasth2.uvicorn:H2Protocol"),
            ("--timeout-keep-alive", "300"),
        ),
        "weft": Contestant("weft", "weft-server", _weft),
        "peregrine": Contestant("peregrine", "peregrine-server", _peregrine, ("--keep-alive", "300000")),
        "h2corn": Contestant("h2corn", "h2corn", _h2corn),
        "granian": Contestant("granian", "granian", _granian),
        "zttp": Contestant(
            "uvicorn with zttp", "zttp", _uvicorn("--http", "zttp", "--http2"), ("--timeout-keep-alive", "300")
        ),
        "gunicorn-asgi": Contestant("gunicorn's asgi on fasth2", "fasth2", _gunicorn("fasth2.gunicorn.asgi"),
                                    _GUNICORN_PATIENT),
    }
