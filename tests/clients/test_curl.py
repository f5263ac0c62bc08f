"""curl against gunicorn on fasth2."""
import hashlib
import json

import pytest

from tests.clients.programs import curl
from tests.support.waiting import wait_until


@pytest.mark.parametrize("way_in", ["server", "installed"])
def test_GET(request, way_in):
    server = request.getfixturevalue(way_in)
    out, told = curl(server, "/hello", "--include")
    head, _, body = out.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/2 200")
    assert body == b"Hello, world!"
    assert told == ["2 200 1 0"]


@pytest.mark.parametrize("way_in", ["server", "installed"])
def test_POST_of_ten_mebibytes_echoed(request, way_in, body, body_file):
    server = request.getfixturevalue(way_in)
    out, told = curl(server, "/echo", "--data-binary", f"@{body_file}")
    assert told == ["2 200 1 0"]
    assert hashlib.sha256(out).digest() == hashlib.sha256(body).digest()


def test_the_server_cannot_import_h2(server):
    seen = json.loads(curl(server, "/about")[0])
    assert seen["loaded"] == []
    assert seen["status"]["blocking"].startswith("fasth2.")


def test_install_serves_by_fasth2(installed):
    assert json.loads(curl(installed, "/about")[0])["status"]["blocking"].startswith("fasth2.")


def test_an_upload_of_unknown_length(server):
    data = bytes(range(256)) * 2000
    out, told = curl(server, "/digest", "--request", "POST", "--upload-file", "-", data=data)
    assert told == ["2 200 1 0"]
    assert out.decode() == hashlib.sha256(data).hexdigest()


def test_a_hundred_streams_at_once(server, tmp_path):
    """All open while the first is served, on one connection."""
    config = tmp_path / "urls"
    paths = ["/slow?0.3", *(f"/hello?{number}" for number in range(99))]
    config.write_text("".join(f'url = "{server.url}{path}"\n' for path in paths))
    out, told = curl(server, "--parallel", "--parallel-max", "100", "--config", config)
    assert out == b"Hello, world!" * 100
    assert sorted(told) == ["2 200 0 0"] * 99 + ["2 200 1 0"]


def test_many_requests_one_after_another(server, tmp_path):
    config = tmp_path / "urls"
    config.write_text("".join(f'url = "{server.url}/hello?{number}"\n' for number in range(500)))
    out, told = curl(server, "--config", config)
    assert out == b"Hello, world!" * 500
    assert told == ["2 200 1 0"] + ["2 200 0 0"] * 499


def test_HEAD(server):
    out, told = curl(server, "--head", "/hello", "/hello")
    assert told == ["2 200 1 0", "2 200 0 0"]
    assert out.lower().count(b"content-length: 13") == 2


def test_204_and_304(server):
    out, told = curl(server, "/empty", "/unchanged", "/hello", "--header", 'If-None-Match: "same"')
    assert told == ["2 204 1 0", "2 304 0 0", "2 200 0 0"]
    assert out == b"Hello, world!"


def test_early_hints(server):
    out, _ = curl(server, "/hints", "--include")
    first, second, body = out.split(b"\r\n\r\n")
    assert first.split(b"\r\n") == [b"HTTP/2 103 ", b"link: </style.css>; rel=preload; as=style"]
    assert second.startswith(b"HTTP/2 200")
    assert body == b"Hello, world!"


def test_trailers(server):
    out, _ = curl(server, "/trailers", "--include")
    assert out.partition(b"\r\n\r\n")[2] == b"with trailersx-sum: abc\r\n"


def test_expecting_100_continue(server):
    out, _ = curl(server, "/echo", "--include", "--header", "Expect: 100-continue", "--data-binary", "@-",
                  data=b"x" * 2000)
    first, second, body = out.split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/2 100")
    assert second.startswith(b"HTTP/2 200")
    assert body == b"x" * 2000


def test_a_download_that_is_given_up(server, tmp_path):
    """The next request is served on the same connection, and the application is told."""
    closed = tmp_path / "closed"
    out, told = curl(server, f"/endless?{closed}", "--max-time", "0.5", "--output", tmp_path / "part",
                     "--next", "/hello")
    assert out == b"Hello, world!"
    assert told == ["2 200 1 28", "2 200 0 0"]
    wait_until(closed.exists)


def test_a_client_that_goes_away_in_a_download(server, tmp_path):
    closed = tmp_path / "closed"
    with pytest.raises(AssertionError, match="curl ended with 28"):
        curl(server, f"/endless?{closed}", "--max-time", "0.3")
    wait_until(closed.exists)
    assert curl(server, "/hello")[0] == b"Hello, world!"


def test_a_slow_reader_gets_everything(server):
    out, told = curl(server, "/big?600000", "--limit-rate", "500k")
    assert told == ["2 200 1 0"]
    assert out == (bytes(range(256)) * 2344)[:600000]


def test_many_fields_and_a_long_cookie(server):
    cookie = "; ".join(f"name{number}={number:070d}" for number in range(90))
    fields = [arg for number in range(80) for arg in ("--header", f"X-Field-{number}: {number:0200d}")]
    seen = json.loads(curl(server, "/about", "--header", f"Cookie: {cookie}", *fields)[0])
    assert seen["HTTP_COOKIE"] == cookie
    assert all(seen[f"HTTP_X_FIELD_{number}"] == f"{number:0200d}" for number in range(80))


@pytest.mark.parametrize("count", [150, 300], ids=["more-than-gunicorn-allows", "more-than-fasth2-allows"])
def test_too_many_fields_fail_their_stream_alone(server, count):
    fields = [arg for number in range(count) for arg in ("--header", f"X-Field-{number}: {number}")]
    out, told = curl(server, "/hello", *fields, "--next", "/hello")
    assert out.endswith(b"Hello, world!")
    assert [line.split()[1] for line in told] == ["431", "200"]


def test_many_response_fields(server):
    out, _ = curl(server, "/fields?300", "--include")
    assert out.count(b"\r\nx-field-") == 300
