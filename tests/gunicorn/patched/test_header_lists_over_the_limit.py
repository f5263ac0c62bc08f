"""A header list over http2_max_header_list_size costs its own request: 431 and a line in both logs, on every worker class."""
import re
import time

import h2.events
import pytest

from tests.support.gunicorn_server import Gunicorn, tracebacks
from tests.support.tls_client import Client

WORKERS = ("WSGIWorker", "gthread", "gevent", "asgi")
#: Within gunicorn's own limit on fields, and compressed within that on the header list.
SECRET = "a" * 3000


@pytest.fixture(scope="module", params=WORKERS)
def server(request, tmp_path_factory, certificate):
    app = "tests.support." + ("asgi_app:app" if request.param == "asgi" else "wsgi_app:app")
    with Gunicorn(tmp_path_factory.mktemp("server"), app, "-k", f"fasth2.gunicorn.{request.param}", "--threads", "4",
                  "--http2-max-header-list-size", "2000", "--access-logfile", "-",
                  "--access-logformat", "accessed %(h)s %(r)s %(s)s", certificate=certificate) as server:
        yield server


def written(server, begun, pattern):
    """What has been logged since of that pattern, at least one line of it unless it takes very long."""
    found = []
    for _ in range(200):
        found = re.findall(pattern, server.log[begun:], re.MULTILINE)
        if found:
            break
        time.sleep(0.05)
    return found


@pytest.mark.parametrize(("path", "fields", "line"), [
    ("/hello", [("x-large", SECRET)], "{} /hello HTTP/2.0"),
    ("/hello", [("cookie", SECRET), ("x-small", "b")], "{} /hello HTTP/2.0"),
    ("/hello", [(f"x-{n}", "x") for n in range(60)], "{} /hello HTTP/2.0"),
    ("/" + SECRET, [], "{} - HTTP/2.0"),
], ids=["field", "cookie", "fields", "path"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_it_is_answered_with_431_and_logged(server, method, path, fields, line):
    begun = len(server.log)
    with Client(server) as client:
        client.request(1, path, method, fields, end_stream=method != "POST")
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.read(lambda: client.found(h2.events.StreamEnded, 1) or client.ended(1)())
        assert client.status(1) == "431"
        assert bool(client.body(1)) == (method != "HEAD")
        assert client.status(3) == "200"
        assert client.body(3) == b"Hello, world!"
    [said] = written(server, begun, r"Invalid request from ip=127\.0\.0\.1: (.*)$")
    assert re.fullmatch(r"header list over the limit: \d+ octets, the limit is 2000", said)
    assert written(server, begun, r"accessed (.*) 431$") == ["127.0.0.1 " + line.format(method)]
    assert "aaaaaaaaaa" not in server.log
    assert tracebacks(server) == 0


def test_one_that_is_far_over_the_limit_ends_the_connection(server):
    with Client(server) as client:
        client.request(1, "/hello", headers=[("x-large", "a" * 6000), ("x-larger", "a" * 6000)])
        client.read(lambda: client.found(h2.events.ConnectionTerminated))
        [event] = client.found(h2.events.ConnectionTerminated)
        assert event.error_code == 11  # ENHANCE_YOUR_CALM
