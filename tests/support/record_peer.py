"""A client that sees what each of its reads brings."""
from __future__ import annotations

import socket
import ssl

from tests.support import frames
from tests.support.frames import FrameReader


class Peer:
    """A client that sees in which TLS record, or read, each frame comes."""

    def __init__(self, serving, certificate=None):
        self.sock = socket.create_connection(("127.0.0.1", serving.port), timeout=10)
        if certificate is not None:
            context = ssl.create_default_context(cafile=str(certificate.authority))
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(self.sock, server_hostname="127.0.0.1")
        self.reader = FrameReader(2**24 - 1, 2**31)
        #: The frames of each read.
        self.reads = []
        self.sock.sendall(frames.PREFACE + frames.settings())

    def send(self, *sent):
        self.sock.sendall(b"".join(bytes(one) for one in sent))

    @property
    def frames(self):
        return [one for read in self.reads for one in read]

    def wrote(self, kind, stream_id=None):
        return [one for one in self.frames if one.kind == kind and stream_id in (None, one.stream_id)]

    def read(self, until, wait=10.0):
        """Read until a condition holds; whether it does."""
        self.sock.settimeout(wait)
        while not until():
            try:
                octets = self.sock.recv(65536)
            except TimeoutError:
                return False
            assert octets, "the server has closed the connection"
            # The server's frames are small here, and each is whole in its read.
            self.reads.append(self.reader.read(octets))
        return True

    def ended(self, stream_id):
        return lambda: any(one.end_stream for one in self.wrote("DATA", stream_id))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()
