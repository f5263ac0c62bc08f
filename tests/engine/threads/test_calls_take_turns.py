"""Several threads on one connection: their calls get a serial order, with or without the interpreter lock."""
import threading
import time

import pytest

from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import server
from tests.support.threads import together

STREAMS = list(range(1, 41, 2))


def opened(**config):
    """A connection with a request on each of the streams."""
    connection = server(rfc_errors=True, **config)
    connection.receive_data(PREFACE + frames.settings((frames.INITIAL_WINDOW_SIZE, 10**6)) + frames.settings_ack()
                            + frames.window_update(0, 10**7))
    connection.receive_data(b"".join(bytes(request(n)) for n in STREAMS))
    reader = FrameReader()
    reader.read(connection.data_to_send())
    return connection, reader


@pytest.mark.parametrize("call", ["respond", "h2"])
def test_streams_answered_by_threads_of_their_own_come_out_whole(call):
    """Twenty threads answer, one reads the output, one feeds pings."""
    connection, reader = opened()
    output = []
    done = threading.Event()

    def answer(stream_id):
        def target():
            body = b"%d," % stream_id * 3000
            if call == "respond":
                connection.respond(stream_id, 200, [("x-stream", str(stream_id))], end_stream=False)
                for at in range(0, len(body), 1000):
                    connection.write(stream_id, body[at:at + 1000])
                connection.write(stream_id, b"", end_stream=True)
            else:
                connection.send_headers(stream_id, [(":status", "200"), ("x-stream", str(stream_id))])
                for at in range(0, len(body), 1000):
                    connection.send_data(stream_id, body[at:at + 1000])
                connection.end_stream(stream_id)
        return target

    def drain():
        while not done.is_set():
            output.append(connection.data_to_send(5000))

    def feed():
        for n in range(300):
            connection.receive_data(bytes(frames.ping(n.to_bytes(8, "big"))))
        time.sleep(0.01)
        done.set()

    together(*(answer(n) for n in STREAMS), feed, drain)
    output.append(connection.data_to_send())
    sent = reader.read(b"".join(output))
    for stream_id in STREAMS:
        [head] = [one for one in sent if one.kind == "HEADERS" and one.stream_id == stream_id]
        assert head.fields[-1] == (b"x-stream", b"%d" % stream_id)
        body = b"".join(one.data for one in sent if one.kind == "DATA" and one.stream_id == stream_id)
        assert body == b"%d," % stream_id * 3000
    acks = [one.opaque for one in sent if one.kind == "PING"]
    assert acks == [n.to_bytes(8, "big") for n in range(300)]


def test_a_call_waits_while_another_thread_is_inside_one():
    """A header list that takes its time; the ping of another thread comes after it."""
    connection, reader = opened()
    inside = threading.Event()

    def slow():
        def headers():
            yield (":status", "200")
            inside.set()
            time.sleep(0.05)  # as long as the other call would take many times
            yield ("x", "slow")
        connection.send_headers(1, headers(), end_stream=True)

    def quick():
        inside.wait()
        connection.ping(b"12345678")

    together(slow, quick)
    assert [one.kind for one in reader.read(connection.data_to_send())] == ["HEADERS", "PING"]


def test_what_is_looked_at_waits_too():
    """A number of the connection is the one before or after a call, not one in between."""
    connection, _ = opened()
    inside = threading.Event()
    seen = []

    def slow():
        def headers():
            inside.set()
            time.sleep(0.1)
            # A call may look at its own connection.
            seen.append(connection.open_inbound_streams)
            yield (":status", "200")
        connection.send_headers(1, headers(), end_stream=True)

    def quick():
        inside.wait()
        seen.append(connection.open_inbound_streams)

    together(slow, quick)
    assert seen == [len(STREAMS), len(STREAMS) - 1]


def test_the_counters_lose_nothing():
    """Every frame that every thread feeds is counted."""
    connection, _ = opened()

    def feed(stream_id):
        def target():
            connection.receive_data(bytes(frames.rst_stream(stream_id)))
            for _ in range(100):
                connection.receive_data(bytes(frames.data(stream_id, b"late")))
                connection.data_to_send()
        return target

    together(*(feed(n) for n in (1, 3, 5, 7)))
    assert connection.counters == {"closed_by_reset": 400}
