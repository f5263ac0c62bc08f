"""Requests that the worker classes answer themselves: CONNECT, and what gunicorn's rules refuse; and the access log."""
import re
import time

import h2.events
import pytest

from fasth2.gunicorn.dropin.contract import installed
from tests.support.gunicorn_server import tracebacks
from tests.support.tls_client import Client

APP = "tests.gunicorn.patched.response_rules_app:app"
FORMAT = "accessed %(r)s %(s)s %(B)s"

#: gunicorn's first versions judge no request in HTTP/2.
judges = pytest.mark.skipif(not installed().names_server_and_date, reason="this gunicorn refuses no request in HTTP/2")


def accessed(server, count=1):
    """What the access log says of requests: the line, status and size of each."""
    found = []
    for _ in range(200):
        found = re.findall(r"accessed (.+) (\S+) (\S+)$", server.log, re.MULTILINE)
        if len(found) >= count:
            break
        time.sleep(0.05)
    return found


@pytest.fixture
def logging(start, blocking_worker):
    def logging(*options, **kwargs):
        return start(*blocking_worker, "--access-logfile", "-", "--access-logformat", FORMAT, *options, app=APP, **kwargs)
    return logging


def connect(client, stream_id=1):
    client.conn.send_headers(stream_id, [(":method", "CONNECT"), (":authority", "example.org:443")])
    client.flush()
    assert client.read(client.ended(stream_id))


def test_CONNECT_at_a_server_that_is_no_proxy_is_501(logging):
    server = logging()
    with Client(server) as client:
        connect(client)
        assert client.status() == "501"
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.status(3) == "200"
    [(line, status, size), (_, other, _)] = accessed(server, 2)
    assert (line, status, other) == ("CONNECT example.org:443 HTTP/2.0", "501", "200")
    assert int(size) == len(client.body())
    assert tracebacks(server) == 0


def test_CONNECT_reaches_the_application_where_the_operator_asked_for_it(logging):
    server = logging(env={"FASTH2_ALLOW_CONNECT": "1"})
    with Client(server) as client:
        connect(client)
        assert client.status() == "200"  # the application's


@judges
@pytest.mark.parametrize(("path", "fields", "status"), [
    ("/" + "x" * 5000, [], "414"),
    ("/hello", [("x-large", "x" * 9000)], "431"),
    ("/hello", [(f"x-{n}", "x") for n in range(150)], "431"),
])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_head_that_is_too_large_is_answered(logging, method, path, fields, status):
    server = logging()
    with Client(server) as client:
        client.request(1, path, method, fields, end_stream=method != "POST")
        assert client.read(lambda: client.found(h2.events.StreamEnded, 1) or client.ended(1)())
        assert client.status() == status
        assert bool(client.body()) == (method != "HEAD")
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"
    [(line, logged, _), *_] = accessed(server, 2)
    assert logged == status
    assert line.startswith(method)
    assert server.log.count("Invalid request from ip=127.0.0.1") == 1
    assert tracebacks(server) == 0


@judges
def test_a_malformed_request_is_reset_and_leaves_a_line(logging):
    server = logging("--header-map", "refuse")
    with Client(server) as client:
        client.request(1, "/hello", headers=[("under_score", "x")])
        assert client.read(lambda: client.found(h2.events.StreamReset, 1))
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"
    accessed(server)
    assert server.log.count("[WARNING] Invalid request from ip=127.0.0.1") == 1
    assert tracebacks(server) == 0


@pytest.mark.parametrize(("path", "status"), [("/hello", "200"), ("/fail", "500"), ("/short", "500"), ("/unknown", "404"),
                                              ("/fail-late", "200"), ("/replaced", "503")])
def test_the_status_in_the_access_log_is_the_one_that_the_client_got(logging, path, status):
    server = logging()
    with Client(server) as client:
        client.request(1, path)
        assert client.read(client.ended())
        assert client.status() == status
    [(line, logged, size)] = accessed(server)
    assert line == f"GET {path} HTTP/2.0"
    assert logged == status
    assert int(size) == len(client.body())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_error_has_a_body_unless_the_request_is_HEAD(logging, method):
    server = logging()
    with Client(server) as client:
        client.request(1, "/fail", method)
        assert client.read(client.ended())
        assert client.status() == "500"
        assert bool(client.body()) == (method == "GET")


def test_a_request_that_its_client_cancelled_is_logged_as_499(logging, tmp_path):
    server = logging()
    note = tmp_path / "note"
    with Client(server) as client:
        client.request(1, f"/empty-parts?{note}")
        for _ in range(200):
            if (tmp_path / "note.drawn").exists():
                break
            time.sleep(0.05)
        client.conn.reset_stream(1, error_code=8)
        client.flush()
        [(_, status, size)] = accessed(server)
    assert (status, size) == ("499", "0")
    assert tracebacks(server) == 0
