"""Extended CONNECT (RFC 8441): a stream as a tunnel."""
import pytest

from tests.support import frames
from tests.support.fields import request

from .without_sockets import Connection, serving


async def never(scope, receive, send):
    raise AssertionError("called")


class Receiver:
    """Answers at once; keeps what it is told."""

    def __init__(self, tunnel, scope):
        self.tunnel, self.scope = tunnel, scope
        self.told = []
        tunnel.respond(200, [(b"x-name", b"value")], b"hello")

    def octets_received(self, data):
        self.told.append(data)

    def input_ended(self):
        self.told.append("ended")

    def connection_lost(self):
        self.told.append("lost")


class Opened:
    """Makes receivers, and keeps them."""

    def __init__(self):
        self.receivers = []

    def __call__(self, tunnel, scope):
        self.receivers.append(Receiver(tunnel, scope))
        return self.receivers[-1]


def connect(stream_id, protocol="websocket", **options):
    return request(stream_id, end_stream=options.pop("end_stream", False), method="CONNECT", protocol=protocol, **options)


def test_a_tunnel():
    opened = Opened()
    with serving(never, connect_protocol=True) as server:
        connection = Connection(server, open_websocket=opened)
        connection.feed(connect(1, path="/a?b"))
        [receiver] = opened.receivers
        assert (receiver.scope["type"], receiver.scope["path"], receiver.scope["query_string"]) == ("websocket", "/a", b"b")
        assert "protocol" not in receiver.scope
        assert (connection.status(), connection.body()) == ("200", b"hello")
        connection.feed(frames.data(1, b"abc"))
        server.turn(lambda: receiver.tunnel.write(bytearray(b"def")))
        assert connection.body() == b"hellodef"
        connection.feed(frames.data(1, b"g", end_stream=True))
        assert receiver.told == [b"abc", b"g", "ended"]
        assert not connection.wrote("DATA")[-1].end_stream
        server.turn(receiver.tunnel.end)
        assert connection.wrote("DATA")[-1].end_stream
        server.turn(lambda: receiver.tunnel.write(b"too late"))
        assert connection.body() == b"hellodef"


def test_the_stream_is_credited_when_octets_are_used():
    opened = Opened()
    with serving(never, connect_protocol=True) as server:
        connection = Connection(server, open_websocket=opened)
        connection.feed(connect(1))
        for _ in range(3):
            connection.feed(frames.data(1, b"x" * 16384))
        assert connection.wrote("WINDOW_UPDATE", 1) == []
        server.turn(lambda: opened.receivers[0].tunnel.credit(49152))
        assert [sent.increment for sent in connection.wrote("WINDOW_UPDATE", 1)] == [49152]


@pytest.mark.parametrize("end", [frames.rst_stream, lambda stream_id: frames.data(stream_id, end_stream=True)],
                         ids=["reset", "end"])
def test_an_application_counts_as_a_stream_until_it_ends(end):
    """Otherwise a client that opens tunnels and leaves them has more of them running than it may have streams."""
    opened = Opened()
    with serving(never, connect_protocol=True, max_streams=3) as server:
        connection = Connection(server, open_websocket=opened)
        for n in (1, 3, 5):
            connection.feed(connect(n))
            opened.receivers[-1].tunnel.application_begins()
            connection.feed(end(n))
            server.turn(opened.receivers[-1].tunnel.end)
        assert connection.session.streams.abandoned == 3
        connection.feed(connect(7))
        assert connection.resets()[-1] == (7, 7)
        assert len(opened.receivers) == 3
        opened.receivers[0].tunnel.application_ends()
        connection.feed(connect(9))
        assert len(opened.receivers) == 4
        for receiver in opened.receivers:
            receiver.tunnel.application_ends()
        assert connection.session.streams.abandoned == 0


def test_an_application_that_begins_after_the_reset_counts_too():
    opened = Opened()
    with serving(never, connect_protocol=True, max_streams=1) as server:
        connection = Connection(server, open_websocket=opened)
        connection.feed(connect(1))
        connection.feed(frames.rst_stream(1))
        opened.receivers[0].tunnel.application_begins()
        assert connection.session.streams.abandoned == 1
        connection.feed(connect(3))
        assert connection.resets() == [(3, 7)]


def test_a_reset_and_the_end_of_the_connection():
    opened = Opened()
    with serving(never, connect_protocol=True) as server:
        connection = Connection(server, open_websocket=opened)
        connection.feed(connect(1), connect(3))
        connection.feed(frames.rst_stream(1))
        assert [receiver.told for receiver in opened.receivers] == [["lost"], []]
        server.turn(connection.session.connection_lost)
        assert [receiver.told for receiver in opened.receivers] == [["lost"], ["lost"]]


def test_a_client_that_does_not_end_its_side_is_reset_after_a_while():
    opened = Opened()
    with serving(never, connect_protocol=True) as server:
        connection = Connection(server, open_websocket=opened)
        connection.feed(connect(1))
        server.turn(opened.receivers[0].tunnel.end)
        assert connection.resets() == []
        server.later(5)
        assert connection.resets() == [(1, 0)]


def test_other_protocols_and_connections_without_websockets_are_refused():
    with serving(never, connect_protocol=True) as server:
        connection = Connection(server, open_websocket=Opened())
        connection.feed(connect(1, protocol="connect-udp"))
        assert connection.status() == "501"
        connection = Connection(server)
        connection.feed(connect(1))
        assert connection.status() == "501"


def test_without_the_setting_the_request_is_malformed():
    """RFC 8441 section 3."""
    with serving(never) as server:
        connection = Connection(server, open_websocket=Opened())
        connection.feed(connect(1))
        assert connection.resets() == [(1, 1)]


def test_a_fault_of_what_serves_a_tunnel_costs_its_stream_only():
    class Faulty(Receiver):
        def octets_received(self, data):
            raise ValueError("a fault")

    def fails(tunnel, scope):
        raise ValueError("a fault")

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    with serving(app, connect_protocol=True) as server:
        connection = Connection(server, open_websocket=Faulty)
        connection.feed(connect(1))
        connection.feed(frames.data(1, b"x"), request(3))
        assert connection.resets() == [(1, 8)]
        assert connection.status(3) == "200"
        connection = Connection(server, open_websocket=fails)
        connection.feed(connect(1), request(3))
        assert connection.resets() == [(1, 8)]
        assert connection.status(3) == "200"
        assert len(server.reports) == 2


def test_a_tunnel_that_was_ended_is_forgotten():
    opened = Opened()
    with serving(never, connect_protocol=True) as server:
        connection = Connection(server, open_websocket=opened)
        connection.feed(connect(1))
        server.turn(opened.receivers[0].tunnel.end)
        connection.feed(frames.data(1, b"x"))
        assert opened.receivers[0].told == []
        assert connection.session.streams.tunnels == {}
