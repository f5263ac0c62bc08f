"""Clients that connect, GET once, and then say nothing."""
from __future__ import annotations

import contextlib
import resource
import socket
import ssl
from collections.abc import Iterator

from hpack import Decoder, Encoder
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, SettingsFrame

from ..serving import HOST, Failed, Server, client_context

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# How long one answer may take, in seconds.
_PATIENCE = 5


def allow_files(number: int) -> None:
    """Let this process, and those it starts, have so many files open.

    Raises:
        Failed: The system doesn't allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        if hard != resource.RLIM_INFINITY and hard < number:
            raise Failed(f"{number} open files are needed, {hard} are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


def _frames(secure: ssl.SSLSocket) -> Iterator[Frame]:
    received = b""
    while True:
        while len(received) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(received[:9]))
            if len(received) < 9 + length:
                break
            frame.parse_body(memoryview(received[9 : 9 + length]))
            received = received[9 + length :]
            yield frame
        data = secure.recv(65536)
        if not data:
            raise Failed("the server closed the connection")
        received += data


def _get(secure: ssl.SSLSocket, port: int) -> None:
    """Begin HTTP/2, GET /, wait for the end of the answer and acknowledge the server's SETTINGS."""
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", f"{HOST}:{port}"), (":path", "/")]
    request = HeadersFrame(1, Encoder().encode(fields), flags=["END_HEADERS", "END_STREAM"])
    secure.sendall(_PREFACE + SettingsFrame(0).serialize() + request.serialize())
    decoder = Decoder()
    ended = settled = False
    for frame in _frames(secure):
        if isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            secure.sendall(SettingsFrame(0, flags=["ACK"]).serialize())
            settled = True
        elif isinstance(frame, HeadersFrame):
            status = dict(decoder.decode(frame.data))[":status"]
            if status != "200":
                raise Failed(f"status {status}")
        elif isinstance(frame, GoAwayFrame):
            raise Failed("GOAWAY")
        if isinstance(frame, (DataFrame, HeadersFrame)) and "END_STREAM" in frame.flags:
            ended = True
        if ended and settled:
            return


def _still_open(secure: ssl.SSLSocket) -> bool:
    """Whether the server has neither closed the connection nor said GOAWAY."""
    secure.setblocking(False)
    with contextlib.suppress(ssl.SSLWantReadError):
        while data := secure.recv(65536):
            if data[3:4] == b"\x07":
                return False
        return False
    return True


def octets_per_connection(server: Server, connections: int) -> float:
    """Memory of the server that one more idle connection takes.

    Args:
        server: The server, without a connection.
        connections: How many stand open at once.

    Returns:
        The growth of its resident memory, divided by the connections.

    Raises:
        Failed: Not all connections were served and stayed open.
    """
    allow_files(connections + 200)
    context = client_context()
    with contextlib.ExitStack() as stack:

        def connect() -> ssl.SSLSocket:
            plain = stack.enter_context(socket.create_connection((HOST, server.port), timeout=_PATIENCE))
            secure = stack.enter_context(context.wrap_socket(plain))
            _get(secure, server.port)
            return secure

        opened: list[ssl.SSLSocket] = []
        try:
            # What the server makes once, it makes for these.
            for _ in range(min(20, connections)):
                opened.append(connect())
            before = server.resident_octets()
            for _ in range(connections):
                opened.append(connect())
            after = server.resident_octets()
        except OSError as error:
            raise Failed(f"{len(opened)} connections idle, the next was not served: {error!r}") from error
        closed = sum(not _still_open(secure) for secure in opened)
        if closed:
            raise Failed(f"{closed} of {len(opened)} idle connections were closed")
    return (after - before) / connections
