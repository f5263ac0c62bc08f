"""A Starlette application over HTTP/2: status, bodies, order of parts, files, disconnects, WebSockets."""
import hashlib
import json
import time

import h2.events
from wsproto.events import TextMessage

from tests.support.curl import curl
from tests.support.tls_client import Client
from tests.support.websocket_client import WebSocket


def test_starlette(serve, certificate):
    server = serve(app="tests.support.starlette_app:app", certificate=certificate)
    body = bytes(range(256)) * 4000
    assert curl(server, "/digest", "--data-binary", "@-", data=body).decode() == hashlib.sha256(body).hexdigest()
    assert curl(server, "/parts") == b"".join(b"%d" % (n % 10) * 30000 for n in range(20))
    assert curl(server, "/file") == body
    assert curl(server, "/file", "-r", "256-511") == bytes(range(256))
    assert b"content-length: 1024000" in curl(server, "/file", "-I")
    assert curl(server, "/background") == b"soon"
    assert curl(server, "/fault", "-w", " %{http_version} %{http_code}") == b"Internal Server Error 2 500"
    with Client(server) as client:
        client.request(1, "/endless")
        assert client.read(lambda: client.body().count(b"tick") >= 3)
        client.conn.reset_stream(1)
        client.flush()
        socket = WebSocket(client, 3, "/echo")
        socket.send(TextMessage("hello"))
        assert socket.next().data == "HELLO"
        client.request(5, "/parts")
        assert client.read(lambda: client.found(h2.events.StreamEnded, 5))
    deadline = time.monotonic() + 10
    while sorted(seen := json.loads(curl(server, "/seen"))) != ["background", "generator closed"]:
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
