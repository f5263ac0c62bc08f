"""WebSockets over HTTP/2 (RFC 8441) by each of uvicorn's WebSocket classes."""
import h2.events
import pytest
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from tests.support.tls_client import Client
from tests.support.uvicorn_versions import VERSIONS
from tests.support.websocket_client import WebSocket


@pytest.fixture(params=["websockets", "wsproto", "websockets-sansio"])
def ws(request, setup, serve, certificate):
    """A server with one of the classes."""
    if request.param == "websockets-sansio" and VERSIONS[setup.rpartition("-")[0]].number < (0, 35):
        # The class came with 0.35.
        return serve(certificate=certificate, ws="auto")
    return serve(certificate=certificate, ws=request.param)


def test_websockets(ws):
    with Client(ws) as client:
        socket = WebSocket(client, 1, "/echo?a=b", ("sec-websocket-protocol", "chat"), ("x-name", "value"), compressed=True)
        assert socket.status == "200"
        assert socket.headers["sec-websocket-protocol"] == "chat"
        assert socket.headers["x-accepted"] == "yes"
        assert not {"connection", "upgrade", "sec-websocket-accept", "transfer-encoding"} & set(socket.headers)
        scope = eval(socket.next().data)
        assert scope["type"] == "websocket"
        assert scope["http_version"] == "2"
        assert scope["scheme"] == "wss"
        assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/echo", b"/echo", b"a=b")
        assert (b"x-name", b"value") in scope["headers"]
        assert not {b"upgrade", b"connection", b"sec-websocket-key"} & {name for name, _ in scope["headers"]}
        for message in (TextMessage("hello"), BytesMessage(bytes(range(256)) * 500), TextMessage("ä" * 1000)):
            socket.send(message)
            assert bytes(str(socket.next().data), "utf-8") == bytes(str(message.data), "utf-8")
        socket.send(Ping(b"ping"))
        assert socket.next() == Pong(b"ping")
        # Others share the connection.
        client.request(3, "/hello")
        assert client.read(lambda: client.found(h2.events.StreamEnded, 3))
        other = WebSocket(client, 5, "/other")
        assert eval(other.next().data)["path"] == "/other"
        other.send(TextMessage("close"))
        assert other.next().code == 4000
        other.send(CloseConnection(4000))
        assert client.read(lambda: client.found(h2.events.StreamEnded, 5))
        socket.send(TextMessage("many"))
        assert sum(len(socket.next().data) for _ in range(100)) == 2000000
        socket.send(CloseConnection(1001))
        assert isinstance(socket.next(), CloseConnection)
        assert client.read(lambda: client.found(h2.events.StreamEnded, 1))
        client.request(7, "/seen")
        assert client.read(lambda: client.found(h2.events.StreamEnded, 7))
        assert b"websocket 1001" in client.body(7)
    assert "Traceback" not in ws.log


def test_denials_and_resets(ws):
    with Client(ws) as client:
        denied = WebSocket(client, 1, "/denied")
        assert client.read(lambda: client.found(h2.events.StreamEnded, 1))
        assert denied.status in ("403", "418")
        if denied.status == "418":
            assert denied.headers["x-reason"] == "tea"
            assert client.body(1) == b"a pot"
        socket = WebSocket(client, 3, "/echo")
        socket.next()
        client.conn.reset_stream(3)
        client.request(5, "/seen")
        assert client.read(lambda: client.found(h2.events.StreamEnded, 5))
        socket = WebSocket(client, 7, "/echo")
        socket.next()
    with Client(ws) as client:
        client.request(1, "/hello")
        assert client.read(lambda: client.found(h2.events.StreamEnded, 1))
    assert "Traceback" not in ws.log


def test_a_shutdown_closes_websockets(ws):
    with Client(ws, patient=True) as client:
        socket = WebSocket(client, 1, "/echo")
        socket.next()
        ws.interrupt()
        assert socket.next().code == 1012
        socket.send(CloseConnection(1012))
        assert client.read(lambda: client.found(h2.events.StreamEnded, 1))
    assert ws.ends()


def test_without_a_class_there_are_none(serve, certificate):
    server = serve(certificate=certificate, ws="none")
    with Client(server) as client:
        client.request(1, "/hello")
        assert client.read(lambda: client.found(h2.events.StreamEnded, 1))
        assert client.conn.remote_settings.enable_connect_protocol == 0
