"""Receive windows that adapt to the link: `H2Configuration(adaptive_windows=...)`, over a simulated link."""
import gc
import itertools

import pytest

from fasth2.config import AdaptiveWindows, H2Configuration, WindowBudget
from fasth2.connection import H2Connection
from fasth2.events import PingAckReceived
from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.clock import Clock
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader
from tests.support.link import MB, Link, upload_long


class Upload:
    """A connection with adaptive windows at the far end of a link."""

    def __init__(self, delay=0.025, rate=None, clock=None, windows=..., read=None):
        self.clock = clock or Clock()
        self.windows = AdaptiveWindows() if windows is ... else windows
        self.connection = H2Connection(H2Configuration(
            client_side=False, rfc_errors=True, clock=self.clock, adaptive_windows=self.windows))
        self.link = Link(self.connection, self.clock, delay, rate, read)

    @property
    def granted(self):
        return self.windows.budget.granted


def test_without_it_a_window_keeps_its_size():
    upload = Upload(windows=None)
    assert upload.link.upload([1], MB) > 0.7  # 64 KiB a round trip
    assert upload.link.pings == []
    assert upload.link.highest[1] <= 65535


@pytest.mark.parametrize("delay", [0.01, 0.025, 0.1])
@pytest.mark.parametrize("streams", [1, 4])
def test_a_link_is_filled(delay, streams):
    upload = Upload(delay, 10 * MB)
    took, allowed = upload_long(upload.link, streams)
    assert took < allowed
    # Twice the product of bandwidth and delay, as far as a queue in front of the link lets it be measured.
    assert max(upload.link.highest.values()) < 8 * 2 * delay * 10 * MB + 65536


def test_a_window_grows_at_least_as_fast_as_by_doubling_once_a_round_trip():
    upload = Upload(0.025)
    sent = 0
    window = 65536
    trips = 0
    while sent < 20 * MB:
        sent += window
        window *= 2
        trips += 1
    assert upload.link.upload([1], 20 * MB) < 0.05 * (trips + 1)


def test_there_is_one_PING_under_way_and_none_while_nothing_is_received():
    upload = Upload(0.025)
    took = upload.link.upload([1], 20 * MB)
    pings = upload.link.pings
    assert all(later - earlier >= 0.05 - 1e-6 for earlier, later in itertools.pairwise(pings))
    assert len(pings) <= took / 0.05 + 1
    upload.clock.now += 60
    assert upload.connection.data_to_send() == b""


def test_on_a_short_link_there_are_at_most_fifty_PINGs_a_second():
    upload = Upload(0.00005, 50 * MB)
    took = upload.link.upload([1], 100 * MB)
    assert 0 < len(upload.link.pings) <= took * 50 + 1


def test_a_small_body_causes_no_PING():
    upload = Upload()
    for number in range(20):
        upload.link.upload([2 * number + 1], 800)
    assert upload.link.pings == []


def test_an_application_that_reads_nothing_grants_nothing():
    upload = Upload(read=lambda connection, stream_id, octets: None)
    upload.link.upload([1, 3], MB, until=upload.clock.now + 30)
    assert upload.granted == 0
    assert upload.link.highest == {}


def test_an_application_that_stops_holds_what_was_granted_and_no_more():
    held = []

    def read(connection, stream_id, octets):
        if received[0] < 10 * MB:
            connection.acknowledge_received_data(octets, stream_id)
        else:
            held.append(octets)
        received[0] += octets

    received = [0]
    upload = Upload(0.025, 10 * MB, read=read)
    upload.link.upload([1], 100 * MB, until=upload.clock.now + 30)
    granted = upload.granted
    assert 0 < granted < 16 * MB
    assert sum(held) <= granted + 65535
    assert upload.link.windows[1] == 0 or upload.link.windows[0] == 0


def test_growth_that_is_not_used_is_not_renewed():
    upload = Upload(0.025, 10 * MB)
    upload.link.upload([1], 50 * MB)
    grown = upload.granted
    assert grown > 500_000
    upload.clock.now += 21
    # Credit that was granted is used up, and is not given again.
    upload.link.rate = 100_000
    for number in range(1, 40):
        upload.link.upload([2 * number + 1], 60_000)
        upload.clock.now += 1
    assert upload.granted < grown / 10


def test_what_is_granted_is_bounded_for_a_stream_and_a_connection():
    budget = WindowBudget(64 << 20)
    windows = AdaptiveWindows(stream=200_000, connection=500_000, budget=budget)
    upload = Upload(0.1, windows=windows)
    upload.link.upload([1, 3, 5, 7], 20 * MB)
    assert budget.granted == 500_000 - 65535
    assert max(upload.link.highest.values()) <= 500_000
    assert all(upload.link.highest[stream_id] <= 200_000 for stream_id in (1, 3, 5, 7))
    counters = upload.connection.counters
    assert counters["stream_window_growth"] >= 1
    assert counters["connection_window_growth"] >= 1


def test_what_is_granted_is_bounded_for_the_process():
    clock = Clock()
    budget = WindowBudget(1_000_000)
    windows = AdaptiveWindows(budget=budget)
    first = Upload(0.1, clock=clock, windows=windows)
    first.link.upload([1], 20 * MB)
    assert 900_000 < budget.granted <= 1_000_000
    second = Upload(0.1, clock=clock, windows=windows)
    second.link.upload([1], 5 * MB)
    assert budget.granted <= 1_000_000
    assert second.connection.counters["process_window_growth"] >= 1
    assert budget.refused >= 1
    # The first falls back to its fair share, which the second gets.
    first.link.upload([3], 5 * MB)
    second.link.upload([3], 5 * MB)
    assert budget.connections == 2
    assert 0.3 * MB <= budget.granted <= 1_000_000


def test_a_connection_that_ends_gives_back_what_it_had():
    budget = WindowBudget(64 << 20)
    upload = Upload(windows=AdaptiveWindows(budget=budget))
    upload.link.upload([1], 5 * MB)
    assert budget.granted > 0
    assert budget.connections == 1
    del upload
    assert budget.granted == 0
    assert budget.connections == 0


def test_so_does_one_that_is_ended_for_an_error():
    budget = WindowBudget(64 << 20)
    upload = Upload(windows=AdaptiveWindows(budget=budget))
    upload.link.upload([1], 5 * MB)
    assert budget.granted > 0
    with pytest.raises(ProtocolError):
        upload.connection.receive_data(bytes(frames.window_update(0, 0)))
    assert budget.granted == 0
    assert budget.connections == 0
    upload.connection.acknowledge_received_data(0, 1)


def test_something_is_left_for_the_next_connection():
    """However many were first, and however long they stay."""
    clock = Clock()
    budget = WindowBudget(8 << 20)
    windows = AdaptiveWindows(budget=budget)
    first = [Upload(0.1, clock=clock, windows=windows) for _ in range(5)]
    for upload in first:
        upload.link.upload([1], 20 * MB)
    clock.now += 3600
    last = Upload(0.1, clock=clock, windows=windows)
    last.link.upload([1], 5 * MB)
    assert max(last.link.highest.values()) > 65535


def test_what_nobody_reads_makes_no_window_grow():
    """Frames of padding: their octets are returned at once, and are not read."""
    windows = AdaptiveWindows()
    clock = Clock()
    connection = H2Connection(H2Configuration(client_side=False, rfc_errors=True, clock=clock, adaptive_windows=windows))
    connection.initiate_connection()
    connection.receive_data(PREFACE + bytes(frames.settings()) + bytes(request(1, method="POST", end_stream=False)))
    padded = frames.Frame(0, 8, 1, bytes([255]) + b"x" + bytes(255))
    for _ in range(200):
        connection.receive_data(bytes(padded) * 40)
        clock.now += 0.05
        connection.receive_data(bytes(frames.ping(b"fh2-rtt?", ack=True)) if b"fh2-rtt?" in connection.data_to_send() else b"")
        connection.acknowledge_received_data(40 * 257, 1)
        connection.data_to_send()
    assert windows.budget.granted == 0


def test_one_that_was_never_initialised_does_no_harm():
    with pytest.raises(TypeError):
        WindowBudget.__new__(WindowBudget)
    assert AdaptiveWindows.__new__(AdaptiveWindows).budget.limit == 64 << 20


def test_so_does_one_that_the_garbage_collector_frees():
    budget = WindowBudget(64 << 20)
    upload = Upload(windows=AdaptiveWindows(budget=budget))
    upload.link.upload([1], 5 * MB)
    cycle = [upload]
    cycle.append(cycle)
    upload.connection.config.logger = cycle
    assert budget.granted > 0
    del upload, cycle
    gc.collect()
    assert budget.granted == 0


@pytest.mark.parametrize("windows", [None, AdaptiveWindows()], ids=["fixed", "adaptive"])
def test_the_applications_own_PINGs_are_acknowledged_to_it(windows):
    connection = H2Connection(H2Configuration(client_side=False, rfc_errors=True, adaptive_windows=windows))
    connection.initiate_connection()
    connection.receive_data(PREFACE + bytes(frames.settings()))
    connection.ping(b"fh2-rtt?")
    [event] = connection.receive_data(bytes(frames.ping(b"fh2-rtt?", ack=True)))
    assert type(event) is PingAckReceived


def test_an_acknowledgement_that_nobody_asked_for_counts_as_ever():
    clock = Clock()
    connection = H2Connection(H2Configuration(
        client_side=False, rfc_errors=True, clock=clock, adaptive_windows=AdaptiveWindows()))
    connection.initiate_connection()
    connection.receive_data(PREFACE + bytes(frames.settings()) + bytes(request(1, method="POST", end_stream=False)))
    connection.data_to_send()
    connection.receive_data(bytes(frames.data(1, bytes(16384))))
    [ping] = FrameReader().read(connection.data_to_send())
    assert (ping.kind, ping.ack) == ("PING", False)
    clock.now += 0.05
    assert connection.receive_data(bytes(frames.ping(ping.opaque, ack=True))) == []
    [event] = connection.receive_data(bytes(frames.ping(ping.opaque, ack=True)))
    assert type(event) is PingAckReceived


def test_a_client_that_acknowledges_at_once_gets_no_more_than_the_bounds():
    """It claims a link of a microsecond: the product, and so the window, gets small."""
    clock = Clock()
    windows = AdaptiveWindows()
    connection = H2Connection(H2Configuration(client_side=False, rfc_errors=True, clock=clock, adaptive_windows=windows))
    connection.initiate_connection()
    connection.receive_data(PREFACE + bytes(frames.settings()) + bytes(request(1, method="POST", end_stream=False)))
    for _ in range(1000):
        connection.receive_data(bytes(frames.data(1, bytes(16384))) + bytes(frames.ping(b"fh2-rtt?", ack=True)))
        connection.acknowledge_received_data(16384, 1)
        clock.now += 0.001
        connection.data_to_send()
    assert windows.budget.granted <= windows.connection


def test_explicit_credit_is_kept():
    """A window that the application has widened itself does not shrink below that."""
    upload = Upload(0.025, 10 * MB)
    upload.connection.increment_flow_control_window(1_000_000)
    upload.link.returned()
    upload.link.upload([1], 5 * MB)
    upload.clock.now += 30
    for number in range(1, 60):
        upload.link.upload([2 * number + 1], 60_000)
        upload.clock.now += 1
    # Less than a quarter of it has not been returned.
    assert upload.link.windows[0] >= 1_065_535 * 3 // 4
    assert upload.granted < 100_000


@pytest.mark.parametrize(("arguments", "message"), [
    ({"stream": -1}, "a window of -1 octets is not possible"),
    ({"connection": 2**31}, "a window of 2147483648 octets is not possible"),
])
def test_windows_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveWindows(**arguments)


def test_a_budget_is_not_negative():
    with pytest.raises(ValueError, match="limit must not be negative"):
        WindowBudget(-1)


def test_the_configuration_takes_nothing_else():
    with pytest.raises(ValueError, match="adaptive_windows must be an AdaptiveWindows object or None"):
        H2Configuration(adaptive_windows=True)
