"""The worker as people start it, on whatever interpreter this is, from many connections at a time."""
import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from tests.support.threads import together
from tests.support.tls_client import Client

pytest.importorskip("gunicorn")

ROOT = Path(__file__).parents[2]
CONNECTIONS = 8
ROUNDS = 30


def is_locked():
    """Whether the interpreter has its lock."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def app(environ, start_response):
    """Echo, at once or after a while."""
    body = environ["wsgi.input"].read()
    if environ["QUERY_STRING"] == "slow":
        time.sleep(0.005)
    start_response("200 OK", [("content-type", "application/json")])
    yield json.dumps([is_locked(), environ["PATH_INFO"]]).encode()
    yield body


@pytest.fixture
def server(tmp_path):
    """Of the installed fasth2, without what `Gunicorn` of tests.support needs for certificates."""
    log = tmp_path / "log"
    with open(log, "w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-k", "fasth2.gunicorn.WSGIWorker", "--threads", "4", "-b", "127.0.0.1:0",
             f"{__name__}:app"],
            cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "HOME": str(tmp_path)})
    try:
        deadline = time.monotonic() + 120
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())) or "HTTP/2 by" not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield types.SimpleNamespace(port=int(found[1]), certificate=None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        print(log.read_text())
    assert "Traceback" not in log.read_text()


def converse(server, number):
    with Client(server) as client:
        for at in range(ROUNDS):
            first = 2 * 4 * at + 1
            streams = {first: "", first + 2: "?slow", first + 4: "", first + 6: "?slow"}
            for stream, query in streams.items():
                client.request(stream, f"/{number}/{stream}{query}", "POST", end_stream=False)
                client.data(stream, b"%d" % stream * 100, end_stream=True)
            for stream in streams:
                assert client.read(client.ended(stream), 60)
                assert client.body(stream) == json.dumps([is_locked(), f"/{number}/{stream}"]).encode() + b"%d" % stream * 100


def test_many_connections(server):
    together(*(functools.partial(converse, server, number) for number in range(CONNECTIONS)))
