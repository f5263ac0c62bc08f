"""Hooks, access log, counts and errors under the worker classes: as under gunicorn's own."""
import socket

import pytest

from tests.support.tls_client import Client

FORMAT = 'ACCESS %(m)s %(U)s %(q)s %(s)s %(B)s %(H)s "%(a)s" %({content-type}o)s %({x-test}i)s %({http_version}e)s'

HOOKS = f"""
access_log_format = {FORMAT!r}
accesslog = "-"

def pre_request(worker, req):
    req.headers.append(("X-HOOKED", "yes"))
    print("HOOK pre", req.method, req.path, req.req_number, flush=True)

def post_request(worker, req, environ, resp):
    print("HOOK post", req.path, environ.get("HTTP_X_HOOKED"), environ.get("wsgi.url_scheme"),
          resp and resp.status, resp and resp.sent, resp and resp.response_length, worker.nr, flush=True)
    if req.path == "/empty":
        raise ValueError("in a hook")
"""

REQUESTS = [("GET", "/hello"), ("HEAD", "/hello"), ("GET", "/chunks"), ("GET", "/fail"), ("GET", "/fail-late"),
            ("GET", "/empty"), ("GET", "/missing?a=b"), ("GET", "/fields?3"), ("GET", "/trailers"), ("GET", "/hello")]


def told(start, worker):
    server = start("-k", worker, "--http-protocols", "h2,h1", config=HOOKS)
    answers = []
    with Client(server) as client:
        for number, (method, path) in enumerate(REQUESTS):
            stream_id = 2 * number + 1
            client.request(stream_id, path, method, [("user-agent", "test"), ("x-test", str(number))])
            assert client.read(client.ended(stream_id))
            answers.append((client.status(stream_id), client.body(stream_id)))
    server.stop()
    lines = [line for line in server.log.splitlines() if line.startswith(("HOOK", "ACCESS"))]
    assert len(lines) == 3 * len(REQUESTS)
    return answers, lines, server.log.count("Exception in post_request hook"), server.log.count("ValueError: on purpose")


@pytest.mark.parametrize(("ours", "stock"), [("gthread", "gthread"), ("gevent", "gevent")])
def test_hooks_and_access_log_are_told_the_same(start, ours, stock):
    seen = told(start, f"fasth2.gunicorn.{ours}")
    wanted = told(start, stock)
    assert seen[0] == wanted[0]
    assert seen[2] == wanted[2]
    failed = [line for line in seen[1] if " /fail " in line]
    assert [line for line in seen[1] if line not in failed] == [line for line in wanted[1] if " /fail " not in line]
    # What the client got; gunicorn says None here.
    assert failed[0] == "HOOK pre GET /fail 7"
    assert " 500 10 HTTP/2.0 " in failed[1]
    assert " 500 Internal Server Error 10 " in failed[2]
    assert seen[2] == 1
    assert seen[3] >= 2


def test_statsd_is_told_of_each_request(start, worker):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        server = start(*worker, "--statsd-host", f"127.0.0.1:{sock.getsockname()[1]}")
        with Client(server) as client:
            for stream_id in (1, 3):
                client.request(stream_id, "/hello")
                assert client.read(client.ended(stream_id))
        seen = []
        while sum(b"gunicorn.request.status.200" in line for line in seen) < 2:
            seen.append(sock.recv(1000))
        assert sum(line.startswith(b"gunicorn.requests:1|c") for line in seen) == 2
