"""Real clients against real gunicorn on fasth2 over TLS; h2 cannot be imported there."""
import hashlib
import json
import os

import h2.errors
import h2.events
import pytest

from tests.support.curl import curl
from tests.support.tls_client import Client
from tests.support.waiting import wait_until


def test_curl_GET(server):
    out = curl(server, "/hello", "--include")
    head, _, body = out.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/2 200")
    assert body == b"Hello, world!"


def test_what_the_application_sees(server):
    seen = json.loads(curl(server, "/about?a=b", "--header", "X-Thing: 1", "--header", "Cookie: c=d"))
    assert seen["SERVER_PROTOCOL"] == "HTTP/2.0"
    assert seen["QUERY_STRING"] == "a=b"
    assert seen["HTTP_X_THING"] == "1"
    assert seen["HTTP_COOKIE"] == "c=d"
    assert seen["HTTP_HOST"] == f"127.0.0.1:{server.port}"
    assert seen["wsgi.url_scheme"] == "https"
    assert seen["loaded"] == []
    assert seen["status"]["installed"] is True
    assert seen["status"]["blocking"].startswith("fasth2.gunicorn.")


def test_curl_HEAD(server):
    assert curl(server, "/hello", "--head").startswith(b"HTTP/2 200")


def test_curl_over_HTTP_1_1(server):
    out = curl(server, "/hello", "--include", http="--http1.1")
    assert out.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("size", [0, 1, 16384, 65536, 1 << 20])
def test_curl_POST(server, size):
    body = os.urandom(size)
    assert curl(server, "/echo", "--data-binary", "@-", data=body) == body


def test_an_upload_of_unknown_length(server):
    body = os.urandom(300000)
    out = curl(server, "/digest", "--request", "POST", "--upload-file", "-", data=body)
    assert out.decode() == hashlib.sha256(body).hexdigest()


def test_ten_mebibytes_both_ways(server, tmp_path):
    body = os.urandom(10 << 20)
    path = tmp_path / "body"
    path.write_bytes(body)
    got = curl(server, "/echo", "--data-binary", f"@{path}")
    assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()


def test_a_download(server):
    got = curl(server, f"/big?{3 << 20}")
    assert got == (bytes(range(256)) * (3 << 12))


def test_a_body_is_read_while_it_arrives(server):
    """The application answers each line before the next is sent."""
    with Client(server) as client:
        client.request(1, "/reflect", "POST", end_stream=False)
        for count, line in enumerate((b"one\n", b"two\n", b"three\n"), 1):
            client.data(1, line)
            assert client.read(lambda count=count: client.body().count(b"\n") == count)
        client.data(1, b"", end_stream=True)
        assert client.read(client.ended())
        assert client.body() == b"one\ntwo\nthree\n"


def test_chunks_leave_as_they_are_made(server):
    with Client(server) as client:
        client.request(1, "/chunks")
        assert client.read(lambda: client.body() == b"first\n")
        assert client.read(client.ended())
        assert client.body() == b"first\nsecond\n"


def test_100_continue(server):
    with Client(server) as client:
        client.request(1, "/echo", "POST", [("expect", "100-continue")], end_stream=False)
        assert client.read(lambda: client.found(h2.events.InformationalResponseReceived))
        client.data(1, b"body", end_stream=True)
        assert client.read(client.ended())
        assert client.body() == b"body"


def test_trailers(server):
    with Client(server) as client:
        client.request(1, "/trailers")
        assert client.read(client.ended())
        assert client.body() == b"with trailers"
        [event] = client.found(h2.events.TrailersReceived)
        assert event.headers == [("x-sum", "abc")]


def test_request_trailers(server):
    with Client(server) as client:
        client.request(1, "/echo", "POST", end_stream=False)
        client.data(1, b"body")
        client.conn.send_headers(1, [("x-sum", "abc")], end_stream=True)
        client.flush()
        client.request(3, "/hello")
        assert client.read(lambda: client.ended(1)() and client.ended(3)())
        assert client.body() == b"body"
        assert client.body(3) == b"Hello, world!"


def test_early_hints(server):
    with Client(server) as client:
        client.request(1, "/hints")
        assert client.read(client.ended())
        [event] = client.found(h2.events.InformationalResponseReceived)
        assert event.headers == [(":status", "103"), ("link", "</style.css>; rel=preload; as=style")]
        assert client.status() == "200"


def test_a_hundred_streams_at_once(server):
    with Client(server) as client:
        # Once the server's settings are known; it takes 100.
        client.read(lambda: client.found(h2.events.RemoteSettingsChanged))
        ids = range(1, 201, 2)
        for stream_id in ids:
            client.request(stream_id, "/hello")
        assert client.read(lambda: all(client.ended(stream_id)() for stream_id in ids))
        assert all(client.body(stream_id) == b"Hello, world!" for stream_id in ids)


def test_a_client_that_cancels_a_response(server, tmp_path):
    closed = tmp_path / "closed"
    with Client(server) as client:
        client.request(1, f"/endless?{closed}")
        assert client.read(lambda: len(client.body()) > 20000)
        client.conn.reset_stream(1, h2.errors.ErrorCodes.CANCEL)
        client.flush()
        # The application is stopped by its next write.
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        wait_until(closed.exists)
        assert client.body(3) == b"Hello, world!"


def test_a_client_that_cancels_an_upload(server):
    with Client(server) as client:
        client.request(1, "/echo", "POST", end_stream=False)
        client.data(1, b"part")
        client.conn.reset_stream(1)
        client.flush()
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"


def test_a_failing_application(server):
    with Client(server) as client:
        client.request(1, "/fail")
        client.request(3, "/fail-late")
        client.request(5, "/hello")
        assert client.read(lambda: all(client.ended(stream_id)() for stream_id in (1, 3, 5)))
        assert client.status(1) == "500"
        # A part that is not out yet when the application fails may give way to the error.
        if client.status(3) != "500":
            [reset] = client.found(h2.events.StreamReset, 3)
            assert reset.error_code == h2.errors.ErrorCodes.INTERNAL_ERROR
        assert client.body(5) == b"Hello, world!"


def test_a_request_that_gunicorn_refuses(server):
    with Client(server) as client:
        client.conn.config.validate_outbound_headers = False
        client.request(1, "/hello", headers=[("x-ctl", "bad\x01value")])
        client.request(3, "/hello")
        assert client.read(lambda: client.ended(1)() and client.ended(3)())
        # With a reset, or by fasth2's own worker with an answer.
        if client.status(1) != "400":
            [reset] = client.found(h2.events.StreamReset, 1)
            assert reset.error_code == h2.errors.ErrorCodes.PROTOCOL_ERROR
        assert client.status(3) == "200"
