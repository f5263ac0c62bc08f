"""Requests that are refused, broken off or cancelled: what the application, the client and the logs get of them."""
import re

import h2.errors
import h2.events
import pytest

from tests.gunicorn.native.asking import ask
from tests.support.tls_client import Client
from tests.support.waiting import until

APP = "tests.gunicorn.native.interrupted_application:app"
CANCEL = h2.errors.ErrorCodes.CANCEL
LOG = "accesslog = '-'\naccess_log_format = 'LINE %(r)s %(s)s %(b)s %(H)s'\n"


def told(server, text):
    """Wait until the log has a text; return whether it has."""
    return until(lambda: text in server.log)


def lines(server):
    return re.findall("^LINE (.*)", server.log, re.M)


def connect(client, stream_id, authority="example.com:443"):
    """A CONNECT (RFC 9113 section 8.5)."""
    client.conn.send_headers(stream_id, [(":method", "CONNECT"), (":authority", authority)])
    client.flush()
    client.read(client.ended(stream_id))


def test_the_access_log_has_what_the_client_got(start):
    server = start(APP, "--limit-request-line", "50", "--limit-request-fields", "5", "--threads", "2", config=LOG)
    with Client(server) as client:
        assert ask(client, "/ok") == ("200", b"fine\n")
        assert ask(client, "/fail")[0] == "500"
        assert ask(client, "/" + "x" * 60)[0] == "414"
        assert ask(client, "/many?a=b", headers=[(f"x-{n}", "1") for n in range(6)])[0] == "431"
        connect(client, 9)
        assert client.status(9) == "501"
        client.request(11, "/wait")
        assert told(server, "TOLD begun")
        client.conn.reset_stream(11, CANCEL)
        client.flush()
        assert told(server, "LINE GET /wait")
    server.stop()
    found = lines(server)
    long = "/" + "x" * 60
    assert [re.sub(r" \d+ HTTP", " N HTTP", line) for line in found] == [
        "GET /ok HTTP/2.0 200 N HTTP/2.0", "GET /fail HTTP/2.0 500 N HTTP/2.0", f"GET {long} HTTP/2.0 414 N HTTP/2.0",
        "GET /many?a=b HTTP/2.0 431 N HTTP/2.0", "CONNECT example.com:443 HTTP/2.0 501 N HTTP/2.0",
        "GET /wait HTTP/2.0 499 N HTTP/2.0"]
    assert "Traceback" not in server.log.replace("ValueError: on purpose", "").split("Error handling")[0]
    assert server.log.count("Traceback") == 1, "only /fail's"


def test_CONNECT_is_not_for_the_application(start):
    server = start(APP)
    with Client(server) as client:
        connect(client, 1)
        assert client.status(1) == "501"
        assert ask(client, "/ok")[0] == "200"
    server.stop()
    assert "TOLD" not in server.log
    assert "CONNECT is not supported here" in server.log


def test_CONNECT_is_for_an_application_whose_operator_wants_it(start):
    server = start(APP, env={"FASTH2_ALLOW_CONNECT": "1"})
    with Client(server) as client:
        client.conn.send_headers(1, [(":method", "CONNECT"), (":authority", "example.com:443")], end_stream=True)
        client.flush()
        assert client.read(client.ended(1))
        assert client.status(1) == "200"
    server.stop()
    assert "TOLD CONNECT '' example.com:443" in server.log


@pytest.mark.parametrize("path", ["/read", "/wrap"])
@pytest.mark.parametrize("way", ["reset", "closed"])
def test_an_upload_that_is_broken_off_is_one_line_without_a_traceback(start, path, way):
    server = start(APP, "--log-level", "debug", "--threads", "2", config=LOG)
    with Client(server) as client:
        client.request(1, path, "POST", end_stream=False)
        client.data(1, b"a part")
        assert told(server, f"POST {path}")  # pre_request's line
        if way == "reset":
            client.conn.reset_stream(1, CANCEL)
            client.flush()
            assert told(server, "LINE")
    assert told(server, "LINE")
    server.stop()
    assert lines(server) == [f"POST {path} HTTP/2.0 499 0 HTTP/2.0"]
    assert server.log.count("HTTP/2 stream closed: ") == 1
    assert "Traceback" not in server.log


def test_event_streams_are_closed_before_the_worker_must_end(start):
    """Their `finally` runs within `graceful_timeout`, and the worker exits by itself."""
    server = start(APP, "--graceful-timeout", "8", "--threads", "3")
    with Client(server, patient=True) as client:
        client.request(1, "/events")
        client.request(3, "/events")
        assert client.read(lambda: client.body(1) and client.body(3))
        server.terminate()
        assert client.read(lambda: len(client.found(h2.events.StreamReset)) == 2)
        assert client.found(h2.events.ConnectionTerminated)
        assert server.process.wait(20) == 0
    assert server.log.count("TOLD closed") == 2
    assert "Worker exiting" in server.log
    assert "SIGKILL" not in server.log
