"""nghttp, of nghttp2, against gunicorn on fasth2."""
import hashlib
import re

import pytest

from tests.clients.programs import nghttp
from tests.support.run import run


def frames(out):
    """The frames that ``--verbose`` shows, as ``("recv", "DATA", the lines about it)``."""
    found = re.split(rb"^\[ *[0-9.]+\] (?=send|recv)", out, flags=re.M)[1:]
    shown = []
    for text in found:
        if match := re.match(rb"(send|recv) ([A-Z_]+) frame (<.*)", text, re.S):
            shown.append(tuple(part.decode() for part in match.groups()))
    return shown


def received(out, kind):
    return [text for way, name, text in frames(out) if (way, name) == ("recv", kind)]


def test_GET(server):
    out = nghttp(server, "--verbose", "/hello")
    # Older ones spend the first six on the priorities of RFC 7540.
    assert re.search(rb"recv \(stream_id=(1|13)\) :status: 200", out)
    assert b"Hello, world!" in out
    [settings] = [text for text in received(out, "SETTINGS") if "niv=0" not in text]
    assert "SETTINGS_MAX_CONCURRENT_STREAMS(0x03):100" in settings
    assert not received(out, "RST_STREAM")


def test_GET_by_install(installed):
    assert nghttp(installed, "/hello") == b"Hello, world!"


def test_POST_of_ten_mebibytes_echoed(server, body, body_file):
    out = nghttp(server, f"--data={body_file}", "/echo")
    assert hashlib.sha256(out).digest() == hashlib.sha256(body).digest()


def test_POST_in_padded_frames_of_unknown_length(server, body, body_file):
    out = nghttp(server, "--padding", "255", "--no-content-length", f"--data={body_file}", "/digest")
    assert out.decode() == hashlib.sha256(body).hexdigest()


def test_a_download_through_a_narrow_window(server):
    """Windows of 1023 octets."""
    out = nghttp(server, "--window-bits", "10", "/big?100000")
    assert out == (bytes(range(256)) * 391)[:100000]


def test_a_hundred_streams_at_once(server):
    """The hundred are requested before the first answer arrives."""
    out = nghttp(server, "--verbose", "--multiply", "100", "/slow?0.01")
    answers = [at for at, (way, kind, _) in enumerate(frames(out)) if (way, kind) == ("recv", "HEADERS")]
    requests = [at for at, (way, kind, _) in enumerate(frames(out)) if (way, kind) == ("send", "HEADERS")]
    assert len(requests) == len(answers) == 100
    assert requests[-1] < answers[0]
    assert out.count(b":status: 200") == 100


def test_a_connection_closed_by_the_client(server):
    """nghttp ends with GOAWAY; nothing else went wrong."""
    out = nghttp(server, "--verbose", "/hello")
    assert [text for way, kind, text in frames(out) if (way, kind) == ("send", "GOAWAY")]
    assert not received(out, "GOAWAY")


def test_early_hints(server):
    out = nghttp(server, "--verbose", "/hints")
    assert re.findall(rb"\) :status: (\d+)", out) == [b"103", b"200"]
    assert b"link: </style.css>; rel=preload; as=style" in out


def test_response_trailers(server):
    out = nghttp(server, "--verbose", "/trailers")
    last = received(out, "HEADERS")[-1]
    assert "END_STREAM" in last
    assert out.index(b"with trailers") < out.index(b") x-sum: abc")


def test_request_trailers(server, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(b"body")
    out = nghttp(server, "--trailer", "x-sum: abc", f"--data={path}", "--verbose", "/echo")
    assert b":status: 200" in out
    assert b"body" in out
    assert not received(out, "RST_STREAM")


def test_expecting_100_continue(server, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(b"body")
    out = nghttp(server, "--expect-continue", f"--data={path}", "--verbose", "/echo")
    assert re.findall(rb"\) :status: (\d+)", out) == [b"100", b"200"]


def test_HEAD(server):
    out = nghttp(server, "--header", ":method: HEAD", "--verbose", "/hello")
    assert b"content-length: 13" in out
    assert b"Hello" not in out
    [answer] = received(out, "HEADERS")
    assert "END_STREAM" in answer or received(out, "DATA")[-1].startswith("<length=0, flags=0x01")


def test_204_and_304(server):
    out = nghttp(server, "--header", 'if-none-match: "same"', "--verbose", "/empty", "/unchanged")
    assert sorted(re.findall(rb"\) :status: (\d+)", out)) == [b"204", b"304"]
    assert all(text.startswith("<length=0") for text in received(out, "DATA"))


def test_fields_that_need_CONTINUATION(server):
    out = nghttp(server, "--continuation", "--verbose", "/hello")
    # nghttp shows the block whole; it is longer than a frame may be here.
    [request] = [text for way, kind, text in frames(out) if (way, kind) == ("send", "HEADERS")]
    assert int(re.match(r"<length=(\d+)", request)[1]) > 16384
    assert "SETTINGS_MAX_FRAME_SIZE(0x05):16384" in received(out, "SETTINGS")[0]
    assert b":status: 200" in out


@pytest.mark.parametrize("count", [150, 300])
def test_too_many_fields_fail_their_stream_alone(server, count):
    fields = [arg for number in range(count) for arg in ("--header", f"x-field-{number}: {number}")]
    out = nghttp(server, "--verbose", *fields, "/hello")
    assert b":status: 431" in out
    assert not received(out, "GOAWAY")


def test_many_response_fields(server):
    out = nghttp(server, "--verbose", "/fields?300")
    assert out.count(b") x-field-") == 300


@pytest.mark.parametrize("size", ["0", "4096", "65536"])
def test_tables_of_another_size(server, size):
    out = nghttp(server, "--header-table-size", size, "--encoder-header-table-size", size, "--verbose",
                 "--multiply", "5", "/fields?30")
    assert out.count(b":status: 200") == 5
    assert out.count(b") x-field-29: " + b"0" * 98 + b"29") == 5


def test_a_client_that_goes_away(server):
    """Its time runs out in the middle; the server lives on."""
    run("nghttp", "--no-verify-peer", "--timeout", "300ms", "--null-out", server.url + "/slow?0.6")
    assert nghttp(server, "/hello") == b"Hello, world!"
