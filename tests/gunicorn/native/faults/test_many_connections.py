"""Thousands of idle connections, more than the most, and more than there are descriptors."""
import contextlib
import multiprocessing
import os
import re
import resource
import socket
import ssl
import time
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from tests.support.long_runs import SLOW
from tests.support.sanitized import memory_bound
from tests.support.tls_client import Client
from tests.support.waiting import until

#: Octets that an idle TLS connection may hold of the worker after a request.
PER_CONNECTION = 25 << 10

#: What may be of it that is not OpenSSL's; some versions take more than the above by themselves.
BESIDE_TLS = 11 << 10


def memory(pid):
    """A process's memory in octets."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path("/proc", str(pid), "status").read_text())[1]) << 10


def held(server):
    """The worker's memory in octets."""
    return memory(server.workers[-1])


def tls_alone(chain, key, authority):
    """The octets that Python and OpenSSL hold for the server's side of one connection, whatever is done with it.

    For a process of its own: one that has done more may have memory left for all of them.
    """
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    server.load_cert_chain(chain, key)
    client.load_verify_locations(authority)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()

    def connect():
        ends = [client.wrap_bio(to_client, to_server, server_hostname="localhost"),
                server.wrap_bio(to_server, to_client, server_side=True)]
        for _ in range(3):
            for end in ends:
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
        with contextlib.suppress(ssl.SSLWantReadError):
            ends[0].read(1)  # session tickets
        return ends[1]

    for _ in range(200):
        connect()
    kept = [connect() for _ in range(50)]
    before = memory(os.getpid())
    kept += [connect() for _ in range(400)]
    return (memory(os.getpid()) - before) / 400


def room():
    """How many connections the test's own process and the worker can have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 5500 if SLOW else 700
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return min(5000 if SLOW else 400, min(wanted, hard) - 150)


class Small:
    """A client that holds little itself: one request, then nothing."""

    def __init__(self, server, context):
        self.sock = context.wrap_socket(
            socket.create_connection(("127.0.0.1", server.port), timeout=20), server_hostname="127.0.0.1")
        self.unread = b""
        self.get(1)

    def get(self, stream_id):
        """Ask for 13 octets, and read until they are there."""
        conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        conn.initiate_connection()
        preface = len(conn.data_to_send())
        conn.send_headers(1, [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"),
                              (b":path", b"/hello")], end_stream=True)
        headers = conn.data_to_send()
        headers = headers[:5] + stream_id.to_bytes(4, "big") + headers[9:]
        if stream_id == 1:
            again = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
            again.initiate_connection()
            octets = again.data_to_send()
            assert len(octets) == preface
            # With the acknowledgement of the server's settings.
            headers = octets + b"\0\0\0\4\1\0\0\0\0" + headers
        self.sock.sendall(headers)
        while b"Hello, world!" not in self.unread:
            data = self.sock.recv(65536)
            assert data
            self.unread += data
        self.unread = b""


@pytest.mark.slow
def test_idle_connections(run):
    """They cost little memory and no time of others, and each is served when it speaks again."""
    count = room()
    context = ssl.create_default_context()
    with run("--keep-alive", "300", "--worker-connections", "6000") as server, contextlib.ExitStack() as stack:
        context.load_verify_locations(str(server.certificate.authority))
        context.set_alpn_protocols(["h2"])
        for _ in range(50):
            stack.enter_context(Small(server, context).sock)
        before = held(server)
        clients = []
        for _ in range(count):
            clients.append(Small(server, context))
            stack.enter_context(clients[-1].sock)
        each = (held(server) - before) / count
        files = server.certificate
        with multiprocessing.get_context("spawn").Pool(1) as other:
            alone = other.apply(tls_alone, (str(files.cert), str(files.key), str(files.authority)))
        print(f"{each:.0f} octets a connection, of {count}; {alone:.0f} of them TLS")
        assert each < memory_bound(max(PER_CONNECTION, alone + BESIDE_TLS))
        with Client(server) as busy:
            for stream_id in range(1, 201, 2):
                busy.request(stream_id, "/hello")
                assert busy.read(busy.ended(stream_id))
        for client in clients[::7]:
            client.get(3)
        assert "[ERROR]" not in server.log


def test_no_more_connections_than_worker_connections(run):
    with run("--worker-connections", "10", "--keep-alive", "30") as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(server)) for _ in range(10)]
        for client in clients:
            client.request(1, "/hello")
            assert client.read(client.ended())
        waiting = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=1))
        context = ssl.create_default_context(cafile=str(server.certificate.authority))
        context.set_alpn_protocols(["h2"])
        # The kernel has taken it; the worker has not.
        with pytest.raises(TimeoutError):
            context.wrap_socket(waiting, server_hostname="127.0.0.1")
        clients.pop().sock.close()
        with Client(server) as client:
            client.request(1, "/hello")
            assert client.read(client.ended())
        for client in clients:
            client.request(3, "/hello")
            assert client.read(client.ended(3))
        assert "[ERROR]" not in server.log


LIMITED = """
def post_fork(server, worker):
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
"""


@pytest.mark.parametrize("tls", [True, False])
def test_descriptors_are_exhausted(run, tls):
    """Accepting stops and resumes; who is connected is served all the time."""
    with run("--keep-alive", "30", config=LIMITED, tls=tls) as server, contextlib.ExitStack() as stack:
        first = stack.enter_context(Client(server))
        first.request(1, "/hello")
        assert first.read(first.ended())
        with contextlib.ExitStack() as more:
            for _ in range(60):
                more.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            assert until(lambda: "No descriptors are left" in server.log)
            for stream_id in range(3, 13, 2):
                first.request(stream_id, "/hello")
                assert first.read(first.ended(stream_id))
                time.sleep(0.1)
        with Client(server) as client:
            client.request(1, "/hello")
            assert client.read(client.ended())
        assert "Traceback" not in server.log
        # It says so now and then, not for each that waits.
        assert server.log.count("[ERROR]") <= 10
