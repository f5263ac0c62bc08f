"""A connection that was accepted before TERM, and is no further than its TLS handshake, gets its answer."""
import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events
import pytest

from tests.support.gunicorn_server import Gunicorn
from tests.support.tls_client import Client

WORKERS = ("WSGIWorker", "gthread", "gevent", "asgi")


class Slow:
    """A client whose TLS handshake goes on when it is told to."""

    def __init__(self, server):
        context = ssl.create_default_context(cafile=str(server.certificate.authority))
        context.set_alpn_protocols(["h2"])
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

    def ask(self):
        """The handshake, and a GET; the body of its answer."""
        self.call(self.tls.do_handshake)
        connection = h2.connection.H2Connection(h2.config.H2Configuration())
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
                assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated))


@pytest.mark.parametrize("size", [0, 60, 10_000], ids=["accepted", "half-a-hello", "hello"])
@pytest.mark.parametrize("worker", WORKERS)
def test_a_handshake_under_way_is_finished_and_its_request_answered(tmp_path, certificate, worker, size):
    app = "tests.support." + ("asgi_app:app" if worker == "asgi" else "wsgi_app:app")
    with Gunicorn(tmp_path, app, "-k", f"fasth2.gunicorn.{worker}", "--threads", "4", "--graceful-timeout", "20",
                  certificate=certificate) as server:
        slow = Slow(server)
        slow.send(size)
        # Whoever comes later was accepted later.
        with Client(server) as client:
            client.request(1, "/hello")
            assert client.read(client.ended())
        server.terminate()
        deadline = time.monotonic() + 10
        while "Handling signal: term" not in server.log and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(1.2)  # as long as any worker takes to see it
        assert slow.ask() == b"Hello, world!"
        slow.sock.close()
