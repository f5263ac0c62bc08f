"""The environment without TLS and over Unix sockets, key by key that of gthread.

With TLS, ``tests/gunicorn/same_answers`` compares it for several hundred requests.
"""
import json
import socket

import h2.config
import h2.connection
import h2.events
import pytest

APP = "tests.gunicorn.native.test_environments:application"
WORKERS = (("-k", "gthread", "--http-protocols", "h2,h1"), ("-k", "fasth2.gunicorn.WSGIWorker"))

FIELDS = [("user-agent", "tests"), ("cookie", "a=1"), ("cookie", "b=2"), ("x-many", "1"), ("x-many", "2"), ("x_under", "no"),
          ("content-type", "text/x"), ("x-forwarded-proto", "https"), ("x-forwarded-for", "10.1.2.3"), ("te", "trailers"),
          ("script-name", "/no"), ("accept", "*/*")]


def application(environ, start_response):
    """JSON of the environment: values where they are plain, else their types."""
    environ["wsgi.input"].read()
    seen = {key: value if isinstance(value, (str, int, tuple)) else type(value).__name__ for key, value in environ.items()}
    for name in ("wsgi.input", "wsgi.errors", "gunicorn.socket"):
        # Objects of fasth2's own.
        seen[name] = "there"
    if seen["REMOTE_ADDR"]:
        seen["REMOTE_PORT"] = seen["REMOTE_PORT"].isdigit()
    seen["wsgi.early_hints"] = callable(environ["wsgi.early_hints"])
    if "gunicorn.http2.send_trailers" in environ:
        seen["gunicorn.http2.send_trailers"] = callable(environ["gunicorn.http2.send_trailers"])
    # The worker's alone: the same function.
    if (also := environ.get("wsgi.ext.http.send_trailers")) == environ.get("gunicorn.http2.send_trailers"):
        seen.pop("wsgi.ext.http.send_trailers", also)
    body = json.dumps(seen).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def client():
    """h2's, which checks nothing that it sends."""
    return h2.connection.H2Connection(h2.config.H2Configuration(
        client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))


def answer(sock, conn, unread=b""):
    """The environment that is the answer to stream 1."""
    body = b""
    while True:
        for event in conn.receive_data(unread):
            if isinstance(event, h2.events.DataReceived):
                body += event.data
            elif isinstance(event, h2.events.StreamEnded):
                return json.loads(body)
        unread = sock.recv(65536)
        assert unread, "the connection was closed"


def by_prior_knowledge(sock, method, path, authority, fields, body=None):
    """A request in HTTP/2 from the beginning."""
    conn = client()
    conn.initiate_connection()
    pseudo = [(":method", method), (":scheme", "http"), (":path", path)]
    if authority is not None:
        pseudo.append((":authority", authority))
    conn.send_headers(1, [*pseudo, *fields], end_stream=body is None)
    if body is not None:
        conn.send_data(1, body, end_stream=True)
    sock.sendall(conn.data_to_send())
    return answer(sock, conn)


def by_upgrade(sock, octets):
    """A request in HTTP/1.1 that asks for HTTP/2."""
    conn = client()
    settings = conn.initiate_upgrade_connection()
    head, _, body = octets.partition(b"\r\n\r\n")
    sock.sendall(head + b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: " + settings
                 + b"\r\n\r\n" + body)
    received = b""
    while b"\r\n\r\n" not in received:
        data = sock.recv(65536)
        assert data, "the connection was closed"
        received += data
    assert received.startswith(b"HTTP/1.1 101 "), received
    sock.sendall(conn.data_to_send())
    return answer(sock, conn, received.partition(b"\r\n\r\n")[2])


REQUESTS = {
    "plain": lambda sock: by_prior_knowledge(sock, "GET", "/", "example.org", []),
    "with fields": lambda sock: by_prior_knowledge(sock, "GET", "/a%20b/%C3%A9?c=d&e", "example.org:8080", FIELDS),
    "with a body": lambda sock: by_prior_knowledge(sock, "POST", "/x", "example.org:82", [("content-length", "4")], b"body"),
    "by host": lambda sock: by_prior_knowledge(sock, "GET", "/", None, [("host", "other.example")]),
    "OPTIONS *": lambda sock: by_prior_knowledge(sock, "OPTIONS", "*", "example.org", []),
    "upgraded": lambda sock: by_upgrade(sock, b"GET /a?b HTTP/1.1\r\nHost: example.org:81\r\nX-One: 1\r\nCookie: a=b\r\n\r\n"),
    "upgraded with a body": lambda sock: by_upgrade(
        sock, b"POST /a?b HTTP/1.1\r\nHost: example.org\r\nContent-Length: 4\r\nContent-Type: text/x\r\n\r\nbody"),
}


@pytest.fixture
def both(start, tmp_path):
    """The environments of all requests, of gthread and of the worker; over TCP, and over a Unix socket."""
    def both(*options, unix=False, threads="4"):
        found = []
        for number, worker in enumerate(WORKERS):
            path = f"{tmp_path}/{number}"
            bind = ("--bind", f"unix:{path}") if unix else ()
            server = start(APP, "--http2-cleartext", "both", "--threads", threads, *bind, *options, tls=False, worker=worker)
            seen = {}
            for name, send in REQUESTS.items():
                with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as sock:
                    sock.settimeout(10)
                    sock.connect(path if unix else ("127.0.0.1", server.port))
                    seen[name] = send(sock)
                    port = str(server.port)
                    seen[name] = {key: "the port" if value == port else value for key, value in seen[name].items()}
            found.append(seen)
        return found

    return both


@pytest.mark.parametrize("unix", [False, True])
@pytest.mark.parametrize("options", [(), ("--forwarder-headers", "SCRIPT_NAME,X_UNDER"), ("--header-map", "dangerous")])
def test_the_environment_is_gthreads(both, options, unix):
    theirs, ours = both(*options, unix=unix)
    for name in REQUESTS:
        assert ours[name] == theirs[name], name


def test_with_one_thread_wsgi_multithread_is_false(both):
    """gthread says that there are several; here there is one, ever."""
    theirs, ours = both(threads="1")
    for name in REQUESTS:
        assert ours[name].pop("wsgi.multithread") is False
        assert theirs[name].pop("wsgi.multithread") is True
        assert ours[name] == theirs[name], name


@pytest.mark.parametrize("authority, name, port", [
    ("[::1]:82", "[::1]", "82"), ("[::1]", "[::1]", "80"), ("example.org", "example.org", "80"), ("a:b", "a", "b")])
def test_the_server_is_named_by_the_client_over_a_unix_socket(start, tmp_path, authority, name, port):
    """As gunicorn has it, but for addresses in brackets, which it splits at their first colon."""
    path = f"{tmp_path}/socket"
    start(APP, "--bind", f"unix:{path}", tls=False)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        seen = by_prior_knowledge(sock, "GET", "/", authority, [])
    assert (seen["SERVER_NAME"], seen["SERVER_PORT"]) == (name, port)
