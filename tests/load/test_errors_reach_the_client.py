"""A client that reads slowly and is still sending when its connection ends with an error gets all that was queued."""
import select
import socket
import ssl
import time

import pytest

from tests.load.setups import OLDER_CLASSES, SETUPS
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader
from tests.support.gunicorn_matrix import OWN, OWN_ASGI
from tests.support.gunicorn_versions import NEWEST
from tests.support.waiting import wait_until

#: Octets of the client's receive buffer: most of what it is sent waits in the server's kernel.
RECEIVE_BUFFER = 2048

#: Requests answered before the error, and the octets that follow it.
REQUESTS, REST = 90, 400_000

#: Answers with 500 octets.
PATH = "/stream?500"

PROTOCOL_ERROR = 1

EVERYWHERE = [*SETUPS, *OLDER_CLASSES, *(setup for setup in (*OWN, *OWN_ASGI) if setup.version is NEWEST)]


def connect(server, tls=True):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    sock.settimeout(30)
    sock.connect(("127.0.0.1", server.port))
    if not tls:
        return sock
    context = ssl.create_default_context(cafile=str(server.certificate.authority))
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(sock, server_hostname="127.0.0.1")


def send_while_it_takes(sock, octets):
    """Send, until all is sent, the server has closed, or the socket has taken nothing for half a second."""
    sock.setblocking(False)
    while octets:
        try:
            octets = octets[sock.send(octets[:16384]):]
        except (BlockingIOError, ssl.SSLWantWriteError):
            if not select.select([], [sock], [], 0.5)[1]:
                return
        except OSError:
            return


def read_to_the_end(sock):
    sock.settimeout(30)
    received = b""
    try:
        while data := sock.recv(65536):
            received += data
    except (ConnectionResetError, ssl.SSLEOFError):
        pass
    reader = FrameReader()
    for frame in frames.split_frames(received):
        reader.read(bytes(frame))
    return reader.sent


def answered(server):
    return server.log.count(f'"GET {PATH} ')


def check(server, sock):
    before = answered(server)
    sock.sendall(PREFACE + frames.settings() + b"".join(
        bytes(request(2 * n + 1, path=PATH, authority="127.0.0.1")) for n in range(REQUESTS)))
    # A line of the access log comes when an answer is queued, or a moment before.
    wait_until(lambda: answered(server) == before + REQUESTS)
    time.sleep(0.5)
    # DATA on stream 0, and what a client sends that has not read of its error yet.
    send_while_it_takes(sock, bytes(frames.data(0, b"x")) + bytes(frames.ping(b"01234567")) * (REST // 17))
    time.sleep(0.25)
    sent = read_to_the_end(sock)
    assert (sent[-1].kind, sent[-1].error_code) == ("GOAWAY", PROTOCOL_ERROR)
    assert sum(each.end_stream for each in sent) == REQUESTS


@pytest.mark.parametrize("setup", EVERYWHERE, ids=str)
def test_the_goaway_is_behind_all_that_was_queued(setup, servers):
    server = servers(setup)
    with connect(server) as sock:
        check(server, sock)


@pytest.mark.parametrize("setup", EVERYWHERE, ids=str)
def test_without_tls(setup, serve):
    options = ("--http2-cleartext", "both", "--forwarded-allow-ips", "127.0.0.1", "--keep-alive", "20",
               "--access-logfile", "-")
    with serve(setup, *options, tls=False) as server, connect(server, tls=False) as sock:
        check(server, sock)
