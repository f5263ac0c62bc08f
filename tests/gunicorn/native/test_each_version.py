"""The worker under each version of gunicorn: both protocols on one port, the settings that they have, and its end."""
import json
import socket
import ssl
import time

import h2.events
import pytest

from tests.gunicorn.native.asking import ask
from tests.support.gunicorn_versions import VERSIONS
from tests.support.tls_client import Client

APP = "tests.gunicorn.native.settings_application:app"


def connect(server, *protocols):
    """A socket, over TLS where the server has a certificate."""
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    if server.certificate is None:
        return sock
    context = ssl.create_default_context(cafile=str(server.certificate.authority))
    context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(sock, server_hostname="127.0.0.1")


def answers(sock, count):
    """The bodies of so many answers in HTTP/1.1."""
    received, bodies = b"", []
    while len(bodies) < count:
        head, end, rest = received.partition(b"\r\n\r\n")
        if end:
            [size] = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            if len(rest) >= size:
                assert head.startswith(b"HTTP/1.1 200 OK")
                bodies.append(json.loads(rest[:size]))
                received = rest[size:]
                continue
        data = sock.recv(65536)
        assert data, "the connection was closed"
        received += data
    return bodies


@pytest.fixture(params=VERSIONS, ids=str)
def version(request):
    """A version of gunicorn."""
    return request.param


@pytest.mark.parametrize("tls", [True, False])
def test_both_protocols_on_one_port(start, version, tls):
    server = start(APP, "--threads", "3", "--keep-alive", "1", "--graceful-timeout", "5", "--max-requests", "1000", tls=tls,
                   version=version, config="accesslog = '-'\n")
    with Client(server) as client:
        status, body = ask(client, "/a?b=c", "POST", [("x-forwarded-proto", "http")], b"x" * 16_000)
        seen = json.loads(body)
        assert (status, seen["SERVER_PROTOCOL"], seen["QUERY_STRING"]) == ("200", "HTTP/2.0", "b=c")
        assert seen["wsgi.url_scheme"] == "http"
        client.request(3, "/slow?0.1")
        client.request(5, "/")
        assert client.read(client.ended(5))
        assert client.read(client.ended(3))
        assert client.status(3) == client.status(5) == "200"
        assert ask(client, "/fail")[0] == "500"
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated)), "no goodbye after keepalive"
    with connect(server, "http/1.1") as sock:
        request = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + bytes(70_000)
        sock.sendall(request)
        assert answers(sock, 1)[0]["SERVER_PROTOCOL"] == "HTTP/1.1"
        for _ in range(3):
            time.sleep(0.02)
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answers(sock, 1)[0]["PATH_INFO"] == "/"
    server.terminate()
    assert server.process.wait(15) == 0
    assert server.log.count("Traceback") == server.log.count("ValueError: on purpose")
    assert '"GET / HTTP/1.1" 200' in server.log


def test_standing_aside(start, version):
    server = start(APP, "--http-protocols", "h2,h1", "--threads", "2", version=version, env={"FASTH2_DISABLE": "1"})
    with connect(server, "http/1.1") as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answers(sock, 1)[0]["PATH_INFO"] == "/"
    with Client(server) as client:
        assert ask(client, "/")[0] == "200"
    assert "stands aside: FASTH2_DISABLE=1" in server.log
