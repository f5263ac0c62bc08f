"""Each setting of gunicorn that a worker has something to do with."""
import itertools
import json
import os
import re
import shutil
import signal
import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
import trustme

from tests.gunicorn.native.asking import ask
from tests.support.certificate import Certificate
from tests.support.gate import Gate
from tests.support.tls_client import Client
from tests.support.waiting import wait_until

APP = "tests.gunicorn.native.settings_application:app"


@pytest.fixture
def gate(tmp_path):
    """What the calls of a test wait for."""
    return Gate(tmp_path / "gate")


def seen(client, path="/", **more):
    """The environment that the application sees."""
    status, body = ask(client, path, **more)
    assert status == "200", status
    return json.loads(body)


# What a peer may say

@pytest.mark.parametrize("allowed, scheme, name", [("127.0.0.1", "https", "/app"), ("10.0.0.1", "http", ""),
                                                   ("*", "https", "/app"), ("127.0.0.0/8", "https", "/app")])
def test_forwarded_allow_ips(start, allowed, scheme, name):
    server = start(APP, "--forwarded-allow-ips", allowed, tls=False)
    if allowed == "10.0.0.1":
        # HTTP/2 without TLS is for those peers only.
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
            sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            assert sock.recv(100).startswith(b"HTTP/1.1 ")
        return
    with Client(server) as client:
        found = seen(client, "/app/x", headers=[("x-forwarded-proto", "https"), ("script_name", "/app")])
        assert (found["wsgi.url_scheme"], found["SCRIPT_NAME"], found["PATH_INFO"]) == (scheme, name, "/x")


def test_a_peer_that_is_not_trusted(start):
    server = start(APP, "--forwarded-allow-ips", "10.0.0.1")
    with Client(server) as client:
        found = seen(client, "/app/x", headers=[("x-forwarded-proto", "http"), ("script_name", "/app")])
        assert (found["wsgi.url_scheme"], found["SCRIPT_NAME"], found["PATH_INFO"]) == ("https", "", "/app/x")
        assert found["HTTP_X_FORWARDED_PROTO"] == "http"


def test_secure_scheme_headers_and_forwarder_headers(start):
    config = "secure_scheme_headers = {'X-SECRET': 'yes'}\nforwarder_headers = 'REMOTE_USER'\n"
    server = start(APP, config=config)
    with Client(server) as client:
        found = seen(client, headers=[("x-secret", "no"), ("x-forwarded-proto", "https"), ("remote_user", "me")])
        assert (found["wsgi.url_scheme"], found["HTTP_REMOTE_USER"]) == ("http", "me")
        assert seen(client, headers=[("x-secret", "yes")])["wsgi.url_scheme"] == "https"


@pytest.mark.parametrize("header_map, expected", [("drop", None), ("dangerous", "1"), ("refuse", 400)])
def test_header_map(start, header_map, expected):
    server = start(APP, "--header-map", header_map)
    with Client(server) as client:
        if expected == 400:
            status, body = ask(client, "/", headers=[("x_under", "1")])
            assert (status, body) == ("400", b"Invalid HTTP header name: 'X_UNDER'")
            assert ask(client, "/", "HEAD", headers=[("x_under", "1")]) == ("400", b"")
            wait_until(lambda: "Invalid request from ip=127.0.0.1: Invalid HTTP header name: 'X_UNDER'" in server.log)
        else:
            assert seen(client, headers=[("x_under", "1")]).get("HTTP_X_UNDER") == expected
        assert ask(client, "/")[0] == "200"


def test_limits_of_a_request(start):
    server = start(APP, "--limit-request-line", "60", "--limit-request-fields", "5", "--limit-request-field_size", "100")
    with Client(server) as client:
        assert ask(client, "/" + "x" * 59)[0] == "200"
        assert ask(client, "/" + "x" * 60)[0] == "414"
        assert ask(client, "/", headers=[(f"x-{n}", "1") for n in range(5)])[0] == "200"
        assert ask(client, "/", headers=[(f"x-{n}", "1") for n in range(6)])[0] == "431"
        assert ask(client, "/", headers=[("x-long", "v" * 92)])[0] == "200"
        assert ask(client, "/", headers=[("x-long", "v" * 93)])[0] == "431"
        assert ask(client, "/", headers=[("cookie", "a" * 50), ("cookie", "b" * 50)])[0] == "431"
        assert ask(client, "/", headers=[("cookie", "a" * 20), ("cookie", "b" * 20), *((f"x-{n}", "1") for n in range(4))])[
            0] == "200"


def test_limits_that_are_off(start):
    server = start(APP, "--limit-request-line", "0", "--limit-request-fields", "200", "--limit-request-field_size", "0")
    with Client(server) as client:
        assert seen(client, "/" + "x" * 9000, headers=[("x-long", "v" * 9000)])["HTTP_X_LONG"] == "v" * 9000


def test_script_name_from_the_environment(start):
    server = start(APP, env={"SCRIPT_NAME": "/app"})
    with Client(server) as client:
        found = seen(client, "/app/a%20b?c")
        assert (found["SCRIPT_NAME"], found["PATH_INFO"], found["QUERY_STRING"]) == ("/app", "/a b", "c")
        assert ask(client, "/elsewhere")[0] == "500"


# HTTP/2's own

def test_http2_settings_are_announced_and_kept(start):
    server = start(APP, "--http2-max-concurrent-streams", "3", "--http2-initial-window-size", "100000",
                   "--http2-max-frame-size", "20000", "--http2-max-header-list-size", "5000", "--threads", "8")
    with Client(server) as client:
        assert client.read(lambda: client.found(h2.events.SettingsAcknowledged))
        codes = h2.settings.SettingCodes
        assert {code: client.conn.remote_settings[code] for code in (
            codes.MAX_CONCURRENT_STREAMS, codes.INITIAL_WINDOW_SIZE, codes.MAX_FRAME_SIZE, codes.MAX_HEADER_LIST_SIZE,
        )} == {codes.MAX_CONCURRENT_STREAMS: 3, codes.INITIAL_WINDOW_SIZE: 100000, codes.MAX_FRAME_SIZE: 20000,
               codes.MAX_HEADER_LIST_SIZE: 5000}
        client.request(1, "/", "POST", end_stream=False)
        assert client.conn.local_flow_control_window(1) == 65535
        client.data(1, bytes(19000), end_stream=True)
        assert client.read(client.ended(1))
        assert client.status(1) == "200"


def test_keepalive(start):
    """An idle connection gets GOAWAY, and is closed."""
    server = start(APP, "--keep-alive", "1")
    with Client(server) as client:
        assert ask(client, "/")[0] == "200"
        began = time.monotonic()
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated))
        assert 0.5 < time.monotonic() - began < 6
        [event] = client.found(h2.events.ConnectionTerminated)
        assert (int(event.error_code), event.last_stream_id) == (0, 1)
        assert client.sock.recv(1) == b""


# The life of a worker

def test_max_requests_with_jitter(start):
    server = start(APP, "--max-requests", "5", "--max-requests-jitter", "3", "--graceful-timeout", "5")
    first, count = None, 0
    with Client(server, patient=True) as client:
        while not client.found(h2.events.ConnectionTerminated):
            pid = seen(client)["pid"]
            first = first or pid
            count += 1
            assert count <= 20
            client.read(lambda: bool(client.found(h2.events.ConnectionTerminated)), 0.05)
    assert count >= 5
    assert "Autorestarting worker after current request." in server.log
    wait_until(lambda: len(server.workers) == 2)
    with Client(server) as client:
        assert seen(client)["pid"] != first


def test_max_requests_counts_both_protocols(start):
    server = start(APP, "--max-requests", "4", "--graceful-timeout", "5")
    with Client(server) as client:
        for _ in range(2):
            assert ask(client, "/")[0] == "200"
        for _ in range(2):
            assert b" 200 OK" in http1(server, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    wait_until(lambda: "Autorestarting worker" in server.log)
    wait_until(lambda: len(server.workers) == 2)


def test_preload_app(start):
    server = start(APP, "--preload", "--workers", "2", "--threads", "2")
    found = set()
    for _ in range(12):
        with Client(server) as client:
            found.add((seen(client)["pid"], seen(client)["started"]))
    assert len({started for _, started in found}) == 1


def test_reload_when_a_file_changes(start, tmp_path):
    module = tmp_path / "changing.py"
    text = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'%s']\n"
    module.write_text(text % "before")
    server = start("changing:app", "--reload", "--reload-engine", "poll", "--pythonpath", str(tmp_path),
                   "--graceful-timeout", "5", env={"PYTHONDONTWRITEBYTECODE": "1"})
    with Client(server) as client:
        assert ask(client, "/") == ("200", b"before")
    module.write_text(text % "after!")
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    later = itertools.count(int(time.time()) + 1)

    def is_noticed():
        # The poller compares the file's time with the one that it saw first, which may be this one.
        os.utime(module, times=(now := next(later), now))
        return "Worker reloading" in server.log

    wait_until(is_noticed)

    def after():
        try:
            with Client(server) as client:
                return ask(client, "/") == ("200", b"after!")
        except (OSError, AssertionError):
            return False

    wait_until(after, 15.0)


def test_a_worker_that_is_told_to_quit_at_once(start, gate):
    server = start(APP, "--graceful-timeout", "20")
    with Client(server) as client:
        client.request(1, gate.target)
        gate.wait_for_calls()
        began = time.monotonic()
        server.process.send_signal(signal.SIGQUIT)
        server.process.wait(10)
        assert time.monotonic() - began < 8


def test_a_worker_in_an_endless_call_is_killed_after_timeout(start, gate):
    server = start(APP, "--timeout", "1", "--threads", "1", "--graceful-timeout", "1")
    with Client(server) as client, Client(server) as other:
        pid = seen(other)["pid"]
        client.request(1, gate.target)
        gate.wait_for_calls()
        other.request(3, "/")
        wait_until(lambda: "WORKER TIMEOUT" in server.log, 15.0)
    wait_until(lambda: len(server.workers) == 2)
    with Client(server) as client:
        assert seen(client)["pid"] != pid


# TLS

def test_the_ssl_context_hook(start):
    config = """
def ssl_context(conf, factory):
    context = factory()
    context.maximum_version = __import__("ssl").TLSVersion.TLSv1_2
    return context
"""
    server = start(APP, "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256", config=config)
    with Client(server) as client:
        version, cipher, protocol, _ = seen(client)["tls"]
        assert (version, protocol) == ("TLSv1.2", "h2")
        assert cipher.endswith("AES128-GCM-SHA256")


@pytest.mark.parametrize("reqs", [1, 2])
def test_client_certificates(start, tmp_path, reqs):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "clients.pem"))
    theirs = authority.issue_cert("someone@example.org")
    server = start(APP, "--cert-reqs", str(reqs), "--ca-certs", str(tmp_path / "clients.pem"))
    context = ssl.create_default_context(cafile=str(server.certificate.authority))
    context.set_alpn_protocols(["h2"])
    if reqs == 2:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            with Client(server, context=context) as client:
                ask(client, "/")
                raise ConnectionError("no answer")
    else:
        with Client(server, context=context) as client:
            assert seen(client)["tls"][3] == "None"
    theirs.configure_cert(context)
    with Client(server, context=context) as client:
        assert "trustme" in seen(client)["tls"][3]


def test_a_renewed_certificate_is_served_at_once(start, tmp_path):
    one = Certificate(tmp_path)
    server = start(APP, "--certfile", str(one.cert), "--keyfile", str(one.key))
    server.certificate = one
    renewed = tmp_path / "renewed"
    renewed.mkdir()
    other = Certificate(renewed)
    with Client(server) as old:
        assert seen(old)["tls"]
        # Half of it is there: the last that was whole is served, and the log says why.
        shutil.copy(other.cert, one.cert)
        for _ in range(3):
            with Client(server) as client:
                assert seen(client)["tls"]
        assert server.log.count("The TLS certificate cannot be read again") == 1
        shutil.copy(other.key, one.key)
        server.certificate = other
        with Client(server) as client:
            assert seen(client)["tls"][2] == "h2"
        assert seen(old)["tls"]


def test_an_ssl_context_hook_that_fails_later(start, tmp_path):
    config = f"""
def ssl_context(conf, factory):
    if __import__("os").path.exists({str(tmp_path / "fail")!r}):
        raise RuntimeError("not today")
    return factory()
"""
    one = Certificate(tmp_path)
    server = start(APP, "--certfile", str(one.cert), "--keyfile", str(one.key), config=config)
    server.certificate = one
    with Client(server) as old:
        assert seen(old)["tls"]
        (tmp_path / "fail").touch()
        os.utime(one.cert)
        with Client(server) as client:
            assert seen(client, "/again")["tls"]
        assert "the last one is in use: not today" in server.log
        old.request(3, "/")
        assert old.read(old.ended(3)) and old.status(3) == "200"


# Sockets

def test_a_unix_socket(start, tmp_path):
    path = f"{tmp_path}/socket"
    server = start(APP, "--bind", f"unix:{path}", tls=False)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(path)
        conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        conn.initiate_connection()
        conn.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":authority", "example.org:81"), (":path", "/")], True)
        sock.sendall(conn.data_to_send())
        body = b""
        while not body.endswith(b"}"):
            for event in conn.receive_data(sock.recv(65536)):
                body += getattr(event, "data", b"") if isinstance(event, h2.events.DataReceived) else b""
    found = json.loads(body)
    assert (found["SERVER_NAME"], found["SERVER_PORT"], found["REMOTE_ADDR"]) == ("example.org", "81", "")
    with Client(server) as client:
        assert seen(client)["REMOTE_ADDR"] == "127.0.0.1"


def test_several_addresses(start):
    server = start(APP, "--bind", "127.0.0.2:0", tls=False)
    port = int(re.search(r"127\.0\.0\.2:(\d+)", server.log)[1])
    with Client(server) as client:
        assert seen(client)["SERVER_NAME"] == "127.0.0.1"
    with socket.create_connection(("127.0.0.2", port), timeout=10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b'"SERVER_NAME": "127.0.0.2"' in read_all(sock)


# HTTP/1.1 on the same port

def read_all(sock):
    """What comes until the end."""
    received = b""
    while data := sock.recv(65536):
        received += data
    return received


def http1(server, octets, alpn=("http/1.1",)):
    """Send octets over a connection of its own; return all that comes back."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        if server.certificate is not None:
            context = ssl.create_default_context(cafile=str(server.certificate.authority))
            if alpn:
                context.set_alpn_protocols(list(alpn))
            sock = context.wrap_socket(sock, server_hostname="127.0.0.1")
        with sock:
            sock.sendall(octets)
            return read_all(sock)


@pytest.fixture(scope="module", params=["tls", "clear"])
def beside(request, tmp_path_factory, certificate):
    """A server for the requests in HTTP/1.1."""
    from tests.support.gunicorn_matrix import OWN_WORKER
    from tests.support.gunicorn_server import Gunicorn

    with Gunicorn(tmp_path_factory.mktemp("beside"), "tests.support.wsgi_app:app", *OWN_WORKER, "--threads", "2",
                  certificate=certificate if request.param == "tls" else None) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.mark.parametrize("alpn", [("http/1.1",), ()])
def test_a_request_in_HTTP_1_1_is_served_beside_HTTP_2(beside, alpn):
    found = http1(beside, b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", alpn)
    assert found.startswith(b"HTTP/1.1 200 OK\r\n")
    assert found.endswith(b"\r\n\r\nHello, world!")


def test_requests_behind_each_other_in_one_write(beside):
    """Pipelined; over TLS in one record, which the poller never sees the rest of."""
    ask = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
    found = http1(beside, ask * 5 + b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert found.count(b"Hello, world!") == 6


def test_a_connection_that_is_kept(beside):
    """Requests with pauses between them, on one connection, and the time-out at its end."""
    with socket.create_connection(("127.0.0.1", beside.port), timeout=10) as sock:
        if beside.certificate is not None:
            context = ssl.create_default_context(cafile=str(beside.certificate.authority))
            sock = context.wrap_socket(sock, server_hostname="127.0.0.1")
        with sock:
            for _ in range(3):
                sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                received = b""
                while not received.endswith(b"Hello, world!"):
                    received += sock.recv(65536)
                time.sleep(0.1)
            assert sock.recv(1) == b""


def test_a_large_upload_and_download(beside):
    body = os.urandom(3_000_000)
    found = http1(beside, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\nConnection: close\r\n\r\n" + body)
    assert found.partition(b"\r\n\r\n")[2] == body


def test_chunks_and_100_continue(beside):
    found = http1(beside, b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
                          b"Connection: close\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert found.endswith(b"body")


def test_octets_that_are_neither_protocol_get_400(beside):
    found = http1(beside, b"nonsense\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 400 ")


def test_octets_that_begin_like_the_preface(beside):
    if beside.certificate is None:
        with socket.create_connection(("127.0.0.1", beside.port), timeout=10) as sock:
            for octet in b"PR":
                sock.sendall(bytes([octet]))
                time.sleep(0.02)
            sock.sendall(b"OPFIND /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_all(sock).startswith(b"HTTP/1.1 200 OK")


def test_proxy_protocol(start):
    config = "proxy_protocol = True\naccesslog = '-'\naccess_log_format = 'FROM %(h)s'\n"
    server = start(APP, tls=False, config=config)
    found = http1(server, b"PROXY TCP4 10.1.2.3 10.4.5.6 1234 80\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b'"REMOTE_ADDR": "10.1.2.3"' in found
    with Client(server) as client:
        assert seen(client)["REMOTE_ADDR"] == "127.0.0.1"
    assert "has no effect on HTTP/2" not in server.log


# HTTP/2 without TLS

UPGRADE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"


@pytest.mark.parametrize("value, prior, upgrade", [(None, True, False), ("off", False, False), ("upgrade", False, True),
                                                   ("prior-knowledge", True, None), ("both", True, True)])
def test_http2_cleartext(start, value, prior, upgrade):
    """By default prior knowledge is taken; the operator's word counts otherwise."""
    server = start(APP, *(() if value is None else ("--http2-cleartext", value)), tls=False)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        answer = sock.recv(9)
        assert answer.startswith(b"HTTP/1.1 ") != prior
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(UPGRADE)
        expected = {True: b"HTTP/1.1 101 ", False: b"HTTP/1.1 200 ", None: b"HTTP/1.1 400 "}[upgrade]
        assert sock.recv(13) == expected


# Ways out

def test_FASTH2_DISABLE(start):
    server = start(APP, "--http-protocols", "h2,h1", env={"FASTH2_DISABLE": "1"})
    with Client(server) as client:
        found = seen(client)
        assert found["SERVER_PROTOCOL"] == "HTTP/2.0"
    assert "stands aside: FASTH2_DISABLE=1" in server.log
    assert "HTTP/2 by fasth2" not in server.log


def test_settings_without_effect_are_named_once(start):
    config = "sendfile = True\nsuppress_ragged_eofs = False\ndo_handshake_on_connect = True\nworkers = 2\n"
    server = start(APP, config=config)
    with Client(server) as client:
        assert ask(client, "/")[0] == "200"
    for name in ("sendfile = True", "suppress_ragged_eofs = False", "do_handshake_on_connect = True"):
        assert server.log.count(f"{name} has no effect on HTTP/2") == 1


def test_nothing_is_said_of_settings_that_were_left(start):
    server = start(APP)
    assert "no effect" not in server.log
