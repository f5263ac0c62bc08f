"""Requests that the application does not get: CONNECT, and what gunicorn's limits refuse; and what the access log has."""

import h2.errors
import h2.events
import pytest

from tests.gunicorn.xasgi.setups import SETUPS, serve
from tests.support.tls_client import Client
from tests.support.waiting import until

CLASSES = [setup for setup in SETUPS if setup.way == "own"]
FORMAT = "LINE %(m)s|%(U)s|%(H)s|%(r)s|%(s)s|%(B)s|END"


OPTIONS = ("--access-logfile", "-", "--access-logformat", FORMAT, "--limit-request-line", "500",
           "--limit-request-field_size", "400", "--limit-request-fields", "20", "--timeout", "20")


@pytest.fixture(scope="module", params=CLASSES, ids=str)
def server(request, tmp_path_factory, certificate):
    """One that writes an access log."""
    with serve(request.param, tmp_path_factory.mktemp("server"), certificate, *OPTIONS) as server:
        yield server


@pytest.fixture(scope="module", params=CLASSES[-1:], ids=str)
def limited(request, tmp_path_factory, certificate):
    """The same, of a gunicorn that has these limits for HTTP/2: up to 26 it has none."""
    with serve(request.param, tmp_path_factory.mktemp("server"), certificate, *OPTIONS) as server:
        yield server


def lines(server, wanted):
    """The access log's lines that have a word, once there is one."""
    return until(lambda: [line.partition("LINE ")[2].partition("|END")[0] for line in server.log.splitlines()
                          if "LINE " in line and wanted in line])


def test_CONNECT_is_not_implemented(server):
    with Client(server) as client:
        client.conn.send_headers(1, [(":method", "CONNECT"), (":authority", "example.com:443")], end_stream=True)
        client.flush()
        assert client.read(client.ended())
        assert client.status() == "501"
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"
    [line] = lines(server, "example.com:443")
    assert line.startswith("CONNECT|")
    assert "|HTTP/2.0|CONNECT example.com:443 HTTP/2.0|501|" in line


def test_CONNECT_where_the_operator_asked_for_it(tmp_path, certificate):
    with serve(CLASSES[-1], tmp_path, certificate, env={"FASTH2_ALLOW_CONNECT": "1"}) as server, Client(server) as client:
        client.conn.send_headers(1, [(":method", "CONNECT"), (":authority", "example.com:443")], end_stream=True)
        client.flush()
        assert client.read(client.ended())
        assert client.status() == "200"


@pytest.mark.parametrize(("path", "fields", "status"), [
    ("/long" + "x" * 500, [], "414"),
    ("/large-field", [("x-large", "v" * 401)], "431"),
    ("/many-fields", [(f"x-{number}", "v") for number in range(21)], "431"),
])
def test_a_head_that_is_too_large(limited, path, fields, status):
    with Client(limited) as client:
        client.request(1, path, headers=fields)
        client.request(3, "/hello")
        assert client.read(client.ended(1))
        assert client.read(client.ended(3))
        assert client.status(1) == status
        assert client.body(1)
        assert client.body(3) == b"Hello, world!"
    [line] = lines(limited, path)
    assert f"|HTTP/2.0|GET {path} HTTP/2.0|{status}|{len(client.body(1))}" in line
    assert "Invalid request from ip=127.0.0.1" in limited.log


def test_a_malformed_request_is_reset_and_leaves_a_line(tmp_path, certificate):
    with serve(CLASSES[-1], tmp_path, certificate, "--header-map", "refuse") as server, Client(server) as client:
        client.request(1, "/hello", headers=[("under_score", "x")])
        assert client.read(lambda: client.found(h2.events.StreamReset, 1))
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"
        assert server.log.count("[WARNING] Invalid request from ip=127.0.0.1") == 1


def test_an_upload_with_such_a_head_is_answered_too(limited):
    with Client(limited) as client:
        client.request(1, "/upload", "POST", headers=[("x-large", "v" * 401)], end_stream=False)
        client.data(1, bytes(10000))
        assert client.read(lambda: bool(client.found(h2.events.StreamEnded, 1)))
        assert client.status() == "431"
        client.data(1, bytes(1000), end_stream=True)


def test_a_request_that_its_client_cancels_has_499(server):
    with Client(server) as client:
        client.request(1, "/listens?cancelled")
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        client.conn.reset_stream(1, h2.errors.ErrorCodes.CANCEL)
        client.flush()
        [line] = lines(server, "/listens?cancelled")
    assert "|HTTP/2.0|GET /listens?cancelled HTTP/2.0|499|0" in line


def test_one_whose_answer_has_begun_has_the_status_that_the_client_got(server):
    with Client(server) as client:
        client.request(1, "/endless?cancelled")
        assert client.read(client.body)
        client.conn.reset_stream(1, h2.errors.ErrorCodes.CANCEL)
        client.flush()
        [line] = lines(server, "/endless?cancelled")
    assert "|200|" in line
