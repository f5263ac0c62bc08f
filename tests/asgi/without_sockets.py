"""Connections of the ASGI server on an event loop of their own, without sockets: a test feeds octets and takes turns."""
from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from fasth2.asgi.extensions import http_extensions
from fasth2.asgi.scope import ScopeMaker
from fasth2.asgi.service import Service
from fasth2.asgi.session import Session
from fasth2.asgi.settings import ASGISettings
from fasth2.limits import Limits
from fasth2.server._options import Options
from tests.support import frames
from tests.support.frames import Frame, FrameReader, Sent

#: Iterations of the loop that a test's turn takes.
ITERATIONS = 20


class Transport:
    """Keeps what is written; takes no more once ``full`` is set."""

    def __init__(self) -> None:
        #: Each write.
        self.writes: list[bytes] = []
        self.closed = self.ended = self.reads_paused = False
        #: After so many octets more, `Connection.session` is told to pause; ``None``: never.
        self.room: int | None = None
        self.session: Any = None

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.writes.append(bytes(data))
        if self.room is not None:
            self.room -= len(data)
            if self.room <= 0:
                self.session.pause_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closed = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.reads_paused = True

    def resume_reading(self) -> None:
        self.reads_paused = False


class Server:
    """What the connections share, and the clock.

    Args:
        app: The application.
        raises: Whether ``send()`` raises OSError when the client is gone.
        limits: The engine's.
        eager: Whether tasks are started at once, where CPython can.
        max_streams: SETTINGS_MAX_CONCURRENT_STREAMS.
        connect_protocol: Whether extended CONNECT is accepted.
        given: Arguments of `Service`.
        **settings: Of `ASGISettings`.
    """

    default_headers: list[tuple[bytes, bytes]]

    def __init__(self, app: Callable[..., Any], *, raises: bool = False, limits: Limits | None = None, eager: bool = True,
                 max_streams: int = 100, connect_protocol: bool = False, given: dict[str, Any] | None = None, **settings: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self._passed = 0.0
        real_time = self.loop.time
        self.loop.time = lambda: real_time() + self._passed
        self.default_headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT"), (b"server", b"test")]
        self.total_requests = 0
        #: What was reported of applications, of refusals, and of connections.
        self.reports: list[tuple[str, BaseException | None]] = []
        self.refusals: list[str] = []
        self.failures: list[Exception] = []
        self.now = 1000.0
        options = Options(None, None, limits or Limits(), 65535, max_streams, 16384, 0, header_encoding=None,
                          credits_on_arrival=True, clock=lambda: self.now, full_window_wait=1.0,
                          connect_protocol=connect_protocol)
        self.service = Service(
            app, self.loop, self, options, ASGISettings(eager_tasks=eager, **settings), server_state=self,
            asgi={"version": "3.0", "spec_version": "2.3"}, raises=raises,
            **{"tasks": set(), "connections": set(), "state": {"made": 1}, **(given or {})})

    def report(self, message: str, error: BaseException | None, left: bool) -> None:
        self.reports.append((message, error))

    def refused(self, message: str) -> None:
        self.refusals.append(message)

    def connection_failed(self, error: Exception) -> None:
        self.failures.append(error)

    def turn(self, call: Callable[[], Any] = lambda: None, iterations: int = ITERATIONS) -> Any:
        """Call something inside the loop, and let that go on for some iterations."""
        async def main() -> Any:
            result = call()
            for _ in range(iterations):
                await asyncio.sleep(0)
            return result

        return self.loop.run_until_complete(main())

    def later(self, seconds: float) -> None:
        """Let time pass: the clock's, and the loop's."""
        self.now += seconds
        self._passed += seconds
        self.turn()

    def close(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.turn()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class Connection:
    """One connection, its client being the test; what the server sends is in `sent`.

    Args:
        server: What it shares with others.
        window: The client's SETTINGS_INITIAL_WINDOW_SIZE.
        maker: Makes its scopes; ``None``: a plain one.
        **options: Of `Session`.
    """

    def __init__(self, server: Server, window: int = 65535, maker: ScopeMaker | None = None, **options: Any) -> None:
        self.server = server
        self.transport = Transport()
        maker = maker or ScopeMaker(server.service.scope, ("127.0.0.1", 8000), ("192.0.2.1", 5000), "https", http_extensions())
        self.session = server.turn(lambda: Session(server.service, self.transport, maker, **options))
        self.transport.session = self.session
        self.reader = FrameReader(2**24 - 1, 2**31)
        self._read = 0
        self._sent: list[Sent] = []
        self.feed(frames.PREFACE, frames.settings((frames.INITIAL_WINDOW_SIZE, window)), frames.settings_ack())
        self.sent.clear()

    def feed(self, *octets: bytes | Frame) -> None:
        """Receive octets in one read, and let the loop run."""
        data = b"".join(bytes(part) for part in octets)
        self.server.turn(lambda: self.session.feed(data))

    @property
    def sent(self) -> list[Sent]:
        """The frames that were sent after the settings."""
        self._sent += self.reader.read(b"".join(self.transport.writes[self._read:]))
        self._read = len(self.transport.writes)
        return self._sent

    def wrote(self, kind: str, stream_id: int | None = None) -> list[Sent]:
        """The frames of one kind that were sent, on one stream if given."""
        return [sent for sent in self.sent if sent.kind == kind and stream_id in (None, sent.stream_id)]

    def heads(self, stream_id: int = 1) -> list[dict[bytes, bytes]]:
        """The header blocks of a stream."""
        return [dict(sent.fields) for sent in self.wrote("HEADERS", stream_id)]

    def status(self, stream_id: int = 1) -> str:
        """The status of its final response."""
        return dict(self.wrote("HEADERS", stream_id)[-1].fields)[b":status"].decode()

    def body(self, stream_id: int = 1) -> bytes:
        return b"".join(sent.data for sent in self.wrote("DATA", stream_id))

    def resets(self) -> list[tuple[int, int]]:
        """Stream and code of each RST_STREAM."""
        return [(sent.stream_id, sent.error_code) for sent in self.wrote("RST_STREAM")]


@contextlib.contextmanager
def serving(app: Callable[..., Any], **options: Any) -> Iterator[Server]:
    """A server until the end of the block."""
    server = Server(app, **options)
    try:
        yield server
    finally:
        server.close()


async def start(send: Any, *fields: tuple[bytes, bytes], status: int = 200, **more: Any) -> None:
    """Send http.response.start."""
    await send({"type": "http.response.start", "status": status, "headers": list(fields), **more})


async def body(send: Any, data: bytes = b"", more: bool = False) -> None:
    """Send http.response.body."""
    await send({"type": "http.response.body", "body": data, "more_body": more})
