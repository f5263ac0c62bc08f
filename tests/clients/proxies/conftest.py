"""Proxies in front of gunicorn, started when they are asked for; a context manager of clients."""
import contextlib
import os
import subprocess

import pytest

from tests.support import service
from tests.support.gunicorn_server import Certificate
from tests.support.proxies import HTTP1, Proxy, program


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """One certificate for the session."""
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    """gunicorn by a face, in the clear; none has logged an error at its end."""
    with contextlib.ExitStack() as stack:
        running = {}

        def upstream(face, http2):
            if (face, http2) not in running:
                running[face, http2] = stack.enter_context(
                    service.start(face, tmp_path_factory.mktemp("upstream"), http2=http2))
            return running[face, http2]

        yield upstream
        for each in running.values():
            assert "Traceback" not in each.log


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, certificate, upstream):
    """A proxy by the name of its configuration, in front of a face."""
    with contextlib.ExitStack() as stack:
        running = {}

        def proxy(name, face):
            if (name, face) not in running:
                running[name, face] = stack.enter_context(
                    Proxy(name, tmp_path_factory.mktemp("proxy"), upstream(face, name != HTTP1).port,
                          certificate))
            return running[name, face]

        yield proxy


def start_curl(proxy, *args):
    """Start curl with HTTP/2 over TLS; arguments that begin with / are paths of the proxy."""
    args = [proxy.url + arg if arg[:1] == "/" else arg for arg in args]
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    return subprocess.Popen(
        [program("curl"), "--silent", "--no-progress-meter", "--http2", "--no-buffer", "--max-time", "60",
         "--cacert", str(proxy.certificate.authority), *args],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def curl(proxy, path, *args):
    """Run curl to its end; return its own code, the status and what it wrote."""
    process = start_curl(proxy, path, *args, "--write-out", "%{stderr}%{http_code}")
    try:
        out, told = process.communicate(timeout=90)
    finally:
        process.kill()
    return process.returncode, int(told), out
