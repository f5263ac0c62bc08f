"""HTTP/2 without TLS, by prior knowledge and by upgrade, where gunicorn has it."""
import base64
import socket

import h2.config
import h2.connection
import h2.events
import pytest

from tests.gunicorn.xasgi.setups import APP, SETUPS, ask
from tests.support.tls_client import Client

CLEARTEXT = [setup for setup in SETUPS if setup.version.name[:2] >= "26"]


@pytest.fixture(params=CLEARTEXT, ids=str)
def server(request, tmp_path):
    options = ("--http2-cleartext", "both", "--forwarded-allow-ips", "127.0.0.1", "--keep-alive", "5")
    with request.param.start(tmp_path, "", APP, *options) as server:
        yield server


def test_prior_knowledge(server):
    with Client(server) as client:
        for stream_id in (1, 3, 5):
            assert ask(client, stream_id, "/show")["scheme"] == "http"


@pytest.mark.parametrize("body", [b"", b"x" * 5000])
def test_an_upgrade_with_requests_behind_it(server, body):
    """The frames after the HTTP/1.1 request are in the same write."""
    conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    settings = conn.initiate_upgrade_connection()
    head = (b"POST /digest HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            b"HTTP2-Settings: " + base64.urlsafe_b64encode(base64.urlsafe_b64decode(settings)).rstrip(b"=")
            + b"\r\nContent-Length: %d\r\n\r\n" % len(body))
    conn.send_headers(3, [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/show")],
                      end_stream=True)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        sock.sendall(head + body + conn.data_to_send())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += sock.recv(65536)
        assert answer.startswith(b"HTTP/1.1 101")
        events = conn.receive_data(answer.partition(b"\r\n\r\n")[2])
        while sum(isinstance(event, h2.events.StreamEnded) for event in events) < 2:
            data = sock.recv(65536)
            assert data
            events += conn.receive_data(data)
    bodies = {stream_id: b"".join(event.data for event in events if isinstance(event, h2.events.DataReceived)
                                  and event.stream_id == stream_id) for stream_id in (1, 3)}
    assert bodies[1].startswith(b"[%d," % len(body))
    assert b'"http_version": "2"' in bodies[3]
