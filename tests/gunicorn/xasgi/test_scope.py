"""The scope: the path as text and as it was sent, and the addresses of a Unix socket."""
import json
import socket
import ssl

import h2.config
import h2.connection
import h2.events
import pytest

from tests.gunicorn.xasgi.setups import SETUPS, ask, serve
from tests.support.tls_client import Client

#: Those whose scope is made by fasth2's worker class.
CLASSES = [setup for setup in SETUPS if setup.way == "own"]

#: gunicorn 25.0's own worker makes raw_path of path, over HTTP/1.1 too.
DECODING = [setup for setup in SETUPS if str(setup) != "25.0.3-asgi-install"]

#: gunicorn 25.0 and 25.3 know no cleartext HTTP/2.
CLEARTEXT = [setup for setup in CLASSES if setup.version.name >= "26.2"]


@pytest.mark.parametrize(("raw", "text"), [
    ("/caf%C3%A9%20%E2%82%AC", "/caf\xe9 \u20ac"),
    (b"/caf\xc3\xa9%20\xe2\x82\xac", "/caf\xe9 \u20ac"),
])
@pytest.mark.parametrize("setup", DECODING, ids=str)
def test_the_path_is_text_and_raw_path_is_what_was_sent(servers, setup, raw, text):
    with Client(servers(setup)) as client:
        scope = ask(client, 1, raw)
        assert scope["path"] == text
        sent = raw if isinstance(raw, bytes) else raw.encode()
        assert scope["raw_path"].encode("latin-1") == sent


@pytest.mark.parametrize(("raw", "text"), [("/%FFa%2Fb", "/\ufffda/b"), ("/100%", "/100%"), ("/%zz", "/%zz")])
def test_what_cannot_be_decoded_is_as_over_HTTP_1(tmp_path, certificate, raw, text):
    text_of_app = """
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": ascii(scope["path"]).encode()})
"""
    (tmp_path / "shows_path.py").write_text(text_of_app)
    setup = CLASSES[-1]
    with setup.start(tmp_path, "", "shows_path:app", certificate=certificate) as server:
        with Client(server) as client:
            client.request(1, raw)
            assert client.read(client.ended())
            over_http_2 = client.body()
        context = ssl.create_default_context(cafile=str(server.certificate.authority))
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
                sock.sendall(f"GET {raw} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                answer = b"".join(iter(lambda: sock.recv(65536), b""))
        assert over_http_2 == ascii(text).encode()
        assert over_http_2 in answer


@pytest.mark.parametrize("setup", CLEARTEXT, ids=str)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_Unix_socket_is_a_path_and_its_clients_have_no_address(setup, loop, tmp_path):
    path = tmp_path / "socket"
    with serve(setup, tmp_path, None, "--bind", f"unix:{path}", "--http2-cleartext", "both", "--forwarded-allow-ips", "*",
               "--asgi-loop", loop):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(path))
            conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
            conn.initiate_connection()
            conn.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/show")],
                              end_stream=True)
            sock.sendall(conn.data_to_send())
            body, ended = b"", False
            while not ended:
                data = sock.recv(65536)
                assert data
                for event in conn.receive_data(data):
                    body += event.data if isinstance(event, h2.events.DataReceived) else b""
                    ended = ended or isinstance(event, h2.events.StreamEnded)
    scope = json.loads(body)
    assert (scope["server"], scope["client"]) == ([str(path), None], None)
