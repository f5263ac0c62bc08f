"""``write``, ``pull`` and ``unsent``: bodies queued in their streams, sent by turns."""
import sys

import pytest

from fasth2.exceptions import NoSuchStreamError, ProtocolError, StreamClosedError
from tests.support import frames

from .responding import Peer, brief


def started(*streams, **options):
    """Streams whose response headers are out."""
    peer = Peer(*streams, **options)
    for stream_id in streams:
        peer.connection.respond(stream_id, 200, [], end_stream=False)
    peer.output()
    return peer


def data_of(sent, stream_id):
    """The body octets of one stream."""
    return b"".join(one.data for one in sent if one.kind == "DATA" and one.stream_id == stream_id)


def test_write_returns_what_waits_and_pull_sends_it():
    """Octets unsent after the call."""
    peer = started(1)
    assert peer.connection.write(1, b"12345") == 5
    assert peer.connection.write(1, b"678") == 8
    assert peer.connection.unsent(1) == 8
    assert data_of(peer.output(), 1) == b"12345678"
    assert peer.connection.unsent(1) == 0
    assert peer.connection.write(1, b"", end_stream=True) == 0
    assert brief(peer.output()) == [("DATA", 1, 0, True)]


def test_data_to_send_drains_the_same():
    """h2's name for it."""
    peer = started(1)
    peer.connection.write(1, b"queued", end_stream=True)
    assert data_of(peer.reader.read(peer.connection.data_to_send()), 1) == b"queued"


def test_control_frames_and_headers_come_before_bodies():
    """What was queued first may wait for what matters more."""
    peer = started(1, 3)
    peer.connection.write(1, b"x" * 1000)
    peer.feed(frames.ping(b"12345678"))
    peer.connection.ping(b"abcdefgh")
    assert [one.kind for one in peer.output()] == ["PING", "PING", "DATA"]


def test_streams_take_turns():
    """One frame each, round and round, so a large download doesn't starve the others."""
    peer = started(1, 3, 5, window=10**6)
    peer.feed(frames.window_update(0, 10**6))
    for stream_id in (1, 3, 5):
        peer.connection.write(stream_id, b"%d" % stream_id * 100000)
    order = [one.stream_id for one in peer.output() if one.kind == "DATA"]
    assert order[:9] in ([1, 3, 5] * 3, [3, 5, 1] * 3, [5, 1, 3] * 3)
    assert order.count(1) == order.count(3) == order.count(5) == 7


def test_a_stream_that_joins_late_gets_its_turn():
    """Between two blocks of output."""
    peer = started(1, 3, window=10**6)
    peer.feed(frames.window_update(0, 10**6))
    peer.connection.write(1, b"1" * 500000)
    first = peer.output(65536)
    peer.connection.write(3, b"3" * 20000, end_stream=True)
    second = peer.output(65536)
    assert {one.stream_id for one in first} == {1}
    assert {one.stream_id for one in second} == {1, 3}
    assert len(data_of(second, 3)) == 20000


def test_a_shut_stream_does_not_stop_the_others():
    """Its window opens later; the connection's window is shared meanwhile."""
    peer = started(1, 3, window=5)
    peer.feed(frames.window_update(3, 100000))
    peer.connection.write(1, b"1" * 100, end_stream=True)
    peer.connection.write(3, b"3" * 30000, end_stream=True)
    sent = peer.output()
    assert len(data_of(sent, 1)) == 5
    assert len(data_of(sent, 3)) == 30000
    peer.feed(frames.window_update(1, 95))
    assert data_of(peer.output(), 1) == b"1" * 95


def test_the_connections_window_is_honoured():
    """65,535 octets in all, and the rest when it opens."""
    peer = started(1, 3, window=10**6)
    peer.connection.write(1, b"1" * 60000)
    peer.connection.write(3, b"3" * 60000)
    sent = peer.output()
    assert len(data_of(sent, 1)) + len(data_of(sent, 3)) == 65535
    assert peer.connection.outbound_flow_control_window == 0
    assert peer.output() == []
    peer.feed(frames.window_update(0, 10**6))
    sent += peer.output()
    assert data_of(sent, 1) == b"1" * 60000
    assert data_of(sent, 3) == b"3" * 60000


@pytest.mark.parametrize("size", [16384, 16385, 20000, 2**24 - 1])
def test_the_peers_frame_size_is_honoured(size):
    """SETTINGS_MAX_FRAME_SIZE, also when it changes while body waits."""
    peer = started(1, window=10**6)
    peer.feed(frames.window_update(0, 10**6))
    peer.connection.write(1, b"x" * 50000)
    peer.feed(frames.settings((frames.MAX_FRAME_SIZE, size)))
    peer.reader.max_frame_size = size
    sizes = [len(one.data) for one in peer.output() if one.kind == "DATA"]
    assert max(sizes) == min(size, 50000)
    assert sum(sizes) == 50000


def test_a_window_may_turn_negative_while_body_waits():
    """Nothing is sent until it is positive again, and the body stays whole."""
    peer = started(1, window=1000)
    peer.connection.write(1, b"a" * 1500)
    assert len(data_of(peer.output(), 1)) == 1000
    peer.feed(frames.settings((frames.INITIAL_WINDOW_SIZE, 100)))
    assert peer.connection.local_flow_control_window(1) == -900
    assert brief(peer.output()) == [("SETTINGS", 0, None, False)]
    peer.feed(frames.window_update(1, 900))
    assert peer.output() == []
    peer.feed(frames.window_update(1, 1))
    assert data_of(peer.output(), 1) == b"a"
    peer.feed(frames.settings((frames.INITIAL_WINDOW_SIZE, 5000)))
    assert data_of(peer.output(), 1) == b"a" * 499


@pytest.mark.parametrize("window", [1, 2, 7])
def test_a_window_of_few_octets_passes_the_body_whole(window):
    """docs/security.md, row 28: one octet at a time."""
    peer = started(1, window=window)
    body = bytes(range(100))
    peer.connection.write(1, body, end_stream=True)
    sent = peer.output()
    while peer.connection.unsent(1):
        peer.feed(frames.window_update(1, window))
        sent += peer.output()
    assert data_of(sent, 1) == body
    assert sent[-1].end_stream


@pytest.mark.parametrize("most", [1, 8, 9, 10, 11, 50, 1000, 16393, 65536])
def test_pull_gives_at_most_what_is_asked_for(most):
    """Any block size; the octets are the same."""
    peer, whole = started(1, 3), started(1, 3)
    for one in (peer, whole):
        one.feed(frames.ping(b"12345678"))
        one.connection.write(1, b"1" * 30000, end_stream=True)
        one.connection.write(3, b"3" * 10000, end_stream=True)
    pieces = []
    for _ in range(200000):
        piece = peer.connection.pull(most)
        assert len(piece) <= most
        if not piece:
            break
        pieces.append(piece)
    sent = peer.reader.read(b"".join(pieces)) if most > 9 else []
    expected = whole.output()
    if most > 9:
        assert data_of(sent, 1) == data_of(expected, 1)
        assert data_of(sent, 3) == data_of(expected, 3)
        assert next(one.kind for one in sent) == "PING"
    else:
        peer.connection.pull()
        assert peer.connection.unsent(1) == peer.connection.unsent(3) == 0


def test_pull_of_nothing_gives_nothing():
    """Zero octets, and an empty connection."""
    peer = started(1)
    assert peer.connection.pull() == b""
    peer.connection.write(1, b"x")
    assert peer.connection.pull(0) == b""
    assert peer.connection.unsent(1) == 1


def test_bytes_are_held_by_reference():
    """The same object, not a copy, until it was sent."""
    body = b"r" * 200000
    before = sys.getrefcount(body)
    peer = started(1)
    peer.connection.write(1, body)
    assert sys.getrefcount(body) == before + 1
    peer.output()
    peer.feed(frames.window_update(1, 200000), frames.window_update(0, 200000))
    peer.output()
    assert peer.connection.unsent(1) == 0
    assert sys.getrefcount(body) == before


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_buffers_are_copied_at_once(kind):
    """The caller may change them."""
    peer = started(1)
    octets = bytearray(b"as it was")
    peer.connection.write(1, kind(octets))
    octets[:] = b"changed!!"
    assert data_of(peer.output(), 1) == b"as it was"


def test_a_memoryview_of_wider_items_is_written_as_octets():
    """Length in octets, not in items."""
    from array import array
    peer = started(1)
    numbers = array("I", [1, 2, 3])
    assert peer.connection.write(1, numbers) == numbers.itemsize * 3
    assert data_of(peer.output(), 1) == numbers.tobytes()


def test_many_small_writes_become_full_frames():
    """Chunks are joined up to the frame size."""
    peer = started(1)
    for n in range(5000):
        peer.connection.write(1, b"%04d" % n)
    sent = peer.output()
    assert data_of(sent, 1) == b"".join(b"%04d" % n for n in range(5000))
    assert len(sent) == 2


def test_a_reset_frees_the_queue():
    """By the peer and by this side; the connection's window is untouched."""
    for end in (lambda peer: peer.feed(frames.rst_stream(1)), lambda peer: peer.connection.reset_stream(1)):
        body = b"q" * 100000
        before = sys.getrefcount(body)
        peer = started(1, 3, window=0)
        peer.connection.write(1, body)
        peer.connection.write(1, bytearray(1000))
        end(peer)
        assert sys.getrefcount(body) == before
        assert peer.connection.unsent(1) == 0
        assert [one.kind for one in peer.output()] in ([], ["RST_STREAM"])
        assert peer.connection.outbound_flow_control_window == 65535
        with pytest.raises(StreamClosedError):
            peer.connection.write(1, b"x")
        peer.feed(frames.window_update(3, 10))
        peer.connection.write(3, b"neighbour", end_stream=True)
        assert data_of(peer.output(), 3) == b"neighbour"


def test_unsent_of_a_stream_that_is_gone_is_nothing():
    """One that never was raises, as with every other call."""
    peer = started(1)
    peer.feed(frames.rst_stream(1))
    assert peer.connection.unsent(1) == 0
    with pytest.raises(NoSuchStreamError):
        peer.connection.unsent(99)


def test_writes_that_make_no_sense_are_refused():
    """Before the headers, after the end, on streams that aren't there."""
    peer = Peer(1)
    with pytest.raises(ProtocolError):
        peer.connection.write(1, b"x")
    peer = started(1)
    peer.connection.write(1, b"last", end_stream=True)
    with pytest.raises(ProtocolError):
        peer.connection.write(1, b"more")
    with pytest.raises(NoSuchStreamError):
        peer.connection.write(99, b"x")
    assert data_of(peer.output(), 1) == b"last"
    with pytest.raises(StreamClosedError):
        peer.connection.write(1, b"after the end")


def test_body_waiting_at_goaway_goes_on_under_rfc_errors():
    """Streams up to the last identifier finish, in either direction of GOAWAY."""
    for goodbye in (lambda peer: peer.feed(frames.goaway(0)), lambda peer: peer.connection.close_connection()):
        peer = started(1, window=3)
        peer.connection.write(1, b"123456", end_stream=True)
        goodbye(peer)
        assert data_of(peer.output(), 1) == b"123"
        peer.feed(frames.window_update(1, 3))
        assert data_of(peer.output(), 1) == b"456"


def test_queued_bodies_are_dropped_at_a_connection_error():
    """GOAWAY is the last frame."""
    body = b"q" * 1000
    before = sys.getrefcount(body)
    peer = started(1, window=0)
    peer.connection.write(1, body)
    with pytest.raises(ProtocolError):
        peer.feed(frames.ping(b"bad"))
    assert [one.kind for one in peer.output()] == ["GOAWAY"]
    assert peer.connection.pull() == b""
    del peer
    assert sys.getrefcount(body) == before
