"""One connection of the worker, or several, without a loop: a test feeds octets, runs calls and is the clock."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fasth2.wsgi.dispatcher import Dispatcher
from fasth2.wsgi.environ import PLAIN, EnvironMaker, FieldRule
from fasth2.wsgi.leader import Leadership, Slot
from fasth2.wsgi.session import Session
from tests.support import frames
from tests.support.frames import Frame, FrameReader, Sent
from tests.support.wsgi_protocol import protocol


class Worker:
    """What the connections share. The calling thread leads and is the only one, unless ``others`` wait beside it.

    Args:
        application: For WSGI.
        **options: Of `Dispatcher`.
    """

    def __init__(self, application: Callable[..., Any], **options: Any) -> None:
        self.reports: list[BaseException] = []
        #: How often a thread that sat down has woken the leader.
        self.woken = 0
        self.leadership = Leadership(self._wake)
        self.dispatcher = Dispatcher(application, self.leadership, lambda: None, lambda call, error: self.reports.append(error),
                         **{"timeout": 20.0, **options})
        self.leadership.acquire(Slot())

    def _wake(self) -> None:
        self.woken += 1


class Connection:
    """One connection, its client being the test; what the server sends is in `sent`.

    Args:
        worker: Its worker.
        window: The client's SETTINGS_INITIAL_WINDOW_SIZE.
        receive_window: The server's.
        **options: Of the protocol.
    """

    def __init__(self, worker: Worker, window: int = 65535, receive_window: int = 65535, **options: Any) -> None:
        self.worker = worker
        maker = EnvironMaker({"wsgi.url_scheme": "http", "SCRIPT_NAME": ""}, {}, _judge, {})
        self.session = Session(protocol(**options), worker.dispatcher, maker, lambda *given: (None, (400, "Bad Request", "")), self)
        engine = self.session.connection
        engine.initiate_connection()
        if receive_window != 65535:
            engine.update_settings({frames.INITIAL_WINDOW_SIZE: receive_window})
        self.reader = FrameReader(2**24 - 1, 2**31)
        #: The frames that were sent.
        self.sent: list[Sent] = []
        #: How often the loop was asked to run this connection's requests.
        self.postponed = 0
        self.loop = self
        self.feed(frames.PREFACE + bytes(frames.settings((frames.INITIAL_WINDOW_SIZE, window))),
                  *[frames.settings_ack()] * (1 if receive_window == 65535 else 2))

    def feed(self, *octets: bytes | Frame) -> None:
        """Receive octets, and no more."""
        self.session.feed(b"".join(bytes(part) for part in octets))

    def serve(self, *octets: bytes | Frame) -> None:
        """Receive octets, run what is whole, and send."""
        self.feed(*octets)
        self.session.run()
        self.flush()

    def flush(self) -> None:
        """Send all that may be sent."""
        while data := self.session.pull(65536):
            self.sent += self.reader.read(data)

    def postpone(self, client: Any, first: bool = False) -> None:
        """As the loop: the requests of this connection may be run."""
        self.postponed += 1

    def wrote(self, kind: str, stream_id: int | None = None) -> list[Sent]:
        """The frames of one kind that were sent, on one stream if given."""
        return [sent for sent in self.sent if sent.kind == kind and stream_id in (None, sent.stream_id)]


def _judge(name: str) -> FieldRule:
    key = name.upper().replace("-", "_")
    return FieldRule(key if name in ("content-type", "content-length") else "HTTP_" + key, PLAIN)
