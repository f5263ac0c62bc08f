"""`fasth2.gunicorn.UvicornWorker`: gunicorn, uvicorn-worker and HTTP/2, as its users have them."""
import contextlib
import re
import subprocess
import sys
import time

import h2.events
import pytest

from tests.support.curl import curl
from tests.support.gunicorn_server import Gunicorn
from tests.support.gunicorn_versions import NEWEST, VERSIONS
from tests.support.paths import SOURCE
from tests.support.service import chosen
from tests.support.tls_client import Client
from tests.support.uvicorn_versions import VERSIONS as UVICORNS

WRITE_OUT = ("--write-out", " %{http_version} %{http_code}")

#: Versions of gunicorn and uvicorn. With 0.23 the class is that of uvicorn.workers: the package needs 0.36.
EVERY = {f"{gunicorn} with uvicorn {uvicorn}": (gunicorn, uvicorn) for gunicorn, uvicorn in (
    (VERSIONS[0], "0.23.0"), (NEWEST, "0.36.0"), (NEWEST, "0.47.0"), (NEWEST, "0.54.0"))}
PAIRS = chosen(tuple(EVERY), next(iter(EVERY)), tuple(EVERY)[-1])


@pytest.fixture(params=[pytest.param(pair, marks=pytest.mark.ecosystem) for pair in PAIRS])
def start(request, tmp_path, certificate):
    gunicorn, uvicorn = EVERY[request.param]
    with contextlib.ExitStack() as stack:
        yield lambda *options, env=None: stack.enter_context(Gunicorn(
            tmp_path, "tests.support.uvicorn_app:app", "-k", "fasth2.gunicorn.UvicornWorker", "--access-logfile", "-",
            *options, certificate=certificate, version=gunicorn,
            env={"PYTHONPATH": str(UVICORNS[uvicorn].site), **(env or {})}))


def test_both_protocols_and_a_reload(start):
    server = start("--graceful-timeout", "20", "--keep-alive", "1")
    assert curl(server, "/hello", *WRITE_OUT) == b"Hello, world! 2 200"
    assert curl(server, "/hello", *WRITE_OUT, http="--http1.1") == b"Hello, world! 1.1 200"
    old = server.workers
    with Client(server, patient=True) as client:
        client.request(1, "/slow?1")
        client.ping()
        server.reload()
        assert client.read(lambda: client.found(h2.events.StreamEnded))
        assert client.body() == b"slow"
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated))
    deadline = time.monotonic() + 10
    while not re.search(r"(Worker exiting|Finished server process)", server.log) or server.workers == old:
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)
    assert curl(server, "/hello", *WRITE_OUT) == b"Hello, world! 2 200"
    assert '"GET /hello HTTP/2" 200' in server.log
    assert "Traceback" not in server.log


def test_FASTH2_DISABLE_stands_aside(start):
    server = start(env={"FASTH2_DISABLE": "1"})
    assert curl(server, "/hello", *WRITE_OUT) == b"Hello, world! 1.1 200"
    assert server.log.count("stands aside: FASTH2_DISABLE=1") == 1


@pytest.mark.parametrize("missing", ["uvicorn", "uvicorn_worker"])
def test_without_the_packages_it_says_what_to_install(missing):
    """The class of uvicorn itself is taken where the package is missing."""
    code = f"import sys; sys.modules[{missing!r}] = None; sys.modules['uvicorn.workers'] = None\nimport fasth2.gunicorn as g"
    done = subprocess.run([sys.executable, "-c", f"{code}\ng.UvicornWorker"], capture_output=True, text=True,
                          env={"PYTHONPATH": str(SOURCE)})
    assert done.returncode == 1
    assert "ImportError: fasth2.gunicorn.UvicornWorker needs uvicorn and uvicorn-worker: pip install" in done.stderr
