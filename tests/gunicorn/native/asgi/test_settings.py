"""Settings of gunicorn, its hooks, its log, and what peers may say."""
import json
import re
import signal
import socket
import subprocess

import h2.events
import pytest

from tests.gunicorn.native.asking import ask, fields
from tests.support.curl import curl
from tests.support.tls_client import Client
from tests.support.waiting import wait_until

HOOKS = '''
import json

def note(kind, **values):
    with open("hooks", "a") as file:
        file.write(json.dumps([kind, values]) + "\\n")

def described(req):
    names = ("method", "uri", "path", "query", "version", "scheme", "headers", "content_length", "content_type")
    found = {name: getattr(req, name) for name in names}
    found["headers"] = sorted(found["headers"])
    return {**found, "should_close": req.should_close(), "host": req.get_header("host"), "peer": req.peer_addr[0]}

def pre_request(worker, req):
    if req.path == "/refused":
        raise ValueError("refused by the hook")
    note("pre_request", request=described(req), worker=worker.pid > 0)

def post_request(worker, req, environ, resp):
    headers = sorted([name.lower(), value] for name, value in resp.headers)
    note("post_request", request=described(req), status=resp.status, sent=resp.sent, headers=headers, path=environ["PATH_INFO"])

def post_worker_init(worker):
    note("post_worker_init")

def worker_exit(server, worker):
    note("worker_exit")

def worker_int(worker):
    note("worker_int")

def child_exit(server, worker):
    note("child_exit")
'''

ATOMS = ("h", "l", "u", "r", "s", "m", "U", "q", "H", "b", "B", "f", "a", "{host}i", "{x-field}i", "{content-type}o",
         "{content-length}o", "{x-missing}i", "{REQUEST_METHOD}e")


def scope_of(client, path="/scope", **more):
    status, body = ask(client, path, **more)
    assert status == "200", body
    return eval(body)


def test_hooks_and_access_log_are_as_those_of_gunicorns_asgi_worker(start, tmp_path):
    """Over the same requests; fasth2's patched worker class is the reference."""
    found = []
    for worker in ("fasth2.gunicorn.asgi", "fasth2.gunicorn.ASGIWorker"):
        folder = tmp_path / worker
        folder.mkdir()
        server = start("-k", worker, "--chdir", str(folder), "--access-logfile", "access",
                       "--access-logformat", "\t".join(f"%({atom})s" for atom in ATOMS) + "\t%(L)s", config=HOOKS)
        with Client(server) as client:
            ask(client, "/hello?a=b", headers=[("x-field", "1"), ("user-agent", 'a "quoted" one'), ("referer", "http://r/")])
            ask(client, "/digest", "POST", [("content-type", "text/x"), ("content-length", "4")], b"body")
            ask(client, "/hel%6co", "HEAD", [("cookie", "a=b")])
            ask(client, "/trailers")
            client.request(9, "/slow?5")
            client.ping()
            client.conn.reset_stream(9)
        server.terminate()
        assert server.process.wait(10) == 0
        lines = [line.split("\t") for line in (folder / "access").read_text().splitlines()]
        for line in lines:
            assert re.fullmatch(r"\d\.\d{6}", line.pop())
        hooks = [json.loads(line) for line in (folder / "hooks").read_text().splitlines()]
        found.append((sorted(lines), sorted(map(repr, hooks))))
    assert len(found[1][0]) == 5
    assert found[1] == found[0]


def test_a_pre_request_hook_that_fails_is_a_500(start, tmp_path):
    server = start("--chdir", str(tmp_path), config=HOOKS)
    with Client(server) as client:
        assert ask(client, "/refused")[0] == "500"
    assert "ValueError: refused by the hook" in server.log
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(10) == 0
    kinds = [json.loads(line)[0] for line in (tmp_path / "hooks").read_text().splitlines()]
    assert kinds[0] == "post_worker_init"
    assert {"worker_int", "worker_exit"} < set(kinds)


def test_reopened_logs(start, tmp_path):
    server = start("--access-logfile", str(tmp_path / "access"))
    curl(server, "/hello")
    wait_until((tmp_path / "access").read_text)
    (tmp_path / "access").rename(tmp_path / "old")
    server.process.send_signal(signal.SIGUSR1)
    wait_until((tmp_path / "access").exists)

    def is_logged_anew():
        curl(server, "/hello")
        return "GET /hello HTTP/2.0" in (tmp_path / "access").read_text()

    wait_until(is_logged_anew)


def test_statsd(start):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(10)
        server = start("--statsd-host", f"127.0.0.1:{statsd.getsockname()[1]}")
        curl(server, "/hello")
        seen = b""
        while b"gunicorn.request.status.200:1|c" not in seen:
            seen += statsd.recv(65536) + b"\n"
    assert b"gunicorn.requests:1|c" in seen


@pytest.mark.parametrize("allowed, scheme", [("127.0.0.1", "https"), ("10.0.0.1", "http"), ("127.0.0.0/8", "https")])
def test_forwarded_allow_ips(start, allowed, scheme):
    server = start("--forwarded-allow-ips", allowed, tls=False)
    if scheme == "http":
        # HTTP/2 without TLS is for those peers only.
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
            sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            assert sock.recv(100).startswith(b"HTTP/1.1 ")
        return
    with Client(server) as client:
        assert scope_of(client, headers=[("x-forwarded-proto", "https")])["scheme"] == "https"
        assert scope_of(client, headers=[("x-forwarded-proto", "http")])["scheme"] == "http"
        assert scope_of(client)["scheme"] == "http"
        assert ask(client, "/scope", headers=[("x-forwarded-proto", "https"), ("x-forwarded-ssl", "off")])[0] == "400"
        found = scope_of(client, headers=[("script_name", "/app"), ("x_other", "1")])
        assert (b"script_name", b"/app") in found["headers"]
        assert b"x_other" not in dict(found["headers"])
    assert "Contradictory scheme headers" in server.log


def test_a_peer_that_is_not_trusted(start):
    server = start("--forwarded-allow-ips", "10.0.0.1")
    with Client(server) as client:
        found = scope_of(client, headers=[("x-forwarded-proto", "http"), ("script_name", "/app")])
        assert found["scheme"] == "https"
        names = [name for name, _ in found["headers"]]
        assert b"script_name" not in names
        assert names[0] == b"host"


def test_limits_of_requests(start):
    server = start("--limit-request-line", "100", "--limit-request-fields", "10", "--limit-request-field_size", "200",
                   "--access-logfile", "-")
    with Client(server) as client:
        assert ask(client, "/" + "a" * 100)[0] == "414"
        assert ask(client, "/hello", headers=[("user-agent", "me"), *((f"x-{n}", "1") for n in range(11))])[0] == "431"
        assert ask(client, "/hello", headers=[("x-a", "1" * 200)])[0] == "431"
        assert ask(client, "/hello", headers=[("cookie", "a" * 110), ("cookie", "b" * 110)])[0] == "431"
        assert ask(client, "/hello", headers=[("content-type", "a/b"), ("content-type", "c/d")])[0] == "400"
        assert ask(client, "/hello", headers=[(f"x-{n}", "1" * 190) for n in range(9)]) == ("200", b"Hello, world!")
        client.conn.send_headers(99, [(":method", "CONNECT"), (":authority", "a:1")])
        client.flush()
        assert client.read(client.ended(99))
        assert client.status(99) == "501"
    assert server.log.count("Invalid request from ip=127.0.0.1") == 6
    assert re.search(r'127\.0\.0\.1 - - \[.*\] "GET /hello HTTP/2\.0" 431 28 "-" "me"', server.log)
    assert re.search(r'127\.0\.0\.1 - - \[.*\] "CONNECT a:1 HTTP/2\.0" 501 15 "-" "-"', server.log)


def test_the_root_path_is_not_a_part_of_the_path(start):
    server = start("--root-path", "/api")
    for http in ("--http2", "--http1.1"):
        found = eval(curl(server, "/scope", http=http))
        assert (found["root_path"], found["path"], found["raw_path"]) == ("/api", "/scope", b"/scope"), http


@pytest.mark.parametrize("tls", [True, False])
def test_the_proxy_protocol(start, tls):
    server = start("--proxy-protocol", "auto", tls=tls)
    with Client(server, before=(b"PROXY TCP4 192.0.2.1 192.0", b".2.2 1234 443\r\n")) as client:
        assert scope_of(client)["client"] == ("192.0.2.1", 1234)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        if tls:
            sock.sendall(b"PROXY TCP4 192.0.2.1\r\n")
            assert sock.recv(100) == b""
            assert "Invalid request from" in server.log
        else:
            sock.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.2 1234 443\r\nGET /scope HTTP/1.1\r\nhost: a\r\n\r\n")
            answer = b""
            while b"'extensions'" not in answer and b"'state'" not in answer:
                answer += sock.recv(65536)
            assert b"('192.0.2.7', 1234)" in answer


def test_worker_connections(start):
    server = start("--worker-connections", "2", "--keep-alive", "30")
    with Client(server) as first, Client(server) as second:
        ask(first, "/hello")
        ask(second, "/hello")
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as third:
            third.sendall(b"not TLS at all")
            third.settimeout(0.3)
            with pytest.raises(TimeoutError):
                third.recv(1)
            first.sock.close()
            third.settimeout(10)
            assert third.recv(100) == b"" or True
            ask(second, "/hello")


def test_a_handshake_that_takes_too_long(start):
    server = start("--timeout", "2")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        assert sock.recv(1) == b""


def test_unix_sockets(start, tmp_path):
    path = tmp_path / "socket"
    server = start("--bind", f"unix:{path}", tls=False)
    for option in ("--http2-prior-knowledge", "--http1.1"):
        command = ["curl", "-s", "--max-time", "10", "--unix-socket", str(path), option, "http://localhost/scope"]
        found = eval(subprocess.run(command, capture_output=True).stdout)
        assert found["http_version"] == ("2" if "2" in option else "1.1")
        assert found["client"] is None or option == "--http1.1"
        if option != "--http1.1":
            assert found["server"] == (str(path), None)
    assert "Traceback" not in server.log


def test_settings_of_http_2(start):
    server = start("--http2-max-concurrent-streams", "7", "--http2-initial-window-size", "100000")
    with Client(server) as client:
        client.ping()
        changed = client.found(h2.events.RemoteSettingsChanged)[0].changed_settings
        assert changed[3].new_value == 7
        assert changed[4].new_value == 100000
        assert fields_of_hello(client)["server"] == "gunicorn/asgi"


def fields_of_hello(client):
    ask(client, "/hello")
    return fields(client)


def test_settings_without_effect_are_told(start):
    server = start("--do-handshake-on-connect")
    assert "fasth2.gunicorn.ASGIWorker: do_handshake_on_connect = True has no effect on HTTP/2" in server.log


def test_gunicorn_unchanged(start):
    """FASTH2_DISABLE leaves gunicorn's own worker."""
    server = start(env={"FASTH2_DISABLE": "1"})
    assert curl(server, "/hello", "--write-out", " %{http_version}", http="--http1.1") == b"Hello, world! 1.1"
