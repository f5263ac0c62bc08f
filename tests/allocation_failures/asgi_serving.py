"""A connection of the ASGI server whose event loop is as simple as can be, for allocations that fail."""
from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from typing import Any

from fasth2.asgi.extensions import http_extensions
from fasth2.asgi.field_rules import PLAIN, SINGLETON, FieldRules
from fasth2.asgi.scope import ScopeMaker
from fasth2.asgi.service import Service
from fasth2.asgi.session import Session
from fasth2.asgi.settings import ASGISettings
from fasth2.asgi.transport import LoopTransport
from fasth2.limits import Limits
from fasth2.server._options import Options
from fasth2.server.transport import ReadBuffers
from tests.support import frames
from tests.support.frames import FrameReader

_HELLO = frames.PREFACE + bytes(frames.settings((frames.INITIAL_WINDOW_SIZE, 10000))) + bytes(frames.settings_ack())


class Future:
    """What asyncio's futures are to the server."""

    def __init__(self) -> None:
        self._done = False

    def done(self) -> bool:
        return self._done

    def set_result(self, result: None) -> None:
        self._done = True

    def __await__(self) -> Any:
        while not self._done:
            yield self


class Task:
    """A task that runs when the loop takes its turn."""

    def __init__(self, coroutine: Any) -> None:
        self.coroutine = coroutine
        self.callback: Callable[[Task], None] | None = None
        self.error: BaseException | None = None

    def add_done_callback(self, callback: Callable[[Task], None]) -> None:
        self.callback = callback

    def cancelled(self) -> bool:
        return False

    def exception(self) -> BaseException | None:
        return self.error

    def result(self) -> None:
        return None

    def step(self) -> bool:
        """Run until it waits; return whether it has ended."""
        try:
            self.coroutine.send(None)
            return False
        except StopIteration:
            pass
        except Exception as error:
            self.error = error.with_traceback(None)
        if self.callback is not None:
            self.callback(self)
        return True


class Timer:
    def cancel(self) -> None:
        pass


class Loop:
    """Tasks and callbacks, in turns."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.soon: list[Callable[[], None]] = []

    def create_task(self, coroutine: Any) -> Task:
        task = Task(coroutine)
        self.tasks.append(task)
        return task

    def create_future(self) -> Future:
        return Future()

    def call_soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        # No closure: CPython 3.11 leaks one that finds no memory.
        self.soon.append(functools.partial(callback, *arguments))

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """The test says when there is something to read."""

    add_writer = add_reader

    def remove_reader(self, fd: int) -> None:
        pass

    remove_writer = remove_reader

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return Timer()

    def turn(self) -> None:
        for task in self.tasks.copy():
            if task.step():
                self.tasks.remove(task)
        while self.soon:
            self.soon.pop()()


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        pass

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


class Wired(LoopTransport):
    """A connection on a socket whose failures are the test's."""

    def failed(self, error: BaseException) -> None:
        raise error

    def ended(self) -> None:
        pass


class Receiver:
    """Echoes what a tunnel receives, in capital letters."""

    def __init__(self, tunnel: Any, scope: Any) -> None:
        self.tunnel = tunnel
        tunnel.respond(200, [(b"a", b"b")])

    def octets_received(self, data: bytes) -> None:
        self.tunnel.credit(len(data))
        self.tunnel.write(data.upper())

    def input_ended(self) -> None:
        self.tunnel.end()

    def connection_lost(self) -> None:
        pass


class ServerState:
    total_requests = 0
    default_headers = ((b"server", b"test"),)


class Host:
    """Nothing of what is reported is kept."""

    def report(self, message: str, error: BaseException | None, left: bool) -> None:
        pass

    def refused(self, message: str) -> None:
        pass

    def connection_failed(self, error: Exception) -> None:
        pass

    def limit_reached(self) -> None:
        pass


OPTIONS = Options(None, None, Limits(), 65535, 100, 16384, 0, header_encoding=None, credits_on_arrival=True,
                  connect_protocol=True)


class ASGIServed:
    """A connection with a client's preface.

    Args:
        app: The application.
        wired: True for a connection on a socket.
    """

    def __init__(self, app: Callable[..., Any], wired: bool = False) -> None:
        self.loop = Loop()
        self.peer: socket.socket | None = None
        self.transport: Any
        if wired:
            self.peer, sock = socket.socketpair()
            sock.setblocking(False)
            self.transport = Wired(sock, self.loop, ReadBuffers())
        else:
            self.transport = Transport()
        self.service = Service(app, self.loop, Host(), OPTIONS, ASGISettings(eager_tasks=False, max_body=10**6),
                               server_state=ServerState(), asgi={"version": "3.0", "spec_version": "2.3"}, tasks=set(),
                               connections=set(), state={"a": 1})
        maker = ScopeMaker(self.service.scope, ("127.0.0.1", 80), None, "http", http_extensions(),
                           FieldRules(lambda name: SINGLETON if name == b"cookie" else PLAIN, {}, count=50))
        self.session = Session(self.service, self.transport, maker, open_websocket=Receiver)
        if wired:
            self.transport.session = self.session
        self.session.feed(_HELLO)
        self.loop.turn()

    def serve(self, *octets: Any) -> None:
        """Receive octets, each in a read, and run what they begin."""
        for part in octets:
            if self.peer is None:
                self.session.feed(bytes(part))
            else:
                self.peer.send(bytes(part))
                self.transport.readable()
            self.loop.turn()
        self.loop.turn()

    def shut(self) -> None:
        """End the connection, whatever has become of it; what it sent can be read."""
        self.session.leave()
        self.session.connection_lost()
        for task in self.loop.tasks:
            task.coroutine.close()
        self.loop.tasks.clear()
        self.loop.soon.clear()
        assert self.session.streams.transport is None
        if self.peer is None:
            FrameReader().read(b"".join(self.transport.written))
        else:
            self.transport.sock.close()
            self.peer.close()


#: A step of a script that awaits receive(), and one that fails.
RECEIVE, FAIL = "receive", "fail"


class Script:
    """A coroutine that sends one message after another: CPython leaks its own if memory runs out, 3.13 even crashes.

    Args:
        steps: Messages to send, RECEIVE and FAIL.
        receive: The application's.
        send: The same.
    """

    def __init__(self, steps: tuple[Any, ...], receive: Any, send: Any) -> None:
        self.steps = steps
        self.at = 0
        self.receive = receive
        self.send_message = send
        self.operation: Any = None

    def __await__(self) -> Any:
        return self

    def send(self, value: None) -> None:
        while self.at < len(self.steps):
            if self.operation is None:
                step = self.steps[self.at]
                if step is FAIL:
                    raise ValueError
                self.operation = self.receive() if step is RECEIVE else self.send_message(step)
            try:
                self.operation.send(None)
                return
            except StopIteration as stop:
                message = stop.value
            self.operation = None
            if message is None or not message.get("more_body"):
                self.at += 1
        raise StopIteration

    def throw(self, *error: Any) -> None:
        raise error[0]

    def close(self) -> None:
        self.operation = None


def echo(scope: Any, receive: Any, send: Any) -> Script:
    """Read the body, and answer in two parts, after early hints and before trailers."""
    return Script(_ECHO, receive, send)


def faulty(scope: Any, receive: Any, send: Any) -> Script:
    """Fail before the response, or after its first part."""
    return Script((FAIL,) if scope["path"] == "/" else _FAULTY, receive, send)


_ECHO = (
    {"type": "http.response.early_hint", "links": [b"</a>"]},
    RECEIVE,
    {"type": "http.response.start", "status": 200, "headers": [(b"x-Name", b"value"), (b"a", b" b ")], "trailers": True},
    {"type": "http.response.body", "body": b"body", "more_body": True},
    {"type": "http.response.body", "body": bytearray(b"end")},
    {"type": "http.response.trailers", "headers": [(b"x-trailer", b"t")]},
)
_FAULTY = (
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]},
    {"type": "http.response.body", "body": b"a", "more_body": True},
    FAIL,
)
