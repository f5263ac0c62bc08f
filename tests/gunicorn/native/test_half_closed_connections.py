"""Clients that end their sending side behind a whole request get the answer; those that are gone hold nothing."""
import socket
import ssl
import threading

import pytest

from tests.support import frames
from tests.support.fields import request
from tests.support.record_peer import Peer
from tests.support.waiting import until
from tests.support.wsgi_serving import Serving


class Application:
    """Answers when the test lets it, and writes down what becomes of its calls."""

    def __init__(self):
        self.entered, self.gate, self.closed = (threading.Event() for _ in range(3))
        self.bodies = []
        self.raised = []

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/fast":
            start_response("200 OK", [])
            return [b"fast"]
        if environ["PATH_INFO"] == "/body":
            self.entered.set()
            try:
                environ["wsgi.input"].read()
            except OSError as exc:
                self.raised.append(exc)
                raise
            raise AssertionError("a whole body")
        start_response("200 OK", [])
        return self.parts()

    def parts(self):
        try:
            self.entered.set()
            assert self.gate.wait(20)
            while True:
                yield b"part"
                if self.gate.is_set():
                    return
        finally:
            self.closed.set()


@pytest.fixture(params=["tls", "clear"])
def made(request, certificate):
    """The application, its loop, and what connects to it."""
    context = None
    if request.param == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        context.set_alpn_protocols(["h2"])
    application = Application()
    with Serving(application, context=context) as serving:
        with Peer(serving, certificate if context else None) as peer:
            yield application, serving, peer


def end_sending(peer):
    """close_notify where there is TLS, and FIN."""
    if isinstance(peer.sock, ssl.SSLSocket):
        # It would like to have the server's at once.
        peer.sock.setblocking(False)
        with pytest.raises(ssl.SSLError):
            peer.sock.unwrap()
    if peer.sock.fileno() >= 0:
        socket.socket.shutdown(peer.sock, socket.SHUT_WR)


def answers(peer):
    """Whether the answer to stream 1 comes before the end of the connection."""
    tls = isinstance(peer.sock, ssl.SSLSocket)
    if tls:
        # Python's TLS reads no data behind its own close_notify: that octets come, and no reset, has to do.
        peer.sock = socket.socket(fileno=peer.sock.detach())
    peer.sock.settimeout(10)
    octets = b""
    while part := peer.sock.recv(65536):
        octets += part
    if tls:
        return len(octets) > 80
    peer.reads.append(peer.reader.read(octets))
    return peer.ended(1)()


def test_a_request_that_takes_long_is_answered(made):
    application, serving, peer = made
    peer.send(request(1, path="/slow"))
    assert application.entered.wait(10)
    end_sending(peer)
    [client] = serving.loop.clients.values()
    assert until(lambda: client.leaving)
    application.gate.set()
    assert answers(peer)
    assert application.closed.wait(10)
    assert until(lambda: not serving.loop.clients)
    assert not serving.failures and not serving.reports


def test_a_request_that_came_with_the_end_is_answered(made):
    _, serving, peer = made
    peer.send(request(1, path="/fast"))
    end_sending(peer)
    assert answers(peer)
    assert until(lambda: not serving.loop.clients)


def test_a_client_that_is_gone_ends_its_requests(made):
    """Not half closed, but closed: the call finds its stream gone, though it never sends anything."""
    application, serving, peer = made
    peer.send(request(1, path="/slow"))
    assert application.entered.wait(10)
    peer.sock.close()
    assert until(lambda: not serving.loop.clients)
    application.gate.set()
    assert application.closed.wait(10)


def test_a_request_whose_body_cannot_come_any_more_is_given_up(made):
    application, serving, peer = made
    peer.send(request(1, path="/body", method="POST", end_stream=False), frames.data(1, b"a part"))
    assert application.entered.wait(10)
    end_sending(peer)
    assert until(lambda: application.raised)
    assert until(lambda: not serving.loop.clients)


def test_the_end_of_an_idle_connection_closes_it(made):
    _, serving, peer = made
    peer.send(request(1, path="/fast"))
    assert peer.read(peer.ended(1))
    end_sending(peer)
    assert until(lambda: not serving.loop.clients)
