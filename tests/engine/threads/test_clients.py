"""A client's connection that threads share, as httpx has one, and streams that go while threads use them.

docs/security.md, rows 44 and 42. With the interpreter's lock the threads change places every 10 microseconds
(`tests.support.threads`); the same tests run without it (``make test-free-threaded``) and under ThreadSanitizer.
"""
import random
import threading
import time

import pytest

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.exceptions import H2Error, StreamIDTooLowError, TooManyStreamsError
from tests.support import frames
from tests.support.client import fields, promise, response
from tests.support.fields import request, request_fields
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import server
from tests.support.references import references
from tests.support.threads import rounds, together

ASKING = 6


def client():
    """A client whose server has said hello."""
    connection = H2Connection(H2Configuration(client_side=True, rfc_errors=True))
    connection.initiate_connection()
    connection.receive_data(frames.settings((frames.MAX_CONCURRENT_STREAMS, 1000), (frames.INITIAL_WINDOW_SIZE, 10**6))
                            + frames.settings_ack() + frames.window_update(0, 10**7))
    return connection


def test_requests_that_threads_send_at_once_get_their_own_answers():
    """Each thread takes the next identifier, and another one if it was too late; one thread is the network."""
    ours, theirs = client(), server(rfc_errors=True)
    theirs.receive_data(PREFACE)
    answers = {}
    to_do = rounds(20)
    done = threading.Event()

    def ask(number):
        def target():
            for n in range(to_do):
                while True:
                    stream_id = ours.get_next_available_stream_id()
                    try:
                        ours.send_headers(stream_id, request_fields(("x-asked", f"{number}/{n}")))
                        break
                    except (StreamIDTooLowError, TooManyStreamsError):
                        continue
                    except H2Error:
                        # Another one has just used it.
                        assert ours.get_next_available_stream_id() > stream_id
                ours.send_data(stream_id, b"%d/%d" % (number, n), end_stream=True)
                while stream_id not in answers:
                    time.sleep(0.0001)
                assert answers[stream_id] == b"%d/%d" % (number, n) * 2
            return to_do
        return target

    def network():
        asked, bodies, got = {}, {}, {}
        while not done.is_set():
            # The client's preface was read.
            for event in theirs.receive_data(ours.data_to_send().removeprefix(PREFACE)):
                kind = type(event).__name__
                if kind == "RequestReceived":
                    asked[event.stream_id], bodies[event.stream_id] = dict(event.headers)[b"x-asked"], b""
                elif kind == "DataReceived":
                    bodies[event.stream_id] += event.data
                    theirs.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif kind == "StreamEnded":
                    theirs.send_headers(event.stream_id, [(":status", "200")])
                    theirs.send_data(event.stream_id, asked.pop(event.stream_id) + bodies.pop(event.stream_id), end_stream=True)
            for event in ours.receive_data(theirs.data_to_send()):
                kind = type(event).__name__
                if kind == "DataReceived":
                    got[event.stream_id] = got.get(event.stream_id, b"") + event.data
                elif kind == "StreamEnded":
                    answers[event.stream_id] = got.pop(event.stream_id)

    wire = threading.Thread(target=network, daemon=True)
    wire.start()
    try:
        assert together(*map(ask, range(ASKING))) == [to_do] * ASKING
    finally:
        done.set()
        wire.join(60)
    assert not wire.is_alive()
    assert (ours.open_outbound_streams, theirs.open_inbound_streams) == (0, 0)
    assert ours.outbound_flow_control_window == 65535 + 10**7 - sum(len(answer) // 2 for answer in answers.values())


CALLS = {
    "a request": lambda c, n, chance: c.send_headers(c.get_next_available_stream_id(), request_fields(
        ("x-new", str(chance.randrange(100)))), end_stream=chance.random() < 0.5),
    "a request with a priority": lambda c, n, chance: c.send_headers(
        c.get_next_available_stream_id(), iter(request_fields()), priority_weight=chance.randrange(1, 257), priority_depends_on=0),
    "data": lambda c, n, chance: c.send_data(n, bytes(chance.randrange(200))),
    "trailers": lambda c, n, chance: c.send_headers(n, [("x-sum", "1")], end_stream=True),
    "write": lambda c, n, chance: c.write(n, bytearray(chance.randrange(5000)), end_stream=chance.random() < 0.3),
    "prioritize": lambda c, n, chance: c.prioritize(n, chance.randrange(1, 257), 0, chance.random() < 0.5),
    "reset": lambda c, n, chance: c.reset_stream(n, 8) if chance.random() < 0.3 else None,
    "acknowledge": lambda c, n, chance: c.acknowledge_received_data(1, n),
    "settings": lambda c, n, chance: c.update_settings({2: chance.randrange(2), 3: 100}),
    "ping": lambda c, n, chance: c.ping(b"12345678"),
    "look": lambda c, n, chance: (c.open_outbound_streams, c.counters, [repr(s) for s in c.streams.values()], c.encoder.header_table),
}


def answers(stream_id, promised):
    """What a server sends on one stream, a promise and its response among it."""
    return [response(stream_id, ("link", "x"), status="103"), promise(stream_id, promised, ("x-pushed", str(promised))),
            response(stream_id, ("x", str(stream_id))), frames.data(stream_id, b"d" * 300), frames.ping(),
            response(promised), frames.data(promised, b"p" * 100, end_stream=True), frames.altsvc(stream_id),
            frames.settings((frames.INITIAL_WINDOW_SIZE, 60000 + stream_id)), frames.window_update(0, 100),
            fields(stream_id, [("x-sum", "1")], end_stream=True) if stream_id % 4 == 1 else frames.rst_stream(stream_id)]


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_called_the_output_can_be_read(seed):
    """One thread feeds what a server sends, one takes the output, four call what they like."""
    connection = client()
    for stream_id in range(1, 21, 2):
        connection.send_headers(stream_id, request_fields())
    output, made, fed = [], [], []

    def feed():
        promised = 2
        try:
            for stream_id in range(1, 21, 2):
                for frame in answers(stream_id, promised):
                    # Another thread may have reset it, or switched pushing off: the connection then ends.
                    connection.receive_data(bytes(frame))
                promised += 2
                due = len(made) + 20
                for _ in range(1000):
                    if len(made) >= due:
                        break
                    time.sleep(0.0001)
        except H2Error:
            pass
        finally:
            fed.append(True)

    def take():
        chance = random.Random(-1)
        while not fed:
            output.append(chance.choice((connection.data_to_send, connection.pull))(chance.randrange(1, 5000)))

    def caller(number):
        def target():
            chance = random.Random(100 * seed + number)
            while not fed:
                stream_id = max(1, connection.highest_outbound_stream_id - 2 * chance.randrange(8))
                try:
                    CALLS[chance.choice(sorted(CALLS))](connection, stream_id, chance)
                    made.append(None)
                except H2Error as error:
                    made.append(type(error))
        return target

    together(feed, take, *map(caller, range(4)))
    assert None in made
    output.append(connection.data_to_send())
    try:
        connection.close_connection()
    except H2Error:
        pass
    output.append(connection.data_to_send())
    sent = FrameReader().read(b"".join(output))
    assert sent[-1].kind == "GOAWAY"
    assert {"SETTINGS", "HEADERS", "PRIORITY"} <= {one.kind for one in sent}


def test_what_belongs_to_a_stream_goes_with_its_reset_while_threads_use_it():
    """Row 42: bodies that threads hand over, streams that they hold, and a peer that resets each stream."""
    connection = server(rfc_errors=True)
    connection.receive_data(PREFACE + frames.settings((frames.INITIAL_WINDOW_SIZE, 0)) + frames.settings_ack())
    body = bytes(100_000)
    streams = range(1, 2 * rounds(40), 2)
    fed = threading.Event()

    def feed():
        try:
            for stream_id in streams:
                connection.receive_data(bytes(request(stream_id)))
                time.sleep(0.0001)
                connection.receive_data(bytes(frames.rst_stream(stream_id)))
                connection.data_to_send()
        finally:
            fed.set()

    def answer():
        held = []
        while not fed.is_set():
            stream_id = connection.highest_inbound_stream_id
            try:
                connection.respond(stream_id, 200, [("x-n", "1")], body, [("x-sum", "1")])
            except H2Error:
                pass
            held = list(connection.streams.values())
        return len(held)

    together(feed, *[answer] * 4)
    assert connection.open_inbound_streams == 0
    assert connection.streams == {}
    assert references(body) == 0, "a body that was never sent is kept"
    assert connection.counters.get("resets") is None


@pytest.mark.parametrize("names", ["fasth2.hpack", "the engine's"])
def test_coders_that_threads_share_stay_whole(names):
    """Each block is the next of the encoder's, whoever asked for it; the decoder refuses or answers."""
    if names == "fasth2.hpack":
        from fasth2.hpack import Decoder, Encoder
    else:
        from fasth2.hpack.decoder import Decoder
        from fasth2.hpack.encoder import Encoder
    encoder, decoder, lock = Encoder(), Decoder(), threading.Lock()
    blocks = []

    def encode(number):
        def target():
            for n in range(rounds(100)):
                headers = [("x-name", f"{number}/{n}"), ("x-same", "same")]
                if n % 3:
                    with lock:
                        blocks.append((encoder.encode(headers), headers))
                else:
                    # Without a lock: what comes first is not known, so it leaves nothing in the table.
                    encoder.encode([(name, value, True) for name, value in headers])
                _ = encoder.header_table.dynamic_entries, encoder.header_table_size
        return target

    together(*map(encode, range(4)))
    for block, headers in blocks:
        assert decoder.decode(block) == headers
    assert decoder.header_table.dynamic_entries in (encoder.header_table.dynamic_entries, [
        (name.decode(), value.decode()) for name, value in encoder.header_table.dynamic_entries])

    shared = Decoder()
    block = Encoder().encode([("x-a", "b"), ("x-c", "d" * 100)])

    def decode():
        for n in range(rounds(100)):
            assert shared.decode(block, raw=n % 2 == 1)
            _ = shared.header_table_size
        return True

    assert together(*[decode] * 4) == [True] * 4
