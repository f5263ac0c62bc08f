"""Many connections in many threads: each gets the answers that it would get alone."""
import collections
import hashlib
import random

import pytest

from fasth2.exceptions import ProtocolError
from fasth2.server.connection import HTTP2ServerConnection
from tests.support import frames
from tests.support.facade_peer import GET, Peer
from tests.support.fields import block as encoded
from tests.support.fields import in_frames, request, request_fields
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import server
from tests.support.threads import rounds, together

THREADS = 6


def with_h2s_calls(seed):
    """One connection's whole life in h2's calls; what came in, what went out and what was counted."""
    chance = random.Random(seed)
    connection = server(rfc_errors=True, header_encoding=chance.choice((None, "utf-8")))
    totals = collections.Counter()
    output = []
    inputs = [PREFACE, frames.settings((frames.INITIAL_WINDOW_SIZE, 10**6)), frames.window_update(0, 10**6),
              frames.settings_ack()]
    for stream_id in range(1, 41, 2):
        size = chance.randrange(1, 20000)
        fields = request_fields(("x-number", str(stream_id % 7)), ("cookie", "a=b"), ("x-long", "é" * (size % 400)))
        inputs += in_frames(stream_id, encoded(fields), 300, end_stream=False)
        inputs += [frames.data(stream_id, b"d" * (size % 16000)), frames.ping(), frames.data(stream_id, b"", True)]
    inputs += [frames.data(41, b"idle")]
    octets = b"".join(bytes(each) for each in inputs)
    at = 0
    while at < len(octets):
        n = chance.randrange(1, 9000)
        try:
            events = connection.receive_data(octets[at:at + n])
        except ProtocolError as error:
            totals["failed"] += 1
            events = error.events
        at += n
        for event in events:
            totals[type(event).__name__] += 1
            if type(event).__name__ == "DataReceived":
                totals["octets"] += len(event.data)
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif type(event).__name__ == "StreamEnded" and not totals["failed"]:
                connection.send_headers(event.stream_id, [(":status", "200"), ("x-stream", str(event.stream_id))])
                connection.send_data(event.stream_id, b"b" * (event.stream_id * 50), end_stream=True)
        output.append(connection.data_to_send())
    totals.update(connection.counters)
    return totals, hashlib.sha256(b"".join(output)).hexdigest()


def with_one_call(seed):
    """The same through `ready_requests`, `respond`, `write` and `pull`."""
    chance = random.Random(seed)
    connection = server(rfc_errors=True)
    connection.receive_data(PREFACE + frames.settings((frames.INITIAL_WINDOW_SIZE, 10**5)) + frames.settings_ack()
                            + frames.window_update(0, 10**7))
    reader = FrameReader()
    totals = collections.Counter()
    for stream_id in range(1, 81, 2):
        size = chance.randrange(1, 30000)
        octets = request(stream_id, ("x-size", str(size)), end_stream=False) + frames.data(stream_id, b"d" * (size % 999))
        for ready in connection.ready_requests(octets + frames.data(stream_id, b"", end_stream=True)):
            totals[type(ready).__name__] += 1
            if ready.kind == 1:
                connection.consume(stream_id, ready.flow_controlled_length)
        connection.respond(stream_id, 200, [("x-size", str(size))], bytes(size), end_stream=False)
        connection.write(stream_id, bytearray(b"more"), end_stream=True)
        for sent in reader.read(connection.pull()):
            totals[sent.kind] += 1
            totals["octets sent"] += len(sent.data or b"")
    totals.update(connection.counters)
    return totals, [sent.stream_id for sent in reader.sent]


def with_the_facade(seed):
    """A connection of `server/`, its peer an h2 client in memory."""
    peer = Peer(HTTP2ServerConnection)
    for n in range(20):
        stream_id = 2 * n + 1
        received = peer.served(stream_id, [*GET, ("x-seed", str(seed * n))])
        peer.server.send_response(stream_id, 200, [("x-path", received.path)], b"%d" % (seed * n) * 100)
        peer.server.cleanup_stream(stream_id)
        peer.talk()
    return [(peer.response(stream_id), peer.body(stream_id)) for stream_id in range(1, 41, 2)], len(peer.server.streams)


@pytest.mark.parametrize("life", [with_h2s_calls, with_one_call, with_the_facade])
def test_many_threads_get_the_totals_of_one(life):
    """Every connection's counts and octets, in threads of their own and one after another."""
    seeds = range(1, 1 + rounds(10))

    def target():
        return [life(seed) for seed in seeds]

    alone = target()
    assert together(*[target] * THREADS) == [alone] * THREADS
