"""Uploads that are cut off cost neither memory nor connection window (docs/security.md, rows 32 and 42).

The client does not look at its windows: where credit is lost it overruns the connection's, and that ends it.
"""
import pytest

from fasth2._engine.ready import DATA, REQUEST
from fasth2.events import DataReceived, RequestReceived
from tests.support.frames import RST_STREAM, split_frames
from tests.support.heap import alone, growth
from tests.support.long_runs import rounds

from . import traffic
from .servers import BODY, SERVERS, H2Calls, OneCall

FLAT = 10_000
BATCH = 20


def last_pass(server):
    """Uploads of many windows together are taken whole and answered."""
    before = server.octets
    for sid in range(2**31 - 39, 2**31, 2):
        server.serve(traffic.post(sid))
        for _ in range(5):
            server.serve(traffic.data(sid, bytes(10_000)))
        assert server.serve(traffic.data(sid, b"", ends=True)).count(BODY) == 1
    assert server.octets - before == 1_000_000


def reset_by_the_peer(name, uploads):
    """A batch of uploads in one read, each cut off after two parts."""
    server = SERVERS[name]()
    server.serve(traffic.PREFACE + traffic.SETTINGS_ACK)

    def batch(number):
        first = 1 + 2 * BATCH * number
        server.serve(b"".join(
            traffic.post(sid) + traffic.data(sid, bytes(300)) + traffic.data(sid, bytes(700)) + traffic.reset(sid)
            for sid in range(first, first + 2 * BATCH, 2)))

    grown = growth(batch, uploads // BATCH)
    last_pass(server)
    return grown


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_uploads_that_the_peer_resets(name):
    assert alone(reset_by_the_peer, name, rounds(1_000_000)) < FLAT


class CutOffH2Calls(H2Calls):
    """Resets an upload when its first part comes."""

    def serve(self, data):
        connection = self.connection
        if not self.cutting:
            return super().serve(data)
        for event in connection.receive_data(data):
            if type(event) is RequestReceived:
                self.requests += 1
            elif type(event) is DataReceived:
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if event.stream_id in connection.streams:
                    connection.reset_stream(event.stream_id)
        return connection.data_to_send()


class CutOffOneCall(OneCall):
    """Resets an upload when its first part comes."""

    def serve(self, data):
        connection = self.connection
        if not self.cutting:
            return super().serve(data)
        for item in connection.ready_requests(data):
            if item.kind == REQUEST:
                self.requests += 1
            elif item.kind == DATA:
                connection.consume(item.stream_id, item.flow_controlled_length)
                connection.reset_stream(item.stream_id)
        return connection.pull()


CUTTING = {"h2": CutOffH2Calls, "one call": CutOffOneCall}


def reset_by_the_server(name, uploads):
    """The server resets each upload; what the peer had under way comes all the same."""
    server = CUTTING[name]()
    server.cutting = True
    server.serve(traffic.PREFACE + traffic.SETTINGS_ACK)

    def batch(number):
        first = 1 + 2 * BATCH * number
        ids = range(first, first + 2 * BATCH, 2)
        server.serve(b"".join(traffic.post(sid) + traffic.data(sid, bytes(300)) for sid in ids))
        server.serve(b"".join(traffic.data(sid, bytes(700)) + traffic.data(sid, bytes(10), ends=True) for sid in ids))

    grown = growth(batch, uploads // BATCH)
    assert server.requests == BATCH * (uploads // BATCH * 11 // 10)
    server.cutting = False
    last_pass(server)
    return grown


@pytest.mark.slow
@pytest.mark.parametrize("name", CUTTING)
def test_uploads_that_the_server_resets(name):
    assert alone(reset_by_the_server, name, rounds(1_000_000)) < FLAT


def refused(name, uploads):
    """A hundred streams are open; each further upload is refused, and its parts come all the same."""
    server = SERVERS[name]()
    server.serve(traffic.PREFACE + traffic.SETTINGS_ACK)
    for sid in range(1, 200, 2):
        server.serve(traffic.post(sid))
    connection = getattr(server.connection, "h2_conn", server.connection)
    assert connection.open_inbound_streams == 100

    def batch(number):
        first = 201 + 2 * BATCH * number
        sent = server.serve(b"".join(
            traffic.post(sid) + traffic.data(sid, bytes(700)) + traffic.data(sid, bytes(300), ends=True)
            for sid in range(first, first + 2 * BATCH, 2)))
        assert sum(frame.type == RST_STREAM for frame in split_frames(sent)) == BATCH
        assert len(connection.streams) == 100

    grown = growth(batch, uploads // BATCH)
    server.serve(traffic.reset(1))
    last_pass(server)
    return grown


@pytest.mark.slow
@pytest.mark.parametrize("name", ["OneCall", "Facade", "Gunicorn"])
def test_uploads_that_are_refused(name):
    assert alone(refused, name, rounds(200_000)) < FLAT
