"""What a TLS client offers is read out of its first message, and connections that share memories do not mix."""
import random
import socket
import ssl

import h2.config
import h2.connection
import h2.events
import pytest
import trustme

from fasth2.server.client_hello import NOTHING, ServerTLS, is_whole, read_offer
from tests.support.wsgi_serving import Paths, Serving


def hello(protocols, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version is not None:
        context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(protocols)
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("version", [None, ssl.TLSVersion.TLSv1_2])
@pytest.mark.parametrize(
    ("protocols", "offered"),
    [(["h2"], True), (["http/1.1", "h2"], True), (["http/1.1"], False), ([], False), (["h2c", "h3"], False)],
)
def test_what_clients_offer(protocols, offered, version):
    assert read_offer(hello(protocols, version)) == (offered, version is None)


def test_a_message_that_is_not_whole_offers_nothing():
    data = hello(["h2", "http/1.1"])
    assert not any(read_offer(data[:size]) != NOTHING or (size and is_whole(data[:size])) for size in range(len(data)))
    assert is_whole(data)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1", b"\x15\x03", b"\x16\x03\x01\xff\xff"])
def test_what_is_no_such_message_is_not_waited_for(data):
    assert is_whole(data)


def test_octets_at_random_do_no_harm():
    rng = random.Random(5)
    data = hello(["h2"])
    for _ in range(2000):
        changed = bytearray(data)
        for _ in range(rng.randint(1, 8)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        assert set(read_offer(bytes(changed))) <= {True, False}
        assert read_offer(rng.randbytes(rng.randrange(600))) == NOTHING


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def server_context(authority, protocols):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


@pytest.mark.parametrize(
    ("protocols", "chosen"), [(["h2", "http/1.1"], True), (["h2"], True), (["http/1.1", "h2"], False), ([], False)]
)
def test_what_a_server_chooses(authority, protocols, chosen):
    assert ServerTLS(server_context(authority, protocols)).chooses_h2 is chosen


def test_a_server_that_may_take_another_context_is_not_counted_on(authority):
    context = server_context(authority, ["h2"])
    context.sni_callback = lambda *args: None
    assert ServerTLS(context).chooses_h2 is False


def test_a_server_that_wants_certificates_is_not_counted_on(authority):
    context = server_context(authority, ["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    assert ServerTLS(context).chooses_h2 is False


class Piecewise:
    """A client whose octets are handed over by the test, few at a time."""

    def __init__(self, port, authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(context)
        context.set_alpn_protocols(["h2"])
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1")
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration())
        self.unsent = b""
        self.begun = False
        self.body = b""
        self.done = False

    def step(self, size, path):
        """Send `size` octets, take what there is, go on."""
        self.unsent += self.outgoing.read()
        if self.unsent:
            self.unsent = self.unsent[self.sock.send(self.unsent[:size]) :]
        try:
            self.incoming.write(self.sock.recv(65536))
        except BlockingIOError:
            pass
        try:
            if not self.begun:
                self.tls.do_handshake()
                self.begun = True
                self.h2.initiate_connection()
                self.h2.send_headers(
                    1, [(":method", "GET"), (":path", path), (":scheme", "https"), (":authority", "x")], end_stream=True
                )
            for event in self.h2.receive_data(self.tls.read(65536)):
                if isinstance(event, h2.events.DataReceived):
                    self.body += event.data
                self.done = self.done or isinstance(event, h2.events.StreamEnded)
        except ssl.SSLWantReadError:
            pass
        if self.begun and (data := self.h2.data_to_send()):
            self.tls.write(data)


def test_records_in_pieces_of_many_connections_do_not_mix(authority):
    with Serving(Paths(), context=server_context(authority, ["h2"])) as server:
        clients = [Piecewise(server.port, authority) for _ in range(8)]
        rng = random.Random(11)
        rounds = 0
        while not all(client.done for client in clients):
            number = rng.randrange(len(clients))
            clients[number].step(rng.randint(1, 60), f"/{number}")
            rounds += 1
            assert rounds < 200_000
        assert [client.body for client in clients] == [b"/%d" % number for number in range(8)]
        shared = {id(client.rx) for client in server.loop.clients.values()}
        assert shared == {id(server.loop.buffers.rx)}
        assert not server.loop.buffers.rx.pending and not server.loop.buffers.tx.pending
        for client in clients:
            client.sock.close()


def test_a_record_that_cannot_be_read_ends_its_own_connection_only(authority):
    with Serving(Paths(), context=server_context(authority, ["h2"])) as server:
        good, bad = (Piecewise(server.port, authority) for _ in range(2))
        while not (good.done and bad.done):
            good.step(1000, "/good")
            bad.step(1000, "/bad")
        bad.sock.setblocking(True)
        bad.sock.sendall(b"\x17\x03\x03\x00\x20" + b"\0" * 32 + b"\x17\x03\x03\x01\x00and more")
        bad.sock.settimeout(10)
        while bad.sock.recv(65536):
            pass
        good.done, good.body = False, b""
        good.h2.send_headers(
            3, [(":method", "GET"), (":path", "/again"), (":scheme", "https"), (":authority", "x")], end_stream=True
        )
        while not good.done:
            good.step(1000, "")
        assert good.body == b"/again"
        good.sock.close()
        bad.sock.close()
