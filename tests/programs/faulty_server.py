"""A server over TLS that resets, sends GOAWAY, shrinks its window and closes, as the path says. It is made with h2."""
from __future__ import annotations

import contextlib
import hashlib
import itertools
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
from hyperframe.frame import GoAwayFrame


class Gone(Exception):
    """The server closes the connection."""


class _Connection:
    """One client's connection, run by a thread."""

    def __init__(self, server: FaultyServer, sock: ssl.SSLSocket, number: int) -> None:
        self.server = server
        self.sock = sock
        self.number = number
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.paths: dict[int, str] = {}
        self.bodies: dict[int, hashlib._Hash] = {}
        self.shrunk = False

    def run(self) -> None:
        self.h2.initiate_connection()
        self.flush()
        with self.sock, contextlib.suppress(OSError, Gone):
            while data := self.sock.recv(65536):
                for event in self.h2.receive_data(data):
                    self.handle(event)
                self.flush()

    def flush(self) -> None:
        self.sock.sendall(self.h2.data_to_send())

    def handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self.paths[event.stream_id] = dict(event.headers)[":path"]
            self.bodies[event.stream_id] = hashlib.sha256()
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id].update(event.data)
            if self.paths[event.stream_id] == "/shrink":
                # What the client has sent already is more than the new window: it is negative.
                self.shrink_window()
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            path = self.paths.pop(event.stream_id)
            getattr(self, path[1:].replace("-", "_"))(event.stream_id)

    def answer(self, stream_id: int, body: str) -> None:
        self.h2.send_headers(stream_id, [(":status", "200"), ("content-type", "text/plain")])
        self.h2.send_data(stream_id, body.encode(), end_stream=True)

    def begin(self, stream_id: int) -> None:
        self.h2.send_headers(stream_id, [(":status", "200"), ("content-length", "1000")])
        self.h2.send_data(stream_id, b"begun")

    def shrink_window(self) -> None:
        if not self.shrunk:
            self.shrunk = True
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1000})
            self.flush()

    def close(self) -> None:
        self.flush()
        raise Gone

    # What the paths do

    def hello(self, stream_id: int) -> None:
        self.answer(stream_id, "Hello, world!")

    def connection(self, stream_id: int) -> None:
        self.answer(stream_id, str(self.number))

    def shrink(self, stream_id: int) -> None:
        """The window shrinks when the first part of a body has come."""
        self.answer(stream_id, self.bodies[stream_id].hexdigest())

    def shrink_ahead(self, stream_id: int) -> None:
        """The window shrinks for the next request."""
        self.shrink_window()
        self.answer(stream_id, self.bodies[stream_id].hexdigest())

    def reset_before(self, stream_id: int) -> None:
        self.h2.reset_stream(stream_id, h2.errors.ErrorCodes.INTERNAL_ERROR)

    def reset_amid(self, stream_id: int) -> None:
        self.begin(stream_id)
        self.h2.reset_stream(stream_id, h2.errors.ErrorCodes.INTERNAL_ERROR)

    def refused(self, stream_id: int) -> None:
        self.h2.reset_stream(stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)

    def goaway_behind(self, stream_id: int) -> None:
        """GOAWAY behind the answer."""
        self.answer(stream_id, "answered")
        self.flush()
        self.sock.sendall(GoAwayFrame(0, last_stream_id=stream_id).serialize())

    def goaway_unseen(self, stream_id: int) -> None:
        """GOAWAY that says that the request was not looked at; the first time only."""
        if "goaway" in self.server.done:
            self.answer(stream_id, "answered")
            return
        self.server.done.add("goaway")
        self.flush()
        self.sock.sendall(GoAwayFrame(0, last_stream_id=stream_id - 2).serialize())
        self.sock.settimeout(5)

    def close_before(self, stream_id: int) -> None:
        self.close()

    def close_amid(self, stream_id: int) -> None:
        self.begin(stream_id)
        self.close()

    def close_behind(self, stream_id: int) -> None:
        self.answer(stream_id, "answered")
        self.close()


class FaultyServer:
    """The server; a context manager. It serves each client in a thread of its own.

    Args:
        certificate: Its certificate.
    """

    def __init__(self, certificate) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.cert, certificate.key)
        self.context.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        #: What was done already and is not done again.
        self.done: set[str] = set()
        self.errors: list[BaseException] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            for number in itertools.count():
                threading.Thread(target=self._serve, args=(self.listener.accept()[0], number), daemon=True).start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            sock.settimeout(30)
            _Connection(self, self.context.wrap_socket(sock, server_side=True), number).run()
        except BaseException as error:
            self.errors.append(error)

    def __enter__(self) -> FaultyServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
