"""Bodies that wait in the engine: whose turn it is, how much is copied and reserved, and when nothing more may go."""
import tracemalloc
from collections import Counter

import pytest

from fasth2.exceptions import FlowControlError
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import FrameReader
from tests.support.play import server


def opened(*steps, rfc_errors=True):
    """A connection that received the preface and some frames, and the reader of its output."""
    connection = server(rfc_errors=rfc_errors)
    reader = FrameReader()
    connection.receive_data(frames.PREFACE + bytes(frames.settings()) + b"".join(bytes(step) for step in steps))
    reader.read(connection.data_to_send())
    return connection, reader


@pytest.mark.parametrize("idle", range(4))
def test_no_stream_starves_when_the_connection_window_opens_by_its_first_size(idle):
    """Four frames a turn and five streams: the turn goes on where it stopped, whatever other streams are open."""
    connection, reader = opened(frames.settings((frames.INITIAL_WINDOW_SIZE, 2**20)),
                                *[request(1 + 2 * n) for n in range(5 + idle)])
    for n in range(5):
        connection.respond(1 + 2 * n, 200, [], b"x" * 900000)
    sent = Counter()
    for _ in range(20):
        for frame in reader.read(connection.data_to_send()):
            sent[frame.stream_id] += len(frame.data) if frame.kind == "DATA" else 0
        connection.receive_data(bytes(frames.window_update(0, 65535)))
    assert sorted(sent) == [1, 3, 5, 7, 9]
    assert max(sent.values()) - min(sent.values()) <= 2 * 16384


@pytest.mark.parametrize("size", [1, 5, 9, 10, 100, 520])
def test_small_blocks_get_on(size):
    """A caller that asks for fewer octets than a frame's header still gets them all."""
    connection, reader = opened(request(1))
    connection.respond(1, 200, [], b"x" * 10000)
    octets = b""
    while True:
        part = connection.pull(size)
        assert len(part) <= size
        if not part:
            break
        octets += part
    data = [sent for sent in reader.read(octets) if sent.kind == "DATA"]
    assert b"".join(sent.data for sent in data) == b"x" * 10000
    assert data[-1].end_stream
    assert len(data) <= 21


def test_no_more_is_reserved_than_the_streams_own_windows_let_out():
    """A wide connection window and a large body: the output buffer is as large as what can go."""
    connection, reader = opened(request(1), frames.window_update(0, 2**30))
    connection.respond(1, 200, [], b"x" * 20_000_000)
    reader.read(connection.data_to_send())
    connection.receive_data(bytes(frames.window_update(1, 16384)))
    tracemalloc.start()
    try:
        connection.data_to_send()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000


def test_a_copied_first_part_counts_against_the_limit():
    """L17: what respond() copied is held like what write() copied."""
    connection, _ = opened(request(1))
    connection.respond(1, 200, [], bytearray(300_000), end_stream=False)
    with pytest.raises(FlowControlError):
        connection.write(1, bytearray(300_000))


def test_copies_that_were_sent_do_not_count():
    """L17 limits what is held: a queue that is never quite empty goes on for ever."""
    connection, reader = opened(request(1))
    connection.respond(1, 200, [], end_stream=False)
    connection.write(1, bytearray(70_000))
    for _ in range(20):
        reader.read(connection.data_to_send())
        assert connection.unsent(1)
        connection.receive_data(bytes(frames.window_update(1, 65_000)) + bytes(frames.window_update(0, 65_000)))
        connection.write(1, bytearray(65_000))


def test_nothing_is_sent_after_the_peers_goaway_by_default():
    """h2 drops its output then; DATA whose HEADERS were dropped would be worse than nothing."""
    connection, _ = opened(request(1), rfc_errors=False)
    connection.respond(1, 200, [], b"x" * 10000)
    connection.receive_data(bytes(frames.goaway(1)))
    assert connection.data_to_send() == b""


def test_nothing_follows_our_goaway_by_default():
    """close_connection() says that nothing can be sent after it."""
    connection, reader = opened(request(1), rfc_errors=False)
    connection.respond(1, 200, [], b"x" * 10000)
    connection.close_connection()
    assert [sent.kind for sent in reader.read(connection.data_to_send())] == ["HEADERS", "GOAWAY"]
