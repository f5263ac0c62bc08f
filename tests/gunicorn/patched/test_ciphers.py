"""With TLS 1.2 a connection gets a cipher that HTTP/2 allows, whatever the client's order (RFC 9113 section 9.2.2)."""
import itertools
import socket
import ssl

import pytest

from tests.support.certificate import Certificate
from tests.support.gunicorn_server import Gunicorn
from tests.support.tls_client import Client

WSGI, ASGI = "tests.support.wsgi_app:app", "tests.support.asgi_app:app"

#: How each face is chosen; ``install()`` leaves the context to gunicorn, whose order is Python's.
FACES = {
    "WSGIWorker": ("-k", "fasth2.gunicorn.WSGIWorker"),
    "gthread": ("-k", "fasth2.gunicorn.gthread"),
    "gevent": ("-k", "fasth2.gunicorn.gevent"),
    "asgi": ("-k", "fasth2.gunicorn.asgi"),
    "install-gthread": ("-k", "gthread", "--http-protocols", "h2,h1"),
    "install-gevent": ("-k", "gevent", "--http-protocols", "h2,h1"),
    "install-asgi": ("-k", "asgi", "--http-protocols", "h2,h1"),
}
INSTALL = "import fasth2.gunicorn\nfasth2.gunicorn.install()\n"

GCM = "ECDHE-ECDSA-AES128-GCM-SHA256"
LONG_GCM = "ECDHE-ECDSA-AES256-GCM-SHA384"
CHACHA = "ECDHE-ECDSA-CHACHA20-POLY1305"
CBC = "ECDHE-ECDSA-AES128-SHA256"
LONG_CBC = "ECDHE-ECDSA-AES256-SHA384"
#: For a certificate of another kind: no server here can use it.
OF_RSA = "ECDHE-RSA-AES128-GCM-SHA256"


@pytest.fixture(scope="module", params=FACES)
def server(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("server")
    app = ASGI if "asgi" in request.param.lower() else WSGI
    config = INSTALL if request.param.startswith("install") else None
    with Gunicorn(directory, app, *FACES[request.param], certificate=Certificate(directory), config=config) as server:
        yield server


def connect(server, ciphers, protocols=("h2",), version=ssl.TLSVersion.TLSv1_2):
    """The connection's protocol and cipher, and what a request on it got where it speaks HTTP/2."""
    context = ssl.create_default_context(cafile=str(server.certificate.authority))
    context.maximum_version = version
    context.set_ciphers(ciphers)
    context.set_alpn_protocols(list(protocols))
    if "h2" not in protocols:
        with context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), timeout=10),
                                 server_hostname="127.0.0.1") as sock:
            return sock.selected_alpn_protocol(), sock.cipher()[0], None
    with Client(server, context=context) as client:
        client.request(1, "/")
        client.read(client.ended())
        return client.sock.selected_alpn_protocol(), client.sock.cipher()[0], client.status()


@pytest.mark.parametrize("allowed", [GCM, LONG_GCM, CHACHA])
def test_an_allowed_cipher_is_taken_wherever_it_stands(server, allowed):
    for order in itertools.permutations((allowed, CBC, LONG_CBC, OF_RSA)):
        assert connect(server, ":".join(order)) == ("h2", allowed, "200"), order


def test_a_client_that_has_no_other_is_served(server):
    protocol, cipher, status = connect(server, f"{LONG_CBC}:{CBC}:{OF_RSA}")
    assert (protocol, cipher in (CBC, LONG_CBC), status) == ("h2", True, "200")


def test_a_client_without_http2_is_served(server):
    assert connect(server, f"{CBC}:{GCM}", ["http/1.1"])[:2] == ("http/1.1", GCM)


def test_whose_first_is_chacha_gets_that(tmp_path):
    with Gunicorn(tmp_path, WSGI, *FACES["WSGIWorker"], certificate=Certificate(tmp_path)) as server:
        assert connect(server, f"{CHACHA}:{LONG_GCM}:{GCM}:{CBC}")[1] == CHACHA
        assert connect(server, f"{GCM}:{CHACHA}")[1] == GCM


def cipher_of_tls13(server, order):
    """What the server chooses when a ClientHello has these three ciphers of TLS 1.3, in this order."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    hello = outgoing.read()
    ours = b"\x13\x02\x13\x03\x13\x01"
    assert hello.count(ours) == 1
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(hello.replace(ours, b"".join(number.to_bytes(2, "big") for number in order)))
        answer = b""
        while len(answer) < 5 + 4 + 2 + 32 + 1 + 32 + 2:
            data = sock.recv(65536)
            assert data
            answer += data
    assert answer[5] == 2, "no ServerHello"
    at = 5 + 4 + 2 + 32
    at += 1 + answer[at]
    return int.from_bytes(answer[at : at + 2], "big")


def test_with_tls_13_our_own_worker_leaves_the_order_to_the_client(tmp_path):
    with Gunicorn(tmp_path, WSGI, *FACES["WSGIWorker"], certificate=Certificate(tmp_path)) as server:
        for order in itertools.permutations((0x1301, 0x1302, 0x1303)):
            assert cipher_of_tls13(server, order) == order[0]


@pytest.mark.parametrize("face", ["WSGIWorker", "gthread", "gevent", "asgi"])
@pytest.mark.parametrize("way", ["ciphers", "hook"])
def test_an_order_that_the_operator_chose_is_kept(tmp_path, face, way):
    if way == "ciphers":
        options, config = ("--ciphers", f"{CBC}:{GCM}"), None
    else:
        options = ()
        config = ("def ssl_context(conf, factory):\n    context = factory()\n"
                  f"    context.set_ciphers('{CBC}:{GCM}')\n    return context\n")
    app = ASGI if face == "asgi" else WSGI
    with Gunicorn(tmp_path, app, *FACES[face], *options, certificate=Certificate(tmp_path), config=config) as server:
        assert connect(server, f"{GCM}:{CBC}") == ("h2", CBC, "200")
