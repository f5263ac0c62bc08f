"""Applications of ASGI frameworks over HTTP/2, under uvicorn: status, bodies, order of parts, disconnects, WebSockets."""
import hashlib
import json

import h2.events
import pytest
from wsproto.events import TextMessage

from tests.programs.framework_parts import PARTS
from tests.support.curl import curl
from tests.support.tls_client import Client
from tests.support.uvicorn_server import Uvicorn
from tests.support.uvicorn_versions import NEWEST
from tests.support.waiting import until
from tests.support.websocket_client import WebSocket

#: ``make test`` has the first.
NAMES = ("fastapi", "starlette", "django", "quart", "litestar")


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.ecosystem] if name != NAMES[0] else []) for name in NAMES])
def framework(request, environment, tmp_path, certificate):
    """Its name, and a server with its application."""
    # In the environment without h2 there is no fasth2 and no uvicorn: the paths have both.
    with Uvicorn(tmp_path, f"tests.programs.{request.param}_app:app", version=NEWEST, certificate=certificate,
                 paths=(str(environment("frameworks").site),), loop="uvloop") as server:
        yield request.param, server


def test_an_application(framework, body):
    name, server = framework
    code = ("--write-out", " %{http_version} %{http_code}")
    digest = hashlib.sha256(body).hexdigest().encode()
    assert curl(server, "/digest", "--data-binary", "@-", *code, data=body) == digest + b" 2 200"
    found = curl(server, "/item", "--json", json.dumps({"name": "ü", "number": 41}), *code)
    assert json.loads(found.removesuffix(b" 2 201")) == {"name": "ü", "number": 42}
    assert json.loads(curl(server, "/thread")) == {"from": "a thread"}
    assert curl(server, "/nothing", "--output", "/dev/null", *code) == b" 2 404"
    assert curl(server, "/fault", "--output", "/dev/null", *code) == b" 2 500"
    with Client(server) as client:
        client.request(1, "/endless")
        client.request(3, "/parts")
        assert client.read(client.ended(3))
        assert client.body(3) == b"".join(PARTS)
        assert client.read(lambda: client.body(1).count(b"tick") >= 3)
        client.conn.reset_stream(1)
        client.flush()
        client.request(5, "/endless")
        assert client.read(lambda: client.body(5).count(b"tick") >= 3)
        if name != "django":
            websocket = WebSocket(client, 7, "/echo")
            websocket.send(TextMessage("hello"))
            assert websocket.next().data == "HELLO"
        assert not client.found(h2.events.ConnectionTerminated)
    # One was reset, the other vanished.
    assert until(lambda: curl(server, "/seen") == b"ended,ended"), curl(server, "/seen")
