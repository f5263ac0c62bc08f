"""`make serve`, but for the making: tools/serve.py, and the line that it prints."""
import os
import shlex
import signal
import socket
import subprocess
import sys

import pytest

from tests.support.paths import ROOT, SOURCE
from tests.support.run import run
from tests.support.waiting import until


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def serve(tmp_path):
    """Start it; return the process, its port and where it writes."""
    port = free_port()
    out = tmp_path / "out"
    with out.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tools" / "serve.py"), "--no-control-socket"], stdin=subprocess.DEVNULL,
            stdout=file, stderr=file, cwd=ROOT, env={**os.environ, "PORT": str(port), "PYTHONPATH": str(SOURCE)})
    try:
        assert until(lambda: accepts(port) or process.poll() is not None, 20) and process.poll() is None, out.read_text()
        yield process, port, out
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        print(out.read_text())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_printed_line_works_and_it_stops_when_told(serve, how):
    process, port, out = serve
    [line] = [line for line in out.read_text().splitlines() if line.startswith("curl ")]
    assert line == f"curl --http2 -k https://127.0.0.1:{port}/"
    program, *args = shlex.split(line)
    answer = run(program, *args, "--silent", "--include").stdout
    assert answer.startswith(b"HTTP/2 200")
    assert b"Hello over HTTP/2" in answer

    posted = run(program, *args, "--silent", "--data-binary", "@-", data=b"as it came").stdout
    assert posted == b"as it came"

    process.send_signal(how)
    assert process.wait(15) == 0
    assert not accepts(port)
    assert "Traceback" not in out.read_text()
