"""``counters``: what an operator reads."""
import pytest

from fasth2._engine.errors import FAULTS
from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.fields import marked, request, request_fields

from .responding import Peer


def test_a_new_connection_has_counted_nothing():
    """An empty mapping, a snapshot that the caller may keep."""
    peer = Peer(1)
    counters = peer.connection.counters
    assert counters == {}
    counters["mine"] = 5
    assert peer.connection.counters == {}


@pytest.mark.parametrize(("token", "steps"), [
    ("data_pad_too_long", [request(1, end_stream=False), frames.data(1).pad(9, 0)]),
    ("data_short", [request(1, end_stream=False), frames.data(1).flag(frames.PADDED)]),
    ("ping_length", [frames.ping(b"x")]),
    ("goaway_length", [frames.goaway().body(b"")]),
    ("frame_too_large", [frames.data(1).declare(2**20).head]),
    ("stream_id_zero", [frames.data(0)]),
    ("stream_id_not_zero", [frames.ping().on(1)]),
    ("stream_id_parity", [request(2)]),
    ("stream_id_too_low", [request(5), request(3)]),
    ("idle_stream", [frames.data(1)]),
    ("settings_value", [frames.settings((frames.MAX_FRAME_SIZE, 1))]),
    ("settings_window", [frames.settings((frames.INITIAL_WINDOW_SIZE, 2**31))]),
    ("settings_length", [frames.settings().body(b"x")]),
    ("settings_ack_payload", [frames.settings_ack().body(b"123456")]),
    ("push_promise", [request(1), frames.push_promise(1, 2)]),
    ("continuation_stray", [frames.continuation(1)]),
    ("continuation_expected", [frames.headers(1, b"\x82", end_headers=False), frames.ping()]),
    ("compression", [frames.headers(1, b"\x80")]),
    ("window_overflow", [frames.window_update(0, 2**31 - 1)]),
    ("window_update_zero", [frames.window_update(0, 0)]),
    ("rst_stream_length", [request(1), frames.rst_stream(1).body(b"")]),
    ("priority_update_length", [frames.priority_update(1).body(b"")]),
    ("priority_update_stream", [frames.priority_update(0)]),
])
def test_each_connection_error_has_its_token(token, steps):
    """Counted once, for the frame that ended the connection."""
    peer = Peer()
    with pytest.raises(ProtocolError):
        peer.feed(*steps)
    assert peer.connection.counters == {token: 1}


@pytest.mark.parametrize(("token", "fields"), [
    ("name_upper", [*request_fields(), ("X", "1")]),
    ("name_octet", [*request_fields(), ("x y", "1")]),
    ("name_empty", [*request_fields(), ("", "1")]),
    ("value_octet", [*request_fields(), ("x", "\n")]),
    ("value_padded", [*request_fields(), ("x", " 1")]),
    ("te", [*request_fields(), ("te", "gzip")]),
    ("connection_field", [*request_fields(), ("upgrade", "h2c")]),
    ("pseudo_duplicate", [*request_fields(), (":path", "/")]),
    ("pseudo_late", [("x", "1"), *request_fields()]),
    ("pseudo_unknown", [*request_fields(), (":x", "1")]),
    ("pseudo_response", [*request_fields(), (":status", "200")]),
    ("method_missing", request_fields(method=None)),
    ("scheme_missing", request_fields(scheme=None)),
    ("path_missing", request_fields(path=None)),
    ("path_empty", request_fields(path="")),
    ("path_form", request_fields(path="x")),
    ("target_octet", request_fields(path="/a b")),
    ("connect_target", request_fields(method="CONNECT")),
    ("authority_missing", request_fields(authority=None)),
    ("authority_userinfo", request_fields(authority="a@b")),
    ("host_duplicate", request_fields(("host", "example.com"), ("host", "example.com"))),
    ("host_mismatch", request_fields(("host", "other"))),
    ("content_length", request_fields(("content-length", "x"))),
    ("content_length_conflict", request_fields(("content-length", "1"), ("content-length", "2"))),
    ("body_length", request_fields(("content-length", "1"))),
])
def test_each_malformed_request_has_its_token(token, fields):
    """Counted each time, and the connection goes on."""
    peer = Peer()
    peer.feed(marked(1, fields), marked(3, fields), request(5))
    assert peer.connection.counters == {token: 2}


def test_tokens_are_stable_words():
    """Lower case with underscores, one meaning each (two scopes of a limit may share one)."""
    tokens = [fault[0] for fault in FAULTS.values()]
    assert all(token == token.lower() and token.replace("_", "").isalpha() for token in tokens)
    shared = {token for token in tokens if tokens.count(token) > 1}
    assert shared <= {"header_list_size", "header_fields", "continuation_frames", "resets"}
