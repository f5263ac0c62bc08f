"""A connection that was accepted before TERM, and is no further than its TLS handshake, gets its answer."""
import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events
import pytest

from tests.load.setups import ASGI_CLASSES, CLASSES, SETUPS
from tests.support.tls_client import Client, Patience
from tests.support.waiting import wait_until

#: The last stream id of a GOAWAY that only says that the end comes (RFC 9113 section 6.8).
ANY_STREAM = 2**31 - 1

#: A setup, and the event loop of one whose worker is asyncio.
EVERYWHERE = [(setup, "asyncio") for setup in CLASSES]
ASYNCIO = [*((setup, "asyncio") for setup in ASGI_CLASSES if setup not in CLASSES), (ASGI_CLASSES[-1], "uvloop")]
INSTALLED_ASGI = [setup for setup in SETUPS if setup.worker == "asgi" and setup.way == "install"]

#: How much of the ClientHello is there when TERM comes; ``None``: TLS is agreed on, and nothing said yet.
STAGES = {"accepted": 0, "half-a-hello": 60, "hello": 10_000, "handshake-done": None}


class Slow:
    """A client whose TLS handshake goes on when it is told to."""

    def __init__(self, server, protocol="h2"):
        context = ssl.create_default_context(cafile=str(server.certificate.authority))
        context.set_alpn_protocols([protocol])
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1")
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.unsent = self.outgoing.read()
        self.sock = socket.create_connection(("127.0.0.1", server.port), timeout=20)

    def send(self, size):
        """Send so many octets of the ClientHello."""
        self.sock.sendall(self.unsent[:size])
        self.unsent = self.unsent[size:]

    def call(self, function, *args):
        """Do something with TLS to its end."""
        self.sock.sendall(self.unsent)
        self.unsent = b""
        while True:
            try:
                result = function(*args)
                self.sock.sendall(self.outgoing.read())
                return result
            except ssl.SSLWantReadError:
                self.sock.sendall(self.outgoing.read())
                data = self.sock.recv(65536)
                assert data, "the server closed the connection"
                self.incoming.write(data)

    def shake_hands(self):
        """Finish the handshake."""
        self.call(self.tls.do_handshake)

    def ask(self):
        """The handshake, and a GET; the body of its answer."""
        self.shake_hands()
        connection = Patience(h2.config.H2Configuration())
        connection.initiate_connection()
        connection.send_headers(1, [(":method", "GET"), (":path", "/hello"), (":scheme", "https"), (":authority", "x")],
                                end_stream=True)
        body = b""
        while True:
            self.call(self.tls.write, connection.data_to_send() or b"")
            for event in connection.receive_data(self.call(self.tls.read, 65536)):
                if isinstance(event, h2.events.DataReceived):
                    body += event.data
                if isinstance(event, h2.events.StreamEnded):
                    return body
                assert not isinstance(event, h2.events.StreamReset)
                # A GOAWAY that only says that the end comes may be first.
                assert getattr(event, "last_stream_id", ANY_STREAM) == ANY_STREAM


def name(place):
    return "-".join(map(str, place))


def options(place):
    setup, loop = place
    more = ("--asgi-loop", loop) if setup.worker == "asgi" else ()
    return setup, "--threads", "4", "--graceful-timeout", "20", "--keep-alive", "20", *more


def terminate(server):
    """Have the worker know that it is to stop."""
    # Whoever comes later was accepted later.
    with Client(server) as client:
        client.request(1, "/hello")
        assert client.read(client.ended())
    server.terminate()
    wait_until(lambda: "Handling signal: term" in server.log)
    time.sleep(1.2)  # no sign says that the worker has seen it; gunicorn's look once a second


@pytest.mark.parametrize(("place", "stage"), [
    *((place, stage) for place in EVERYWHERE for stage in STAGES),
    *((place, stage) for place in ASYNCIO for stage in ("accepted", "handshake-done")),
], ids=lambda value: value if isinstance(value, str) else name(value))
def test_a_handshake_under_way_is_finished_and_its_request_answered(serve, place, stage):
    with serve(*options(place)) as server:
        slow = Slow(server)
        if STAGES[stage] is None:
            slow.shake_hands()
        else:
            slow.send(STAGES[stage])
        terminate(server)
        assert slow.ask() == b"Hello, world!"
        slow.sock.close()
        assert server.process.wait(20) == 0


def test_a_handshake_under_way_is_finished_and_said_goodbye_to(serve):
    """gevent's own server drops the connection."""
    [place] = [place for place in EVERYWHERE if place[0].worker == "gevent"]
    with serve(*options(place)) as server:
        slow = Slow(server)
        terminate(server)
        slow.shake_hands()
        conn = h2.connection.H2Connection()
        conn.initiate_connection()
        slow.call(slow.tls.write, conn.data_to_send())
        events = []
        while not [event for event in events if isinstance(event, h2.events.ConnectionTerminated)]:
            events += conn.receive_data(slow.call(slow.tls.read, 65536))
        [goodbye] = [event for event in events if isinstance(event, h2.events.ConnectionTerminated)]
        assert (int(goodbye.error_code), goodbye.last_stream_id) == (0, 0)
        slow.sock.close()


def test_a_connection_that_was_accepted_is_served_over_HTTP_1_1_too(serve):
    with serve(*options(EVERYWHERE[0])) as server:
        slow = Slow(server, "http/1.1")
        terminate(server)
        slow.shake_hands()
        slow.call(slow.tls.write, b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while b"Hello, world!" not in answer:
            answer += slow.call(slow.tls.read, 65536)
        slow.sock.close()
        assert server.process.wait(10) == 0
    assert "[ERROR]" not in server.log


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_gunicorns_own_asyncio_worker_drops_it(serve, loop):
    """What install() cannot mend: docs/gunicorn.md says so. The worker knows nothing of a handshake under way."""
    [setup] = INSTALLED_ASGI
    with serve(*options((setup, loop))) as server:
        slow = Slow(server)
        terminate(server)
        assert server.process.wait(15) == 0
        with pytest.raises((AssertionError, ConnectionError, ssl.SSLError)):
            slow.ask()
        slow.sock.close()
