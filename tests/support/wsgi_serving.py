"""The worker's loop in the test's own process, on a free port of 127.0.0.1, without gunicorn."""
from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from fasth2.server.client_hello import ServerTLS
from fasth2.wsgi.dispatcher import Dispatcher
from fasth2.wsgi.environ import PLAIN, EnvironMaker, FieldRule
from fasth2.wsgi.loop import Loop
from fasth2.wsgi.session import Session

from .wsgi_protocol import protocol


class Serving:
    """A loop that serves one application; a context manager that stops it.

    It is its own host, and what `tests.support.tls_client.Client` takes for a server.

    Args:
        application: For WSGI.
        observer: As `Dispatcher` has it.
        context: For TLS, or ``None``.
        **options: Of `Loop`.
    """

    certificate = None

    def __init__(self, application: Callable[..., Any], observer: Any = None, context: Any = None, **options: Any) -> None:
        self.application = application
        self.observer = observer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        #: What the loop, and applications, failed with.
        self.failures: list[BaseException] = []
        self.reports: list[BaseException] = []
        self.is_drained = threading.Event()
        #: Called with each new client instead of making a session, where set.
        self.refuses: Callable[[Any], Any] | None = None
        self.rules: dict[str, FieldRule] = {}
        #: Of the protocols of new connections, other ones than the usual.
        self.options: dict[str, Any] = {}
        server_tls = None if context is None else ServerTLS(context)
        self.loop = Loop(self, self._dispatcher, [self.listener], **{
            "server_tls": None if server_tls is None else lambda: server_tls,
            "threads": 2, "timeout": 20.0, "keepalive": None, "max_connections": 1000, **options})
        self.loop.start()

    def _dispatcher(self, leadership: Any, wake: Any) -> Dispatcher:
        dispatcher = Dispatcher(self.application, leadership, wake, self._report, timeout=20.0)
        dispatcher.observer = self.observer
        return dispatcher

    def _report(self, call: Any, exc: BaseException) -> None:
        self.reports.append(exc)

    def choose(self, **options: Any) -> None:
        """Give the protocols of all connections other options, those of connections that are there too."""
        self.options.update(options)
        for client in list(self.loop.clients.values()):
            if client.session is not None:
                protocol = client.session.protocol
                protocol.options = protocol.options._replace(**options)

    # The host

    def new_session(self, client: Any) -> Session:
        if self.refuses is not None:
            self.refuses(client)
        maker = EnvironMaker({"wsgi.url_scheme": "http", "SCRIPT_NAME": ""}, self.rules, self._judge, {})
        session = Session(protocol(**self.options), self.loop.dispatcher, maker, self._fallback, client)
        session.connection.initiate_connection()
        return session

    def _judge(self, name: str) -> FieldRule:
        key = name.upper().replace("-", "_")
        return FieldRule(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key, PLAIN)

    def _fallback(self, client: Any, pairs: Any) -> Any:
        return None, (400, "Bad Request", "")

    def takes_prior_knowledge(self, client: Any) -> bool:
        return True

    def proxy_versions(self, client: Any) -> frozenset[int]:
        return frozenset()

    def serve_http1(
        self, sock: Any, address: Any, listener: Any, early: bytes, tls: Any, bios: Any, proxied: Any
    ) -> None:
        sock.close()

    def handshake_failed(self, client: Any, exc: BaseException) -> None:
        self.failures.append(exc)

    def connection_ended(self, client: Any, exc: BaseException) -> None:
        pass

    def failed(self, exc: BaseException) -> None:
        self.failures.append(exc)

    def other_connections(self) -> int:
        return 0

    def drained(self) -> None:
        self.is_drained.set()

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *exc: object) -> None:
        self.loop.stop()
        for thread in threading.enumerate():
            if thread in self.loop.threads:
                thread.join(5)
        for client in list(self.loop.clients.values()):
            client.close()
        self.listener.close()


class Paths:
    """An application that is several functions, by path; what they wait for is in `gates`."""

    def __init__(self, **functions: Callable[..., Any]) -> None:
        self.functions = functions
        self.gates: dict[str, threading.Event] = {}
        self.begun: list[str] = []

    def gate(self, name: str) -> threading.Event:
        """What the path ``/wait?name`` waits for."""
        return self.gates.setdefault(name, threading.Event())

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        self.begun.append(path + ("?" + query if query else ""))
        if path == "/wait":
            assert self.gate(query).wait(20)
        elif path[1:] in self.functions:
            return self.functions[path[1:]](environ, start_response)
        body = path.encode()
        start_response("200 OK", [("content-length", str(len(body)))])
        return [body]
