"""Windows that adapt to the link where a connection is credited for what arrives, and streams for what is read."""
import gc
import types

import pytest

from fasth2.config import AdaptiveWindows, WindowBudget
from fasth2.server import errors
from fasth2.server._options import options_of
from fasth2.server._protocol import ServerProtocol
from fasth2.server._shutdown import GOAWAY_INTERVAL, PING_ACK_WAIT
from fasth2.server.connection import HTTP2ServerConnection
from fasth2.server.errors import HTTP2ConnectionError
from fasth2.server.stream import StreamState
from tests.support import frames
from tests.support.clock import Clock
from tests.support.facade_peer import POST, Peer, config
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader
from tests.support.link import MB, Link, upload_long

CFG = types.SimpleNamespace(
    http2_initial_window_size=65535, http2_max_concurrent_streams=100, http2_max_frame_size=16384,
    http2_max_header_list_size=65536)


class Upload:
    """A protocol with adaptive windows at the far end of a link; `reads` tells whether an application takes octets."""

    def __init__(self, delay=0.025, rate=None, clock=None, windows=None, reads=lambda stream_id: True):
        self.clock = clock or Clock()
        self.windows = windows or AdaptiveWindows()
        self.protocol = ServerProtocol(options_of(
            CFG, errors, StreamState.CLOSED, clock=self.clock, adaptive_windows=self.windows, credits_on_arrival=True))
        self.reads = reads
        self.held = {}
        self.link = Link(self.protocol.engine, self.clock, delay, rate, self.read)

    def read(self, connection, stream_id, octets):
        self.protocol.credit_arrived(octets)
        if self.reads(stream_id):
            self.protocol.credit_read(octets, stream_id)
        else:
            self.held[stream_id] = self.held.get(stream_id, 0) + octets

    @property
    def granted(self):
        return self.windows.budget.granted


@pytest.mark.parametrize("delay", [0.01, 0.025, 0.1])
@pytest.mark.parametrize("streams", [1, 4])
def test_a_link_is_filled(delay, streams):
    took, allowed = upload_long(Upload(delay, 10 * MB).link, streams)
    assert took < allowed


def test_what_is_not_read_grants_nothing():
    upload = Upload(0.025, reads=lambda stream_id: False)
    upload.link.upload([1, 3, 5, 7], MB, until=upload.clock.now + 30)
    assert upload.granted == 0
    assert max(upload.held.values()) <= 65535


def test_padding_makes_no_window_grow():
    """It is returned at once, and nobody reads it."""
    upload = Upload(0.025)
    upload.reads = lambda stream_id: upload.protocol.credit_read(1000, stream_id, False)
    upload.link.upload([1], 5 * MB, until=upload.clock.now + 5)
    assert upload.granted == 0


def test_one_that_is_not_read_does_not_hold_up_the_others():
    upload = Upload(0.025, 10 * MB, reads=lambda stream_id: stream_id > 1)
    upload.link.upload([1], MB, until=upload.clock.now + 1)
    assert upload.link.upload([3], 50 * MB, until=upload.clock.now + 8) < 7
    assert upload.held == {1: 65535}


def test_an_application_that_stops_holds_what_its_streams_were_granted():
    stopped = []
    upload = Upload(0.025, 10 * MB, reads=lambda stream_id: not stopped)
    upload.link.upload([1, 3, 5, 7], 10 * MB, until=upload.clock.now + 2)
    assert upload.granted > 200_000
    stopped.append(True)
    upload.link.upload([9], 10 * MB, until=upload.clock.now + 30)
    assert sum(upload.held.values()) <= upload.granted + 5 * 65535


def test_streams_share_what_a_connection_may_have():
    budget = WindowBudget(64 << 20)
    upload = Upload(0.1, windows=AdaptiveWindows(stream=200_000, connection=500_000, budget=budget))
    most = []
    upload.reads = lambda stream_id: not most.append(budget.granted)
    upload.link.upload([1, 3, 5, 7], 20 * MB)
    assert 300_000 < max(most) <= 500_000 - 65535
    assert all(upload.link.highest[stream_id] <= 200_000 for stream_id in (1, 3, 5, 7))
    assert upload.link.highest[0] <= 500_000
    assert upload.protocol.counters["stream_window_growth"] >= 1
    assert upload.protocol.counters["connection_window_growth"] >= 1


def test_what_is_granted_is_bounded_for_the_process():
    clock = Clock()
    budget = WindowBudget(1_000_000)
    windows = AdaptiveWindows(budget=budget)
    most = []
    for number in range(3):
        upload = Upload(0.1, clock=clock, windows=windows)
        upload.reads = lambda stream_id: not most.append(budget.granted)
        upload.link.upload([1, 3], 10 * MB, until=clock.now + 5 + number)
    assert 400_000 < max(most) <= 1_000_000


def test_a_stream_gives_back_its_growth_when_it_is_closed():
    upload = Upload()
    upload.link.upload([1], 5 * MB)
    assert upload.granted > 0
    assert upload.windows.budget.connections == 1
    upload.protocol.engine.reset_stream(1)
    assert upload.granted == 0
    # An idle connection takes no share.
    assert upload.windows.budget.connections == 0


def test_so_does_a_connection_that_is_lost_and_still_referred_to():
    upload = Upload()
    upload.link.upload([1, 3], 5 * MB)
    assert upload.granted > 0
    upload.protocol.give_back_growth()
    assert upload.granted == 0
    assert upload.windows.budget.connections == 0


def test_so_does_the_end_of_the_connection():
    budget = WindowBudget(64 << 20)
    upload = Upload(windows=AdaptiveWindows(budget=budget))
    upload.link.upload([1, 3], 5 * MB)
    assert budget.granted > 0
    assert budget.connections == 1
    del upload
    gc.collect()
    assert budget.granted == 0
    assert budget.connections == 0


def test_nothing_grows_after_the_end_of_a_connection_that_had_no_upload():
    upload = Upload()
    upload.protocol.give_back_growth()
    upload.link.upload([1], 300_000)
    assert upload.granted == 0
    assert upload.windows.budget.connections == 0
    assert upload.link.pings == []


def test_without_it_each_octet_is_credited():
    options = options_of(CFG, errors, StreamState.CLOSED, clock=Clock(), credits_on_arrival=True)
    protocol = ServerProtocol(options)
    link = Link(protocol.engine, Clock(), 0.025, None,
                lambda connection, stream_id, octets: protocol.credit_arrived(octets) or protocol.credit_read(octets, stream_id))
    link.upload([1], 200_000)
    assert link.windows == {0: 65535, 1: 65535}


# The end: a client that reads PING and GOAWAY at once has its ACK to send after the GOAWAY, and Apache reuses such a
# connection.


@pytest.fixture
def unused():
    """A protocol without a request."""
    clock = Clock()
    protocol = ServerProtocol(options_of(
        CFG, errors, StreamState.CLOSED, clock=clock, adaptive_windows=AdaptiveWindows(), credits_on_arrival=True))
    protocol.advertise()
    peer = types.SimpleNamespace(clock=clock, protocol=protocol)
    sent = FrameReader()

    def receive(*parts):
        protocol.engine.receive_data(b"".join(map(bytes, parts)))
        return read()

    def read():
        before = len(sent.sent)
        sent.read(protocol.engine.data_to_send())
        return [frame.kind for frame in sent.sent[before:]]

    def step(after=0.0):
        clock.now += after
        return protocol.advance_shutdown(clock.now, True)

    peer.sent, peer.receive, peer.read, peer.step = sent.sent, receive, read, step
    receive(PREFACE, frames.settings(), frames.settings_ack())
    return peer


@pytest.fixture
def measured(unused):
    """A protocol whose PING is under way, and what it has sent since."""
    unused.receive(request(1, method="POST", end_stream=False))
    assert unused.receive(frames.data(1, bytes(16384))) == ["PING"]
    unused.ack = frames.ping(unused.sent[-1].opaque, ack=True)
    unused.protocol.begin_shutdown(unused.clock.now + 10)
    return unused


def test_an_idle_connection_is_told_of_its_end_when_the_PING_is_acknowledged(measured):
    assert 0 < measured.step() <= 0.05
    assert measured.read() == []
    measured.receive(measured.ack)
    assert measured.step(0.05) == GOAWAY_INTERVAL
    assert measured.read() == ["GOAWAY"]


def test_or_a_quarter_of_a_second_later(measured):
    waited = 0.0
    while (wait := measured.step()) != GOAWAY_INTERVAL:
        measured.clock.now += wait
        waited += wait
    assert waited == pytest.approx(PING_ACK_WAIT)
    assert measured.read() == ["GOAWAY"]


def test_no_PING_is_sent_when_the_end_has_begun(measured):
    measured.receive(measured.ack)
    measured.clock.now += 5
    assert "PING" not in measured.receive(frames.data(1, bytes(16384)), frames.data(1, bytes(16384)))


def test_nor_by_a_connection_whose_first_upload_comes_later(unused):
    unused.protocol.begin_shutdown(unused.clock.now + 10)
    assert not unused.protocol.is_ping_under_way()
    assert "PING" not in unused.receive(
        request(1, method="POST", end_stream=False), frames.data(1, bytes(16384)), frames.data(1, bytes(16384)))
    assert not unused.protocol.is_ping_under_way()


# The blocking connection.


def windows_of(**more):
    return Peer(HTTP2ServerConnection, config(**more)).server.h2_conn.config.adaptive_windows


def test_the_blocking_connections_of_a_process_share_a_budget():
    assert windows_of() is windows_of() is not None


def test_the_bounds_of_the_blocking_connection_are_settings():
    own = AdaptiveWindows(stream=100_000)
    assert windows_of(adaptive_windows=own) is own
    assert windows_of(adaptive_windows=None) is None
    # A size that the operator has chosen stays.
    assert windows_of(http2_initial_window_size=100_000) is None
    assert windows_of(http2_initial_window_size=100_000, adaptive_windows=own) is None


@pytest.mark.parametrize("wrong", [True, 65535, "yes"])
def test_another_setting_is_refused(wrong):
    with pytest.raises(TypeError, match="adaptive_windows must be an AdaptiveWindows object or None"):
        windows_of(adaptive_windows=wrong)


def upload(peer):
    """Send on stream 1 what the windows allow, for a while; return the most that they allowed at once."""
    peer.request(1, POST, end_stream=False)
    highest = 0
    for _ in range(50):
        window = min(peer.client.local_flow_control_window(1), peer.client.outbound_flow_control_window)
        highest = max(highest, window)
        while window > 0:
            peer.client.send_data(1, bytes(min(window, 16384)))
            window -= 16384
        peer.talk()
    return highest


@pytest.mark.parametrize("windows", [AdaptiveWindows(stream=1 << 17, connection=1 << 17), None], ids=["adaptive", "fixed"])
def test_the_blocking_connections_windows_grow(windows):
    peer = Peer(HTTP2ServerConnection, config(adaptive_windows=windows))
    assert upload(peer) == (65535 if windows is None else 1 << 17)
    peer.client.end_stream(1)
    [given] = peer.talk()
    assert len(given.body.read()) > 2_000_000
    peer.server.send_response(1, 200, [])
    peer.server.cleanup_stream(1)
    if windows is not None:
        assert windows.budget.granted > 0
        peer.server.close()
        assert windows.budget.granted == 0


def test_a_blocking_connection_whose_socket_fails_gives_back_its_growth():
    """Its application may keep it."""
    windows = AdaptiveWindows(stream=1 << 17, connection=1 << 17)
    peer = Peer(HTTP2ServerConnection, config(adaptive_windows=windows))
    upload(peer)
    peer.client.end_stream(1)
    [_] = peer.talk()
    assert windows.budget.granted > 0
    peer.sock.write_error = ConnectionResetError()
    with pytest.raises(HTTP2ConnectionError):
        peer.server.send_response(1, 200, [], b"x")
    assert windows.budget.granted == 0
