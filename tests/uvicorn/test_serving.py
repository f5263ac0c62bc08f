"""HTTP/2 and HTTP/1.1 under uvicorn: what its users see."""
import concurrent.futures
import hashlib
import socket
import ssl
import subprocess
import sys
import time

import h2.events
import httpx
import pytest

from tests.support.curl import curl
from tests.support.tls_client import Client

WRITE_OUT = ("--write-out", " %{http_version} %{http_code}")


def test_the_first_connection_speaks_http_2(serve, certificate):
    server = serve(certificate=certificate)
    assert curl(server, "/hello", *WRITE_OUT) == b"Hello, world! 2 200"


def test_http_1_1_on_the_same_port(server):
    assert curl(server, "/hello", *WRITE_OUT, http="--http1.1") == b"Hello, world! 1.1 200"


def test_a_client_without_alpn_gets_http_1_1(server):
    context = ssl.create_default_context(cafile=str(server.certificate.authority))
    with socket.create_connection(("127.0.0.1", server.port)) as raw, \
            context.wrap_socket(raw, server_hostname="127.0.0.1") as sock:
        sock.sendall(b"GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")


def test_in_the_clear(serve):
    server = serve()
    server.certificate = None
    command = ["curl", "-s", "--max-time", "10", *WRITE_OUT, server.url + "/hello"]
    assert subprocess.run([*command, "--http2-prior-knowledge"], capture_output=True).stdout == b"Hello, world! 2 200"
    assert subprocess.run([*command, "--http1.1"], capture_output=True).stdout == b"Hello, world! 1.1 200"


def test_a_preface_in_pieces(serve):
    server = serve()
    with Client(server, before=tuple(b"%c" % c for c in b"PRI * HTT")) as client:
        # The client's own preface follows: only its rest is sent.
        client.sock.sendall(b"")
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        for part in (b"P", b"RI * HTTP/2.0\r\n\r\nSM\r\n", b"\r\n" + bytes(9)[:3] + b"\x04" + bytes(5)):
            sock.sendall(part)
            time.sleep(0.01)
        sock.settimeout(5)
        assert sock.recv(9)[3] == 4
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        for part in (b"P", b"OST /digest HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n", b"x"):
            sock.sendall(part)
            time.sleep(0.01)
        sock.settimeout(5)
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")


def test_the_scope_is_as_in_http_1_1(server):
    def scope(http):
        return eval(curl(server, "/scope?a=b", "-H", "X-Name: value", http=http))

    ours, theirs = scope("--http2"), scope("--http1.1")
    assert ours["http_version"] == "2"
    assert set(ours) - set(theirs) == {"extensions"} - set(theirs)
    for key in set(theirs) - {"http_version", "client", "headers", "extensions"}:
        assert ours[key] == theirs[key], key
    assert type(ours["client"]) is tuple
    assert ours["client"][0] == "127.0.0.1"
    assert sorted(ours["headers"]) == sorted(theirs["headers"])
    assert ours["state"] == {"from_lifespan": "yes"}
    tls = ours["extensions"]["tls"]
    assert tls["server_cert"].startswith("-----BEGIN CERTIFICATE-----")
    assert tls["tls_version"] == 0x0304
    assert tls["cipher_suite"] in (0x1301, 0x1302, 0x1303)
    assert (tls["client_cert_chain"], tls["client_cert_name"]) == ([], None)


def test_uploads_and_downloads(server):
    body = bytes(range(256)) * 12000
    context = ssl.create_default_context(cafile=str(server.certificate.authority))
    with httpx.Client(http1=False, http2=True, verify=context, timeout=30) as client:
        assert client.post(server.url + "/digest", content=body).text == hashlib.sha256(body).hexdigest()
        found = client.get(server.url + "/stream?40")
        assert found.http_version == "HTTP/2"
        assert found.content == b"".join(b"%d" % (n % 10) * 50000 for n in range(40))
        assert client.head(server.url + "/hello").headers["content-length"] == "13"


def test_many_streams_of_several_connections(server):
    def load(_):
        with Client(server) as client:
            for n in range(50):
                client.request(2 * n + 1, "/hello" if n % 5 else "/stream?1")
            assert client.read(lambda: len(client.found(h2.events.StreamEnded)) == 50)
            return sum(len(client.body(2 * n + 1)) for n in range(50))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(load, range(8))) == [10 * 50000 + 40 * 13] * 8


def test_a_fault_is_a_500_and_in_the_log(server):
    assert curl(server, "/fault", *WRITE_OUT) == b"Internal Server Error 2 500"
    assert "Exception in ASGI application" in server.log
    assert "ValueError: a fault of the application" in server.log


def test_trailers(server):
    with Client(server) as client:
        client.request(1, "/trailers")
        assert client.read(lambda: client.found(h2.events.StreamEnded))
        assert client.found(h2.events.TrailersReceived)[0].headers == [("x-end", "yes")]
        assert client.body() == b"body"


def test_a_disconnect_reaches_the_application(server):
    before = curl(server, "/seen").count(b"http.disconnect")
    with Client(server) as client:
        client.request(1, "/events")
        assert client.read(lambda: b"data: 3" in client.body())
        client.conn.reset_stream(1)
        client.flush()
        client.request(3, "/hello")
        assert client.read(lambda: client.found(h2.events.StreamEnded, 3))
    with Client(server) as client:
        client.request(1, "/events")
        assert client.read(lambda: b"data: 3" in client.body())
    deadline = time.monotonic() + 5
    while curl(server, "/seen").count(b"http.disconnect") < before + 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_client_that_does_not_read_does_not_stop_others(server):
    with Client(server, credit=False) as client:
        client.request(1, "/stream?1000")
        assert client.read(lambda: len(client.body()) == 65535)
        assert curl(server, "/hello") == b"Hello, world!"
        client.ping()


def test_access_log_lines_are_uvicorns(serve, certificate):
    server = serve(certificate=certificate)
    curl(server, "/scope?a=b")
    curl(server, "/scope?a=b", http="--http1.1")
    deadline = time.monotonic() + 5
    while (log := server.log).count("GET /scope?a=b") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    lines = [line.split(" - ")[-1] for line in log.splitlines() if "GET /scope" in line]
    assert sorted(lines) == ['"GET /scope?a=b HTTP/1.1" 200 OK', '"GET /scope?a=b HTTP/2" 200 OK']


def test_proxy_headers(serve, certificate):
    fields = ("-H", "X-Forwarded-For: 192.0.2.7", "-H", "X-Forwarded-Proto: http")
    server = serve(certificate=certificate)
    scope = eval(curl(server, "/scope", *fields))
    assert (scope["client"][0], scope["scheme"]) == ("192.0.2.7", "http")
    assert eval(curl(server, "/scope"))["client"][0] == "127.0.0.1"
    for keywords in ({"proxy_headers": False}, {"forwarded_allow_ips": "192.0.2.1"}):
        server = serve(certificate=certificate, **keywords)
        scope = eval(curl(server, "/scope", *fields))
        assert (scope["client"][0], scope["scheme"]) == ("127.0.0.1", "https")


def test_root_path_and_date_and_server(serve, certificate):
    server = serve(certificate=certificate, root_path="", date_header=False, server_header=False,
                   headers=[["X-Default", "yes"]])
    with Client(server) as client:
        client.request(1, "/hello")
        assert client.read(lambda: client.found(h2.events.StreamEnded))
        names = [name for name, _ in client.found(h2.events.ResponseReceived)[0].headers]
        assert names == [":status", "x-default", "content-type", "content-length"]


def test_limit_concurrency(serve, certificate):
    server = serve(certificate=certificate, limit_concurrency=3)
    with Client(server) as client:
        for n in (1, 3, 5, 7, 9):
            client.request(n, "/slow")
        assert client.read(lambda: len(client.found(h2.events.StreamEnded)) == 5)
        statuses = sorted(client.status(n) for n in (1, 3, 5, 7, 9))
        assert statuses == ["200"] * 3 + ["503"] * 2
    assert "Exceeded concurrency limit." in server.log


def test_limit_max_requests(serve, certificate):
    server = serve(certificate=certificate, limit_max_requests=20)
    with Client(server, patient=True) as client:
        for n in range(20):
            client.request(2 * n + 1, "/hello")
        assert client.read(lambda: len(client.found(h2.events.StreamEnded)) == 20)
        assert client.read(lambda: client.closed or len(client.found(h2.events.ConnectionTerminated)) >= 1)
    assert server.ends()


def test_keep_alive(serve, certificate):
    server = serve(certificate=certificate, timeout_keep_alive=1)
    with Client(server) as client:
        client.request(1, "/slow?1.5")
        assert client.read(lambda: client.found(h2.events.StreamEnded))
        began = time.monotonic()
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated))
        assert 0.5 <= time.monotonic() - began <= 4


def test_a_graceful_shutdown_serves_what_is_open(serve, certificate):
    server = serve(certificate=certificate)
    with Client(server, patient=True) as client, Client(server, patient=True) as idle:
        idle.request(1, "/hello")
        assert idle.read(lambda: idle.found(h2.events.StreamEnded))
        client.request(1, "/slow?1")
        client.ping()
        began = time.monotonic()
        server.interrupt()
        assert client.read(lambda: client.found(h2.events.StreamEnded))
        assert client.body() == b"slow"
        for each in (client, idle):
            assert each.read(lambda each=each: len(each.found(h2.events.ConnectionTerminated)) == 2)
            first, last = each.found(h2.events.ConnectionTerminated)
            assert (first.last_stream_id, last.last_stream_id) == (2**31 - 1, 1)
    assert server.ends()
    assert time.monotonic() - began < 8
    assert "Traceback" not in server.log


def test_the_command_line(tmp_path, certificate, setup):
    """From 0.36 on ``--http`` takes a class; with workers the name is passed on to them."""
    from tests.support.uvicorn_server import Uvicorn
    from tests.support.uvicorn_versions import VERSIONS

    name, _, loop = setup.rpartition("-")
    version = VERSIONS[name]
    arguments = ("-m", "uvicorn", "--http", "fasth2.uvicorn:H2Protocol", "--loop", loop, "--port", "0",
                 "--ssl-certfile", str(certificate.cert), "--ssl-keyfile", str(certificate.key),
                 "tests.support.uvicorn_app:app")
    if version.number < (0, 36):
        assert "Invalid value for '--http'" in subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True,
            env={"PYTHONPATH": f"{version.site}"}).stderr
        return
    with Uvicorn(tmp_path, version=version, certificate=certificate, program=arguments) as server:
        assert curl(server, "/hello", *WRITE_OUT) == b"Hello, world! 2 200"


def test_unix_sockets(serve, tmp_path):
    path = tmp_path / "socket"
    serve(uds=str(path), host=None)
    done = subprocess.run(["curl", "-s", "--max-time", "10", "--unix-socket", str(path), "--http2-prior-knowledge",
                           "http://a/scope"], capture_output=True, text=True)
    scope = eval(done.stdout)
    assert scope["client"] is None
    assert scope["server"] in ((str(path), None), None)


@pytest.mark.parametrize("name", ["h11", "uvicorn.protocols.http.h11_impl:H11Protocol"])
def test_the_class_for_http_1_1_is_chosen_in_the_environment(serve, certificate, name):
    server = serve(certificate=certificate, env={"FASTH2_HTTP1": name})
    assert curl(server, "/hello", *WRITE_OUT, http="--http1.1") == b"Hello, world! 1.1 200"
    assert curl(server, "/hello", *WRITE_OUT) == b"Hello, world! 2 200"
