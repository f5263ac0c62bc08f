"""WebSockets: over HTTP/2 (RFC 8441) by wsproto, over HTTP/1.1 by gunicorn."""
import base64
import socket
import ssl

from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from tests.gunicorn.native.asking import ask, fields
from tests.support.tls_client import Client
from tests.support.waiting import wait_until
from tests.support.websocket_client import WebSocket


def test_websockets(server):
    with Client(server) as client:
        ws = WebSocket(client, 1, "/echo?a=b", ("sec-websocket-protocol", "chat, other"), ("x-name", "value"), compressed=True)
        assert ws.status == "200"
        assert ws.headers["sec-websocket-protocol"] == "chat"
        assert ws.headers["x-accepted"] == "yes"
        assert "permessage-deflate" in ws.headers["sec-websocket-extensions"]
        scope = eval(ws.next().data)
        assert (scope["type"], scope["http_version"], scope["scheme"]) == ("websocket", "2", "wss")
        assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/echo", b"/echo", b"a=b")
        assert (b"x-name", b"value") in scope["headers"]
        for message in (TextMessage("hello"), BytesMessage(bytes(range(256)) * 2000), TextMessage("ä" * 100_000)):
            ws.send(message)
            assert str(ws.next().data) == str(message.data)
        ws.send(Ping(b"ping"))
        assert ws.next() == Pong(b"ping")
        # Others share the connection.
        assert ask(client, "/hello") == ("200", b"Hello, world!")
        other = WebSocket(client, 5, "/other")
        assert eval(other.next().data)["path"] == "/other"
        other.send(TextMessage("close"))
        assert other.next().code == 4000
        other.send(CloseConnection(4000))
        assert client.read(client.ended(5))
        ws.send(TextMessage("many"))
        assert sum(len(ws.next().data) for _ in range(100)) == 2_000_000
        ws.send(CloseConnection(1001))
        assert ws.next().code == 1001
        assert client.read(client.ended(1))
        wait_until(lambda: b"websocket 1001" in ask(client, "/seen")[1])


def test_denials_resets_and_faults(server):
    with Client(server) as client:
        denied = WebSocket(client, 1, "/denied")
        assert client.read(client.ended(1))
        assert denied.status == "418"
        assert denied.headers["x-reason"] == "tea"
        assert client.body(1) == b"a pot"
        ws = WebSocket(client, 3, "/echo")
        ws.next()
        client.conn.reset_stream(3)
        wait_until(lambda: b"websocket 1006" in ask(client, "/seen")[1])
        old = client.conn.get_next_available_stream_id()
        client.conn.send_headers(old, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/echo"),
                                       (":authority", "a"), ("sec-websocket-version", "8")])
        client.flush()
        assert client.read(client.ended(old))
        assert client.status(old) == "426"
        assert fields(client, old)["sec-websocket-version"] == "13"
        unknown = client.conn.get_next_available_stream_id()
        client.conn.send_headers(unknown, [(":method", "CONNECT"), (":protocol", "connect-udp"), (":scheme", "https"),
                                           (":path", "/echo"), (":authority", "a")])
        client.flush()
        assert client.read(client.ended(unknown))
        assert client.status(unknown) == "501"


def test_a_message_that_is_too_long(start):
    server = start("--websocket-max-message-size", "1000")
    with Client(server) as client:
        ws = WebSocket(client, 1, "/echo")
        ws.next()
        ws.send(BytesMessage(bytes(1001)))
        assert ws.next().code == 1009


def test_a_fault_closes_with_1011_or_is_a_500(start, tmp_path):
    (tmp_path / "faulty.py").write_text(
        "async def app(scope, receive, send):\n"
        "    if scope['path'] == '/open':\n"
        "        await send({'type': 'websocket.accept'})\n"
        "    elif scope['path'] == '/silent':\n"
        "        return\n"
        "    raise ValueError('on purpose')\n")
    server = start("--asgi-lifespan", "off", "--chdir", str(tmp_path), app="faulty:app")
    with Client(server) as client:
        assert WebSocket(client, 1, "/open").next().code == 1011
        assert WebSocket(client, 3, "/fails").status == "500"
        assert WebSocket(client, 5, "/silent").status == "500"
    assert server.log.count("ValueError: on purpose") == 2


def test_a_shutdown_closes_them(serve):
    server = serve("--graceful-timeout", "20")
    with Client(server, patient=True) as client:
        ws = WebSocket(client, 1, "/echo")
        ws.next()
        server.terminate()
        assert ws.next().code == 1012
        ws.send(CloseConnection(1012))
        assert client.read(client.ended(1))
    assert server.process.wait(10) == 0


def test_over_http_1_1(server):
    context = ssl.create_default_context(cafile=str(server.certificate.authority))
    context.set_alpn_protocols(["http/1.1"])
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw, \
            context.wrap_socket(raw, server_hostname="127.0.0.1") as sock:
        sock.sendall(b"GET /echo HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                     b"sec-websocket-version: 13\r\nsec-websocket-key: " + base64.b64encode(bytes(16)) + b"\r\n\r\n")
        answer = b""
        while b"'http_version': '1.1'" not in answer:
            answer += sock.recv(65536)
        assert answer.startswith(b"HTTP/1.1 101")


def test_without_wsproto_there_are_none(start):
    server = start(blocked=("wsproto",))
    with Client(server) as client:
        assert ask(client, "/hello") == ("200", b"Hello, world!")
        assert client.conn.remote_settings.enable_connect_protocol == 0
