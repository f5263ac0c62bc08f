"""gunicorn's asyncio worker on fasth2."""
from __future__ import annotations

from typing import Any

from gunicorn.asgi import protocol as gunicorn_protocol
from gunicorn.workers import gasgi

from ._install import status
from .known_code import parameters
from .tls import share_context
from .worker import InstallingWorker

__all__ = ["ASGIWorker"]

#: Methods of gunicorn's protocol that are overridden or called, and their parameters after ``self``.
_PROTOCOL = {
    "_handle_http2_connection": (["transport", "ssl_object"], ["transport", "ssl_object", "upgrade"]),
    "_build_http2_environ": (["request", "sockname", "peername"],),
}


class ASGIWorker(InstallingWorker, gasgi.ASGIWorker):
    """gunicorn's ``asgi`` worker, with HTTP/2 by fasth2.

    For ``-k fasth2.gunicorn.ASGIWorker``. Over TLS it offers HTTP/2 and
    HTTP/1.1 unless the operator set ``http_protocols``.

    gunicorn 27 checks an ``http_protocols`` that names h2 before it imports
    the worker class, and exits where the h2 package is missing. Without that
    package leave the setting out, or call `fasth2.gunicorn.install` in the
    configuration file.
    """

    def __init__(self, age: int, ppid: int, sockets: Any, app: Any, timeout: float, cfg: Any, log: Any) -> None:
        #: HTTP/2 connections that are open.
        self.h2_connections: set[Any] = set()
        super().__init__(age, ppid, sockets, app, timeout, cfg, log)

    def init_process(self) -> None:
        """Called by gunicorn in the new process."""
        if status().installed:
            share_context()
            unfit = [
                name for name, known in _PROTOCOL.items()
                if (parameters(getattr(gunicorn_protocol.ASGIProtocol, name, None)) or [])[1:] not in known
            ]
            if unfit or not hasattr(gasgi, "ASGIProtocol"):
                self.log.info(
                    "fasth2 leaves HTTP/2 requests to gunicorn's protocol, whose %s it does not know",
                    ", ".join(unfit) or "place",
                )
            else:
                from .asgi_protocol import ASGIProtocol

                gasgi.ASGIProtocol = ASGIProtocol
        super().init_process()

    def handle_exit_signal(self) -> None:
        """Called on TERM: what is open is finished, and peers are told at once."""
        super().handle_exit_signal()
        self.stop_connections()

    async def _shutdown(self) -> None:
        # The parent has gone, or a request was the last.
        self.stop_connections()
        await super()._shutdown()

    def stop_connections(self) -> None:
        """Have every HTTP/2 connection finish what it has, and take no more."""
        for connection in list(self.h2_connections):
            connection.stop()
