"""Several threads call one connection as they like: each call happens before or after another, or raises.

What may be raised is what the methods document for a connection in the state that another thread left it in. Whatever
was called, the output is frames that a strict peer can read, and the connection can be closed.
"""
import random
import time

import pytest

from fasth2.exceptions import H2Error, ProtocolError
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import server
from tests.support.threads import rounds, together

RESPONSE = [(":status", "200"), ("x-one", "1"), ("x-two", "2" * 40)]
STREAMS = range(1, 41, 2)


def header_list(chance):
    """A response's fields, one of them new to the encoder's table, some made while they are read."""
    fields = [*RESPONSE, ("x-new", str(chance.randrange(1000)))]
    return chance.choice((fields, tuple(fields), iter(fields), ((name, value) for name, value in fields)))


# The calls of h2's API, each with a connection, a stream and a source of chance.
H2_CALLS = {
    "send_headers": lambda c, n, chance: c.send_headers(n, header_list(chance), end_stream=chance.random() < 0.2),
    "send_data": lambda c, n, chance: c.send_data(n, bytes(chance.randrange(200)), pad_length=chance.choice((None, 3))),
    "send_data of a buffer": lambda c, n, chance: c.send_data(n, bytearray(chance.randrange(200))),
    "end_stream": lambda c, n, chance: c.end_stream(n),
    "reset_stream": lambda c, n, chance: c.reset_stream(n) if chance.random() < 0.2 else None,
    "push_stream": lambda c, n, chance: c.push_stream(n, c.get_next_available_stream_id(), [
        (":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", f"/{chance.randrange(50)}")]),
    "ping": lambda c, n, chance: c.ping(b"12345678"),
    "update_settings": lambda c, n, chance: c.update_settings({3: chance.randrange(100, 200), 4: 65535}),
    "acknowledge": lambda c, n, chance: c.acknowledge_received_data(1, n),
    "increment": lambda c, n, chance: c.increment_flow_control_window(1, chance.choice((None, n))),
    "local window": lambda c, n, chance: c.local_flow_control_window(n),
    "remote window": lambda c, n, chance: c.remote_flow_control_window(n),
    "altsvc": lambda c, n, chance: c.advertise_alternative_service(b"h2", origin=b"origin"),
}

# Those of contract D.
ONE_CALL = {
    "respond": lambda c, n, chance: c.respond(n, 200, [
        ("x-new", str(chance.randrange(1000)))], bytes(chance.randrange(9000)), end_stream=False),
    "respond with trailers": lambda c, n, chance: c.respond(n, 200, [("x", "y")], b"body", [("t", "1")]),
    "write": lambda c, n, chance: c.write(n, bytes(chance.randrange(5000)), end_stream=chance.random() < 0.3),
    "write a buffer": lambda c, n, chance: c.write(n, bytearray(chance.randrange(5000))),
    "consume": lambda c, n, chance: c.consume(n, 1, merge=chance.random() < 0.5),
    "unsent": lambda c, n, chance: c.unsent(n),
}

# What can be looked at.
LOOKS = {
    name: (lambda c, n, chance, name=name: getattr(c, name)) for name in (
        "open_inbound_streams", "open_outbound_streams", "inbound_flow_control_window", "outbound_flow_control_window",
        "max_outbound_frame_size", "max_inbound_frame_size", "highest_inbound_stream_id", "highest_outbound_stream_id",
        "settings_acknowledged", "config")
} | {
    "repr": lambda c, n, chance: repr(c),
    "counters": lambda c, n, chance: sum(c.counters.values()),
    "streams": lambda c, n, chance: [(s.stream_id, s.state, s.open, s.closed_by, s.unsent, s.outbound_flow_control_window,
                                      s.inbound_flow_control_window, repr(s)) for s in c.streams.values()],
    "local settings": lambda c, n, chance: (dict(c.local_settings), repr(c.local_settings.max_concurrent_streams)),
    "remote settings": lambda c, n, chance: (dict(c.remote_settings), c.remote_settings.initial_window_size),
    "encoder": lambda c, n, chance: (c.encoder.header_table, c.encoder.header_table_size),
    "decoder": lambda c, n, chance: (c.decoder.header_table, c.decoder.header_table_size),
    "assign settings": lambda c, n, chance: c.local_settings.__setitem__(3, chance.randrange(100, 200)),
    "assign config": lambda c, n, chance: setattr(c, "config", c.config),
}


def inputs(stream_id):
    """What the peer sends on one stream, and frames of the connection's."""
    return [
        request(stream_id, ("x-some", f"value {stream_id}"), end_stream=False), frames.data(stream_id, b"d" * 300),
        frames.ping(), frames.window_update(stream_id, 1000), frames.priority(stream_id), frames.settings_ack(),
        frames.settings((frames.INITIAL_WINDOW_SIZE, 60000 + stream_id), (frames.MAX_CONCURRENT_STREAMS, 1000)),
        frames.data(stream_id, b"d" * 300, end_stream=True), frames.unknown(payload=b"u" * 20),
        frames.rst_stream(stream_id) if stream_id % 5 == 0 else frames.window_update(0, 1000),
    ]


@pytest.mark.parametrize("receive", ["receive_data", "ready_requests"])
@pytest.mark.parametrize("calls", [H2_CALLS, ONE_CALL], ids=["h2's calls", "one call"])
def test_whatever_is_called_the_output_can_be_read(calls, receive):
    """One thread feeds requests, one takes the output, four call what they like, one looks at everything."""
    kinds = set()
    for seed in range(rounds(2)):
        connection = server(rfc_errors=True)
        connection.receive_data(PREFACE + frames.settings((frames.MAX_CONCURRENT_STREAMS, 1000)) + frames.settings_ack()
                                + frames.window_update(0, 10**6) + request(1))
        output = []
        fed = []
        results = []

        def feed(connection=connection, fed=fed, results=results):
            try:
                for stream_id in STREAMS:
                    for frame in inputs(stream_id + 2):
                        getattr(connection, receive)(bytes(frame))
                    # The others get on as well.
                    calls_due = len(results) + 20
                    for _ in range(1000):
                        if len(results) >= calls_due:
                            break
                        time.sleep(0.0001)
            finally:
                fed.append(True)

        def take(connection=connection, fed=fed, output=output):
            chance = random.Random(-1)
            while not fed:
                output.append(chance.choice((connection.data_to_send, connection.pull))(chance.randrange(1, 5000)))

        def caller(number, calls, connection=connection, fed=fed, results=results, seed=seed):
            def target():
                chance = random.Random(100 * seed + number)
                names = sorted(calls)
                while not fed:
                    stream_id = max(1, connection.highest_inbound_stream_id - 2 * chance.randrange(6))
                    try:
                        calls[chance.choice(names)](connection, stream_id, chance)
                        results.append(None)
                    except H2Error as error:
                        results.append(type(error))
            return target

        together(feed, take, *(caller(number, calls) for number in range(4)), caller(9, LOOKS))
        assert None in results
        output.append(connection.data_to_send())
        connection.close_connection()
        output.append(connection.data_to_send())
        sent = FrameReader(table_size=4096).read(b"".join(output))
        assert sent[-1].kind == "GOAWAY"
        kinds |= {each.kind for each in sent}
    assert {"SETTINGS", "PING", "HEADERS"} <= kinds


def test_a_connection_that_fails_under_its_users_stays_failed():
    """Several threads feed it the same bad frame: one gets the error, and GOAWAY goes out once."""
    for _ in range(rounds(30)):
        connection = server(rfc_errors=True)
        connection.receive_data(PREFACE + frames.settings() + request(1))
        connection.data_to_send()

        def feed(connection=connection):
            try:
                connection.receive_data(bytes(frames.data(0)))
            except ProtocolError:
                return 1
            return 0

        assert sum(together(*[feed] * 4)) == 1
        assert [sent.kind for sent in FrameReader().read(connection.data_to_send())] == ["GOAWAY"]
        assert connection.counters == {"stream_id_zero": 1}


def test_threads_that_initialise_one_object_do_not_break_it():
    """`__init__` called by several: once, and an exception for the others."""
    for _ in range(rounds(30)):
        connection = type(server()).__new__(type(server()))
        made = server().config

        def start(connection=connection, made=made):
            try:
                connection.__init__(made)
            except RuntimeError:
                return 0
            return 1

        assert sum(together(*[start] * 4)) == 1
        connection.initiate_connection()
        assert FrameReader().read(connection.data_to_send())[0].kind == "SETTINGS"
