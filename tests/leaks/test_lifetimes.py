"""A connection dies with its last reference, whatever it is in the middle of, and takes all with it."""
import gc
import weakref

import pytest

from fasth2 import HTTP2ServerConnection
from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from tests.support.heap import alone, growth
from tests.support.long_runs import rounds
from tests.support.references import references

from . import traffic
from .servers import UNLIMITED, Facade, Gunicorn, Output

FLAT = 10_000
PROMISE = [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/")]


def new(rfc_errors=True, **config):
    connection = H2Connection(H2Configuration(client_side=False, rfc_errors=rfc_errors, limits=UNLIMITED, **config))
    connection.initiate_connection()
    return connection


def greeted(**config):
    connection = new(**config)
    connection.receive_data(traffic.PREFACE)
    return connection


def with_requests(**config):
    connection = greeted(**config)
    connection.receive_data(traffic.mixed(1, 10) + traffic.post(21))
    return connection


def untouched():
    return H2Connection(H2Configuration(client_side=False))


def in_the_preface():
    connection = new()
    connection.receive_data(traffic.PREFACE[:10])
    return connection


def with_output():
    return with_requests()


def output_half_taken():
    connection = with_requests()
    connection.respond(1, 200, [("x", "y" * 10_000)])
    connection.data_to_send(5000)
    return connection


def in_a_frame():
    connection = with_requests()
    connection.receive_data(traffic.data(21, bytes(5000))[:-1])
    return connection


def in_a_block():
    connection = with_requests()
    connection.receive_data(traffic.frame(1, 0, 23, traffic.post(23)[9:]) + traffic.frame(9, 0, 23, b"\x00\x01x\x01y"))
    return connection


def bodies_in_turns():
    connection = with_requests()
    for sid in (1, 3, 5, 7):
        connection.respond(sid, 200, [], bytes(50_000), [("x-trailer", str(sid))])
    connection.respond(9, 200, [], bytearray(50_000), end_stream=False)
    connection.write(9, bytearray(50_000))
    connection.pull(20_000)
    return connection


def bodies_that_wait_for_window():
    connection = with_requests()
    connection.receive_data(traffic.settings((4, 0)))
    for sid in (1, 3, 5):
        connection.respond(sid, 200, [], bytes(50_000))
    connection.pull()
    return connection


def promised():
    connection = with_requests()
    connection.push_stream(21, 2, PROMISE)
    connection.push_stream(21, 4, PROMISE)
    connection.send_headers(2, [(":status", "200")])
    return connection


def settings_to_come():
    connection = with_requests()
    for size in range(10):
        connection.update_settings({4: size, 0xF000 + size: size})
    return connection


def gone_away():
    connection = bodies_in_turns()
    connection.close_connection()
    return connection


def peer_gone_away():
    connection = bodies_in_turns()
    connection.receive_data(traffic.frame(7, 0, 0, bytes(8) + b"debug"))
    return connection


def refused(call):
    """Make a call that raises; unlike pytest.raises this leaves no cycle behind."""
    try:
        call()
    except (ProtocolError, ValueError, TypeError, AttributeError):
        return
    raise AssertionError("the call was obeyed")


def failed():
    connection = bodies_in_turns()
    refused(lambda: connection.receive_data(traffic.frame(6, 0, 0, b"short")))
    return connection


def refused_calls():
    connection = with_requests()
    for call in (
        lambda: connection.send_headers(1, [("x", "y"), (":status", "200")]),
        lambda: connection.send_headers(1, [(":status", "200"), (b"x", 5)]),
        lambda: connection.send_data(1, bytes(70_000)),
        lambda: connection.respond(1, 200, [("x\n", "y")], b"x"),
        lambda: connection.respond(1, 200, [("x", "y")], b"x", [(":status", "200")]),
        lambda: connection.write(1, bytearray(5)),
        lambda: connection.update_settings({5: 1}),
        lambda: connection.receive_data("text"),
        lambda: connection.push_stream(1, 2, PROMISE[1:]),
        lambda: connection.ping(b"short"),
    ):
        refused(call)
    return connection


def late_decoding():
    connection = greeted(header_encoding="cp1252")
    connection.receive_data(traffic.mixed(1, 10))
    return connection


STATES = [untouched, new, in_the_preface, greeted, with_output, output_half_taken, in_a_frame, in_a_block,
          bodies_in_turns, bodies_that_wait_for_window, promised, settings_to_come, gone_away, peer_gone_away, failed,
          refused_calls, late_decoding]


@pytest.fixture(autouse=True)
def no_collector():
    """Only references count."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("state", STATES)
def test_the_last_reference_frees_it(state):
    connection = state()
    # Held by a program, and no reason to live on.
    streams = dict(connection.streams)
    parts = [connection.local_settings, connection.remote_settings, connection.encoder,
             connection.decoder, connection.counters]
    freed = weakref.ref(connection)
    del connection
    assert freed() is None
    # The dict, and the list.
    assert {references(stream) for stream in streams.values()} <= {1}
    assert {references(part) for part in parts} == {1}


def all_states(rounds):
    def step(number):
        for state in STATES:
            state()

    return growth(step, rounds, 20)


@pytest.mark.slow
def test_all_states_again_and_again():
    assert alone(all_states, rounds(2000)) < FLAT


def test_a_stream_in_turns_does_not_keep_the_others():
    connection = bodies_in_turns()
    body = bytes(100_000)
    connection.receive_data(traffic.get(23))
    connection.respond(23, 200, [], body)
    kept = connection.streams[1]
    del connection
    assert references(body) == 0
    assert kept.unsent > 0


def test_a_cycle_that_a_program_makes_is_collected():
    class Connection(H2Connection):
        pass

    class Logger:
        def debug(self, *arguments):
            pass

        error = trace = debug

        def clock(self):
            return 0.0

    logger = Logger()
    config = H2Configuration(client_side=False, logger=logger, clock=logger.clock)
    logger.connection = connection = Connection(config)
    connection.itself = connection
    connection.initiate_connection()
    connection.receive_data(traffic.PREFACE + traffic.mixed(1, 10) + traffic.reset(1))
    connection.respond(3, 200, [], bytes(100_000))
    connection.respond(5, 200, [], bytes(100_000))
    connection.pull(5000)
    freed = weakref.ref(connection)
    del connection, logger, config
    assert freed() is not None
    gc.collect()
    assert freed() is None


@pytest.mark.parametrize("make", [Facade, Gunicorn])
def test_a_facade_whose_streams_were_released_is_freed(make):
    server = make()
    server.serve(traffic.PREFACE + traffic.SETTINGS_ACK)
    server.serve(traffic.mixed(1, 10) + traffic.post(21) + traffic.data(21, b"x") + traffic.reset(21))
    server.serve(traffic.frame(7, 0, 0, bytes(8)))
    freed, engine = weakref.ref(server.connection), weakref.ref(server.connection.h2_conn)
    del server
    assert (freed(), engine()) == (None, None)


def test_a_facade_whose_streams_are_held_frees_the_engine_once_it_goes():
    connection = HTTP2ServerConnection(Facade.cfg, Output(), None)
    connection.initiate_connection()
    [request] = connection.receive_data(traffic.PREFACE + traffic.SETTINGS_ACK + traffic.get(1))
    freed, engine = weakref.ref(connection), weakref.ref(connection.h2_conn)
    del connection
    assert freed() is request.stream.connection
    del request
    # A stream and its connection know each other.
    gc.collect()
    assert (freed(), engine()) == (None, None)


def test_limits_and_configuration_are_shared_and_stay():
    limits = Limits()
    config = H2Configuration(client_side=False, limits=limits)
    before = references(limits), references(config)
    for _ in range(100):
        H2Connection(config)
    assert (references(limits), references(config)) == before
