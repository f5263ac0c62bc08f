"""What belongs to a stream or a table entry goes when that goes (docs/security.md, rows 42 and 25)."""
import gc

import pytest

from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from tests.support.heap import alone, growth
from tests.support.long_runs import rounds
from tests.support.references import references

from . import traffic
from .servers import UNLIMITED

FLAT = 10_000
KIB = 1024


def connect(rfc_errors=True, limits=UNLIMITED, settings=b"", **config):
    """A server whose peer has said hello."""
    connection = H2Connection(H2Configuration(client_side=False, rfc_errors=rfc_errors, limits=limits, **config))
    connection.initiate_connection()
    connection.receive_data(traffic.PREFACE + traffic.SETTINGS_ACK + settings)
    connection.data_to_send()
    return connection


def peer_resets(connection):
    connection.receive_data(traffic.reset(1))


def peer_overflows_its_window(connection):
    connection.receive_data(traffic.window_update(1, 2**31 - 1) * 2)


def we_reset(connection):
    connection.reset_stream(1)


def all_is_sent(connection):
    connection.receive_data(traffic.window_update(0, 10 * KIB * KIB) + traffic.window_update(1, 10 * KIB * KIB))
    connection.pull()


def connection_fails(connection):
    with pytest.raises(ProtocolError):
        connection.receive_data(traffic.frame(6, 0, 0, b"short"))


def application_gives_up(connection):
    connection.close_connection(error_code=2)


ENDS = [peer_resets, peer_overflows_its_window, we_reset, all_is_sent, connection_fails, application_gives_up]


@pytest.mark.parametrize("end", ENDS)
def test_a_queued_body_goes_with_its_stream(end):
    connection = connect()
    connection.receive_data(traffic.get(1) + traffic.get(3))
    body, more = bytes(KIB * KIB), bytes(KIB * KIB)
    connection.respond(1, 200, [], body, end_stream=False)
    connection.write(1, more)
    connection.write(1, more)
    connection.respond(3, 200, [], b"x" * 100_000)
    connection.pull()
    assert (references(body), references(more)) == (1, 2)
    streams = dict(connection.streams)  # a program may hold them
    end(connection)
    assert (references(body), references(more)) == (0, 0)
    assert streams[1].unsent == 0


@pytest.mark.parametrize("end", ENDS)
def test_a_body_of_a_stream_that_waits_for_window_goes_too(end):
    connection = connect(settings=traffic.settings((4, 0)))
    connection.receive_data(traffic.get(1))
    body = bytes(100_000)
    connection.respond(1, 200, [], body, [("x-trailer", "1")])
    connection.pull()
    assert references(body) == 1
    end(connection)
    assert references(body) == 0


def test_a_connection_that_failed_holds_no_more_of_a_stream_than_its_state():
    connection = connect()
    connection.receive_data(traffic.get(1) + traffic.get(3))
    connection.respond(1, 200, [], bytes(100_000))
    connection.respond(3, 200, [], bytes(100_000))
    connection_fails(connection)
    assert connection.unsent(1) == connection.unsent(3) == 0
    assert [stream.unsent for stream in connection.streams.values()] == [0, 0]
    # GOAWAY, and nothing after it.
    assert connection.pull()[-17:] == traffic.frame(7, 0, 0, b"\0\0\0\3\0\0\0\6")


@pytest.mark.parametrize("rfc_errors", [False, True])
def test_a_header_goes_with_its_entry(rfc_errors):
    connection = connect(rfc_errors)
    [event, _] = connection.receive_data(traffic.get(1))
    header = event.headers[-1]
    assert header == (b"x-id", b"0000000001")
    name, value = header
    assert references(header) == 2
    del event, _
    assert references(header) == 1
    # The table holds some ninety such entries.
    for sid in range(3, 301, 2):
        connection.receive_data(traffic.get(sid) + traffic.reset(sid))
    assert references(header) == 0
    assert (references(name), references(value)) == (1, 1)
    connection.data_to_send()


def test_what_is_sent_is_not_kept():
    connection = connect()
    name, value = "x-" + str(id(connection)), str(id(connection)) * 2
    before = references(name), references(value)
    connection.receive_data(traffic.get(1) + traffic.get(3))
    connection.send_headers(1, [(":status", "200"), (name, value)], end_stream=True)
    connection.respond(3, 200, [(name, value)], b"body", [(name, value)])
    assert (references(name), references(value)) == before
    with pytest.raises(ProtocolError):
        connection.send_headers(3, [(name, value), (":status", "200")])
    with pytest.raises(ProtocolError):
        connection.respond(3, 2000, [(name, value)])
    assert (references(name), references(value)) == before


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_input_is_not_kept(kind):
    octets = bytearray(traffic.get(1) + traffic.post(3) + traffic.data(3, bytes(50)) + traffic.post(5)[:-3])
    connection = connect()
    given = kind(octets)
    events = connection.receive_data(given)
    assert len(events) == 4
    assert references(given) == 0
    if kind is bytearray:
        given.clear()  # would refuse while its buffer is held


def test_events_keep_nothing_of_the_connection_alive():
    """Nor does the error of one that failed; none of them is part of a cycle."""
    gc.disable()
    try:
        connection = connect()
        events = connection.receive_data(traffic.mixed(1, 10) + traffic.settings((4, 1)) + traffic.window_update(0, 5))
        body = bytes(100_000)
        connection.respond(1, 200, [], body)
        with pytest.raises(ProtocolError) as caught:
            connection.receive_data(traffic.get(21) + traffic.frame(6, 0, 0, b"short"))
        error = caught.value
        assert len(error.events) == 2
        counted = references(connection)
        assert counted == 0
        for thing in [*events, *error.events, error]:
            assert not [found for found in gc.get_referents(thing) if found is connection]
        headers = events[0].headers[-1]
        assert references(headers) == 2
        del events, thing
        assert references(headers) == 1
    finally:
        gc.enable()


def streams_that_are_cut_off(rounds):
    """Copied bodies of 64 KiB, queued and thrown away."""
    connection = connect(limits=Limits(reset_burst=None))

    def cut(number):
        sid = 1 + 4 * number
        connection.receive_data(traffic.get(sid) + traffic.get(sid + 2))
        connection.respond(sid, 200, [], bytearray(64 * KIB), [("x-trailer", "1")])
        connection.respond(sid + 2, 200, [], bytearray(64 * KIB), end_stream=False)
        connection.write(sid + 2, bytearray(64 * KIB))
        connection.pull(1000)
        connection.receive_data(traffic.reset(sid))
        connection.reset_stream(sid + 2)
        connection.pull()
        connection.receive_data(traffic.window_update(0, 1_000))

    return growth(cut, rounds, 1000)


@pytest.mark.slow
def test_streams_that_are_cut_off():
    assert alone(streams_that_are_cut_off, rounds(20_000)) < FLAT


def pushes(rounds):
    """Promised streams: answered; reset before they were; reset by the peer; promised and forgotten."""
    connection = connect(rfc_errors=False, settings=traffic.settings((3, 1000)))
    request = [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/style.css")]
    connection.receive_data(traffic.post(1))

    def push(number):
        first = 2 + 6 * number
        for sid in (first, first + 2, first + 4):
            connection.push_stream(1, sid, [*request, ("x-number", str(sid))])
        connection.send_headers(first, [(":status", "200")])
        connection.send_data(first, b"", end_stream=True)
        connection.reset_stream(first + 2)
        connection.receive_data(traffic.reset(first + 4))
        connection.data_to_send()

    grown = growth(push, rounds, 2000)
    assert list(connection.streams) == [1]
    return grown


@pytest.mark.slow
def test_pushes():
    assert alone(pushes, rounds(100_000)) < FLAT
