"""uvicorn's options with fasth2: reload, workers, an inherited socket, and the end of a process that serves."""
import hashlib
import os
import signal
import socket

import h2.events

from tests.support.curl import curl
from tests.support.tls_client import Client
from tests.support.waiting import until

APP = """
import os

async def app(scope, receive, send):
    if scope["type"] == "http":
        body = b"{word} %d" % os.getpid()
        await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}})
        await send({{"type": "http.response.body", "body": body}})
"""


def answer(server):
    """What the application says, its process, and the version of HTTP."""
    found = curl(server, "/", "--write-out", " %{http_version}").decode().split()
    return found[0], int(found[1]), found[2]


def test_reload(serve_one, tmp_path, certificate):
    folder = tmp_path / "app"
    folder.mkdir()
    module = folder / "reloaded_app.py"
    module.write_text(APP.format(word="one"))
    server = serve_one(app="reloaded_app:app", certificate=certificate, reload=True, reload_dirs=[str(folder)],
                   reload_delay=0.05, paths=(str(folder),))
    word, process, version = answer(server)
    assert (word, version) == ("one", "2")
    # Compiled modules are told apart by their length, and by whole seconds.
    module.write_text(APP.format(word="two") + "# longer\n")
    assert until(lambda: "Reloading" in server.log, wait=20)
    assert until(lambda: server.log.count("Application startup complete") == 2, wait=30)
    assert answer(server)[0] == "two"
    assert answer(server)[1] != process


def test_workers(serve_one, tmp_path, certificate):
    (tmp_path / "worker_app.py").write_text(APP.format(word="worker"))
    server = serve_one(app="worker_app:app", certificate=certificate, workers=2, paths=(str(tmp_path),))
    assert until(lambda: server.log.count("Application startup complete") == 2, wait=30)
    seen = {answer(server) for _ in range(4)}
    # Either may get every connection; when one has ended, the other serves.
    assert {(word, version) for word, _, version in seen} == {("worker", "2")}
    process = next(iter(seen))[1]
    os.kill(process, signal.SIGTERM)
    assert until(lambda: f"Finished server process [{process}]" in server.log)
    assert {answer(server)[2] for _ in range(4)} == {"2"}


def test_an_inherited_socket(serve_one, certificate):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = serve_one(certificate=certificate, fd=listener.fileno(), inherit=(listener.fileno(),))
        server.port = listener.getsockname()[1]
        assert curl(server, "/hello", "--write-out", " %{http_version}") == b"Hello, world! 2"


def test_a_shutdown_with_requests_in_flight(serve_one, certificate):
    """An upload, a download and a slow call of two connections are complete; what is new is refused."""
    server = serve_one(certificate=certificate)
    with Client(server, patient=True) as client, Client(server, patient=True) as other:
        client.request(1, "/digest", "POST", end_stream=False)
        client.data(1, b"first")
        client.request(3, "/slow?0.5")
        other.request(1, "/stream?40")
        assert other.read(lambda: len(other.body(1)) > 100000)
        client.ping()
        server.interrupt()
        for each in (client, other):
            assert each.read(lambda each=each: each.found(h2.events.ConnectionTerminated))
        client.data(1, b" last", end_stream=True)
        assert client.read(lambda: client.ended(1)() and client.ended(3)())
        assert client.body(1).decode() == hashlib.sha256(b"first last").hexdigest()
        assert client.body(3) == b"slow"
        assert other.read(other.ended(1))
        assert len(other.body(1)) == 40 * 50000
    assert server.ends()
    assert "Traceback" not in server.log


def test_a_shutdown_that_may_take_a_second(serve_one, certificate):
    """``timeout_graceful_shutdown`` ends what goes on for ever."""
    server = serve_one(certificate=certificate, timeout_graceful_shutdown=1)
    with Client(server, patient=True) as client:
        client.request(1, "/slow?60")
        client.ping()
        server.interrupt()
        assert server.ends()
        assert "Cancel 1 running task" in server.log
