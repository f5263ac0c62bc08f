"""The servers of examples/, run as docs/engine.md says, with real clients."""
from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys

import httpx
import pytest

from tests.docs.started_example import started
from tests.support.paths import ROOT, SOURCE

SERVERS = ["h2_calls", "one_call"]


def curl(*args, data=None):
    command = ["curl", "--silent", "--show-error", "--max-time", "30", "--http2-prior-knowledge", *args]
    done = subprocess.run(command, input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module", params=SERVERS)
def address(request):
    with started(ROOT / "examples" / f"{request.param}.py") as address:
        yield address


def test_curl_GET(address):
    head, _, body = curl("--include", address).partition(b"\r\n\r\n")
    assert head.splitlines() == [b"HTTP/2 200 ", b"content-length: 18"]
    assert body == b"Hello over HTTP/2\n"


def test_a_body_many_times_the_windows_comes_back(address):
    body = random.Random(1).randbytes(1_000_000)
    echoed = curl("--data-binary", "@-", address, data=body)
    assert hashlib.sha256(echoed).digest() == hashlib.sha256(body).digest()


def test_httpx_with_requests_one_after_another(address):
    with httpx.Client(http1=False, http2=True, trust_env=False) as client:
        for number in range(20):
            answer = client.post(address, content=b"n" * (number * 5000 + 1))
            assert answer.http_version == "HTTP/2"
            assert answer.content == b"n" * (number * 5000 + 1)
        assert client.get(address).text == "Hello over HTTP/2\n"


def test_a_hundred_at_once(address):
    done = subprocess.run(["h2load", "-n", "1000", "-c", "1", "-m", "100", address], capture_output=True, text=True,
                          timeout=60, check=True)
    assert "1000 succeeded, 0 failed, 0 errored" in done.stdout


def test_the_first_runs_the_same_on_h2(tmp_path):
    """What docs/engine.md says of it."""
    copy = tmp_path / "server.py"
    text = (ROOT / "examples" / "h2_calls.py").read_text()
    copy.write_text(re.sub(r"^from fasth2\.", "from h2.", text, flags=re.MULTILINE))
    with started(copy) as address:
        test_curl_GET(address)
        test_a_body_many_times_the_windows_comes_back(address)


@pytest.mark.parametrize("example", SERVERS)
def test_the_port_can_be_chosen(example):
    with started(ROOT / "examples" / f"{example}.py", "0") as address:
        assert curl(address) == b"Hello over HTTP/2\n"


def ask(address, *paths):
    """The example's client."""
    port = address.rstrip("/").rpartition(":")[2]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, str(ROOT / "examples" / "client.py"), port, *paths]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_client_asks_the_servers(address):
    """More requests than streams that a server allows at once."""
    assert ask(address, "/") == "/ 200 18\n"
    paths = [f"/{number}" for number in range(150)]
    assert ask(address, *paths).splitlines() == [f"{path} 200 18" for path in paths]


def test_the_client_runs_the_same_on_h2(address, tmp_path):
    """What its first line says."""
    copy = tmp_path / "client.py"
    text = (ROOT / "examples" / "client.py").read_text()
    copy.write_text(re.sub(r"^from fasth2\.", "from h2.", text, flags=re.MULTILINE))
    port = address.rstrip("/").rpartition(":")[2]
    done = subprocess.run([sys.executable, str(copy), port, "/"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "/ 200 18\n"
