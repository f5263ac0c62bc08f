"""A connection that ends by any fault there is, once each, is freed by its last reference; so are its streams."""
import gc
import weakref

import pytest

from fasth2._engine import errors as _errors
from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from tests.support import frames as f
from tests.support.fields import block, request, request_fields
from tests.support.references import references

HELLO = f.PREFACE + f.settings()
WINDOW = f.data(1, bytes(16384)) * 4
LIST = [(b"x-%d" % number, b"value") for number in range(30)]


def post(stream_id, *fields, **pseudo):
    return request(stream_id, *fields, method=b"POST", end_stream=False, **pseudo)


def answer(stream_id):
    return lambda connection: connection.send_headers(stream_id, [(":status", "200")], end_stream=True)


def push(connection):
    connection.push_stream(1, 2, [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/")])


def ask(connection):
    connection.send_headers(1, request_fields())


def reset(connection):
    connection.reset_stream(1)


def widen(connection):
    connection.increment_flow_control_window(100_000)


def fields(*pairs, stream_id=1):
    return f.headers(stream_id, block(pairs), end_stream=True)


def limited(**limits):
    return {"limits": Limits(**limits)}


RFC = {"rfc_errors": True}

# Each fault's counter: what is done; octets are received, functions called; a dict is of the configuration.
FAULTS = {
    "preface": [b"GET / HTTP/1.1\r\n\r\n"],
    "settings_first": [RFC, f.PREFACE + f.ping()],
    "frame_too_large": [HELLO, f.data(1).declare(1 << 20)],
    "stream_id_zero": [HELLO, f.data(0, b"x")],
    "stream_id_not_zero": [HELLO, f.ping().on(1)],
    "data_short": [HELLO, f.data(1).flag(f.PADDED)],
    "data_pad_too_long": [HELLO, post(1), f.data(1, b"ab").pad(5, 0)],
    "headers_short": [HELLO, f.headers(1).flag(f.PADDED)],
    "headers_pad_too_long": [HELLO, f.headers(1, b"ab").pad(5, 0)],
    "priority_length": [HELLO, f.priority(1).body(b"1234")],
    "priority_self": [HELLO, f.priority(1, depends_on=1)],
    "rst_stream_length": [HELLO, f.rst_stream(1).body(b"123")],
    "settings_length": [HELLO, f.settings().body(b"123")],
    "settings_ack_payload": [HELLO, f.settings_ack().body(b"123456")],
    "settings_value": [HELLO, f.settings((f.MAX_FRAME_SIZE, 1))],
    "settings_window": [HELLO, f.settings((f.INITIAL_WINDOW_SIZE, 2**31))],
    "push_promise": [HELLO, request(1), f.push_promise(1, 2)],
    "ping_length": [HELLO, f.ping(b"123")],
    "goaway_length": [HELLO, f.goaway().body(b"123")],
    "window_update_length": [HELLO, f.window_update(0, 1).body(b"123")],
    "window_update_zero": [HELLO, f.window_update(0, 0)],
    "window_update_reserved": [HELLO, f.window_update(0, 2**31 + 1)],
    "continuation_expected": [HELLO, f.headers(1, b"\x82", end_headers=False) + f.ping()],
    "continuation_stray": [HELLO, f.continuation(1)],
    "altsvc_length": [HELLO, f.altsvc(0).body(b"x")],
    "priority_update_length": [HELLO, f.priority_update(1).body(b"123")],
    "priority_update_stream": [HELLO, f.priority_update(0)],
    "priority_update_idle": [limited(concurrent_streams=1), HELLO, f.settings_ack(), request(1) + f.priority_update(3)],
    "connection_closed": [HELLO, f.goaway() + f.ping()],
    "idle_stream": [HELLO, request(1) + f.data(5)],
    "stream_id_too_low": [HELLO, request(5) + request(3)],
    "stream_id_parity": [HELLO, request(2)],
    "stream_closed": [HELLO, request(1), answer(1), request(1)],
    "half_closed": [HELLO, request(1) + f.data(1, b"x")],
    "reserved": [HELLO, request(1), push, request(2)],
    "connected": [RFC, HELLO, post(1, scheme=None, path=None).body(
        block([(":method", "CONNECT"), (":authority", "x")])),
        lambda connection: connection.send_headers(1, [(":status", "200")]), fields(("x", "y"))],
    "closed_by_reset": [HELLO, post(1), reset, f.data(1, b"x")],
    "streams_refused": [limited(concurrent_streams=1), HELLO, request(1) + request(3)],
    "window_overrun": [HELLO, post(1) + WINDOW],
    "stream_window_overrun": [HELLO, widen, post(1) + WINDOW],
    "window_overflow": [HELLO, f.window_update(0, 2**31 - 1)],
    "stream_window_overflow": [HELLO, request(1) + f.window_update(1, 2**31 - 1)],
    "compression": [HELLO, f.headers(1, b"\x80")],
    # A value of 65,537 octets, one too many.
    "string_size": [HELLO, f.headers(1, b"\x82\x00\x01x\x7f\x82\xff\x03", end_stream=True)],
    "header_list_size": [limited(header_list_size=500), HELLO, request(1, *LIST)],
    "header_fields": [limited(header_fields=20), HELLO, request(1, *LIST)],
    "continuation_frames": [HELLO, f.headers(1, b"\x82", end_headers=False)
                            + f.continuation(1, b"", end_headers=False) * 64],
    "name_empty": [HELLO, request(1, ("", "x"))],
    "name_upper": [HELLO, f.headers(1, b"\x00\x01X\x01y", end_stream=True)],
    "name_octet": [HELLO, request(1, ("x y", "z"))],
    "value_octet": [HELLO, request(1, ("x", "y\nz"))],
    "value_padded": [HELLO, request(1, ("x", " y"))],
    "undecodable": [{"header_encoding": "utf-8"}, HELLO, request(1, (b"x", b"\xff"))],
    "te": [HELLO, request(1, ("te", "gzip"))],
    "connection_field": [HELLO, request(1, ("connection", "close"))],
    "pseudo_duplicate": [HELLO, fields((":method", "GET"), (":method", "GET"), (":scheme", "https"), (":path", "/"))],
    "pseudo_late": [HELLO, fields((":method", "GET"), (":scheme", "https"), ("x", "y"), (":path", "/"))],
    "pseudo_unknown": [HELLO, fields((":method", "GET"), (":scheme", "https"), (":path", "/"), (":x", "y"))],
    "pseudo_trailers": [HELLO, post(1), fields((":path", "/"))],
    "pseudo_response": [HELLO, request(1, status=b"200")],
    "method_missing": [HELLO, request(1, method=None)],
    "scheme_missing": [HELLO, request(1, scheme=None)],
    "path_missing": [HELLO, request(1, path=None)],
    "path_empty": [HELLO, request(1, path=b"")],
    "path_form": [HELLO, request(1, path=b"x")],
    "target_octet": [HELLO, request(1, path=b"/ x")],
    "connect_target": [HELLO, request(1, method=b"CONNECT")],
    "protocol_unasked": [RFC, HELLO, request(1, method=b"CONNECT", protocol=b"websocket")],
    "protocol_not_connect": [HELLO, request(1, protocol=b"websocket")],
    "authority_missing": [HELLO, request(1, authority=None)],
    "connect_authority": [HELLO, request(1, ("host", "x"), method=b"CONNECT", scheme=None, path=None, authority=None)],
    "authority_empty": [HELLO, request(1, authority=b"")],
    "authority_octet": [HELLO, request(1, authority=b"a b")],
    "authority_userinfo": [HELLO, request(1, authority=b"user@x")],
    "host_duplicate": [HELLO, request(1, ("host", "x"), ("host", "x"), authority=None)],
    "host_mismatch": [HELLO, request(1, ("host", "y"))],
    "content_length": [HELLO, request(1, ("content-length", "x"))],
    "content_length_conflict": [HELLO, request(1, ("content-length", "1"), ("content-length", "2"))],
    "body_length": [HELLO, request(1, ("content-length", "1"))],
    "trailers_open": [HELLO, post(1), f.headers(1, block([("x", "y")]))],
    "resets": [limited(reset_burst=0, reset_rate=0), HELLO, request(1) + f.rst_stream(1)],
    "early_refusals": [{**RFC, **limited(concurrent_streams=1, early_refusals=0)}, HELLO, request(1) + request(3)],
    "ack_backlog": [limited(ack_backlog=1), HELLO, f.ping() * 2],
    "control_backlog": [limited(control_backlog=20), HELLO, f.ping() * 2],
    "suspicious_frames": [limited(suspicious_burst=2, suspicious_rate=0), HELLO, f.ping() * 3],
    "ignored_octets": [limited(ignored_octets=10, ignored_ratio=0), HELLO, f.unknown(payload=bytes(20))],
    "priority_frames": [limited(priority_frames=1), HELLO, f.priority(1) * 2],
    "window_updates": [limited(window_updates=1), HELLO, f.window_update(0, 1) * 2],
    "settings_per_frame": [HELLO, f.settings(*[(0xF000 + number, 1) for number in range(33)])],
}

# The same for faults that only clients meet.
CLIENTS_FAULTS = {
    "push_promise_short": [f.settings(), ask, f.push_promise(1, 2).body(b"")],
    "push_promise_pad_too_long": [f.settings(), ask, f.push_promise(1, 2, b"x").pad(9, 0)],
    "priority_update_server": [f.settings(), ask, f.priority_update(1)],
    "response_unasked": [f.settings(), ask, fields((":status", "200"), stream_id=2)],
    "promise_parent": [f.settings(), ask, f.push_promise(3, 2, block(request_fields()))],
    "promised_id": [f.settings(), ask, f.push_promise(1, 3, block(request_fields()))],
    "promised_method": [f.settings(), ask, f.push_promise(1, 2, block(request_fields(method=b"POST")))],
    "promised_content": [f.settings(), ask, f.push_promise(1, 2, block(request_fields(("content-length", "1"))))],
    "status": [f.settings(), ask, fields((":status", "20"))],
    "interim_end": [f.settings(), ask, fields((":status", "103"))],
    "data_early": [f.settings(), ask, f.data(1, b"x")],
    "informational_responses": [limited(informational_responses=0), f.settings(), ask,
                                f.headers(1, block([(":status", "103")]))],
}

# Another fault comes before it.
ALSO_COUNTED = {"early_refusals": ["streams_refused"]}


def test_every_fault_has_a_case():
    assert {token for token, *_ in _errors.FAULTS.values()} == {*FAULTS, *CLIENTS_FAULTS}


@pytest.mark.parametrize("call", ["receive_data", "ready_requests"])
@pytest.mark.parametrize("token", FAULTS)
def test_a_connection_that_ends_with_a_fault_is_freed(token, call):
    ends(token, FAULTS[token], call, False)


@pytest.mark.parametrize("token", CLIENTS_FAULTS)
def test_a_clients_connection_that_ends_with_a_fault_is_freed(token):
    ends(token, CLIENTS_FAULTS[token], "receive_data", True)


def ends(token, steps, call, client_side):
    gc.disable()
    try:
        config = {}
        for step in steps:
            if isinstance(step, dict):
                config.update(step)
        connection = H2Connection(H2Configuration(client_side=client_side, **config))
        connection.initiate_connection()
        events, streams, error = [], {}, None
        for step in steps:
            if callable(step):
                step(connection)
            elif not isinstance(step, dict):
                connection.data_to_send()
                try:
                    events += getattr(connection, call)(bytes(step))
                except ProtocolError as raised:
                    error = raised
                    events += raised.events
                streams.update(connection.streams)
        assert list(connection.counters) == [*ALSO_COUNTED.get(token, ()), token]
        assert error is not None or connection.data_to_send()
        # Whatever a program may still hold: events, the error with its traceback, streams.
        freed = weakref.ref(connection)
        del connection
        assert freed() is None
        assert {references(stream) for stream in streams.values()} <= {1}
    finally:
        gc.enable()
