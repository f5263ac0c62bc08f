"""node's http2 module against gunicorn on fasth2; what it does is in node_client.js."""
import hashlib
import json

import pytest

from tests.clients.programs import is_hello, node
from tests.support.waiting import wait_until


@pytest.mark.parametrize("way_in", ["server", "installed"])
def test_GET(request, way_in):
    assert is_hello(node(request.getfixturevalue(way_in), "get", "/hello"))


@pytest.mark.parametrize("way_in", ["server", "installed"])
def test_POST_of_ten_mebibytes_echoed(request, way_in, body, body_file):
    seen = node(request.getfixturevalue(way_in), "echo", body_file)
    assert seen == {"status": 200, "length": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_an_upload_in_parts(server):
    seen = node(server, "upload")
    assert seen["answered"] == seen["sent"]


def test_a_hundred_streams_at_once(server):
    assert node(server, "hundred") == {"most": 100, "good": 100}


def test_a_hundred_uploads_at_once(server):
    assert node(server, "hundred_uploads") == {"good": 100}


def test_many_requests_one_after_another(server):
    assert node(server, "sequential") == {"good": 500}


def test_HEAD_204_and_304(server):
    head, empty, unchanged, after = node(server, "without_bodies")
    assert (head["status"], head["fields"]["content-length"], head["body"]) == (200, "13", "")
    assert (empty["status"], empty["body"]) == (204, "")
    assert (unchanged["status"], unchanged["fields"]["etag"], unchanged["body"]) == (304, '"same"', "")
    assert [seen["code"] for seen in (head, empty, unchanged)] == [0, 0, 0]
    assert is_hello(after)


def test_early_hints(server):
    seen = node(server, "get", "/hints")
    assert seen["interim"] == [{":status": 103, "link": "</style.css>; rel=preload; as=style"}]
    assert is_hello(seen)


def test_response_trailers(server):
    seen = node(server, "get", "/trailers")
    assert seen["body"] == "with trailers"
    assert seen["trailers"] == {"x-sum": "abc"}


def test_request_trailers(server):
    seen, bare, after = node(server, "request_trailers")
    assert (seen["status"], seen["body"], seen["code"]) == (200, "body", 0)
    assert (bare["status"], bare["body"], bare["code"]) == (200, "", 0)
    assert is_hello(after)


def test_a_client_that_cancels_a_download(server, tmp_path):
    """The application is stopped, though the client's window would take more."""
    closed = tmp_path / "closed"
    seen = node(server, "cancel_download", f"/endless?{closed}")
    assert seen["cancelled"] == 8
    assert is_hello(seen["after"])
    wait_until(closed.exists)


def test_a_client_that_cancels_uploads(server):
    assert node(server, "cancel_upload") == {"codes": [8] * 20, "after": True}


def test_a_client_that_stops_reading(impatient):
    seen = node(impatient, "stops_reading")
    assert is_hello(seen["meanwhile"])
    assert seen["served"] < 1.5
    assert 1.5 < seen["cut"] < 8
    assert seen["code"] == 8
    assert is_hello(seen["after"])


def test_a_client_that_stops_reading_for_a_while(server):
    digest = hashlib.sha256((bytes(range(256)) * 3907)[:1000000]).hexdigest()
    assert node(server, "reads_on") == {"status": 200, "sha256": digest}


def test_downloads_through_narrow_windows(server):
    assert node(server, "narrow_windows") == [20000, 20001, 20002]


def test_a_large_header_list(server):
    before, seen, beside, after = node(server, "fields", 50)
    environ = json.loads(seen["body"])
    assert environ["HTTP_COOKIE"] == "id=" + "c" * 7000
    assert all(environ[f"HTTP_X_FIELD_{at}"] == "f" * 1000 for at in range(50))
    assert all(map(is_hello, (before, beside, after)))


def test_a_header_list_that_is_too_large_fails_its_stream_alone(server):
    before, seen, beside, after = node(server, "fields", 70)
    assert seen["status"] == 431
    assert all(map(is_hello, (before, beside, after)))


def test_many_response_fields(server):
    seen = node(server, "get", "/fields?100")
    assert all(seen["fields"][f"x-field-{at}"] == f"{at:0100d}" for at in range(100))


def test_PING(server):
    assert node(server, "ping") == {"idle": True, "order": [True, 3000000], "last": True}


@pytest.mark.parametrize("how", ["goaway", "graceful_close"])
def test_a_client_that_says_goodbye_gets_what_it_asked_for(server, how):
    assert all(map(is_hello, node(server, how)))


@pytest.mark.parametrize("way_in", ["server", "installed"])
def test_a_client_that_says_goodbye_before_its_request(request, way_in):
    assert all(map(is_hello, node(request.getfixturevalue(way_in), "close_on_connect")))


@pytest.mark.parametrize("way_in", ["server", "installed"])
def test_a_client_that_says_goodbye_after_the_headers_of_a_large_response(request, way_in):
    seen = node(request.getfixturevalue(way_in), "close_after_headers", "/big?1000000")
    assert seen == {"status": 200, "length": 1000000, "code": 0}


def test_a_client_that_goes_away(server):
    assert is_hello(node(server, "destroy"))
