"""uvicorn as the host of fasth2's ASGI server: what all connections of a server share."""
from __future__ import annotations

import asyncio
import gc
import logging
from dataclasses import replace
from functools import partial
from typing import Any

from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string

from fasth2.asgi.extensions import http_extensions
from fasth2.asgi.service import Service
from fasth2.asgi.watch import Watch
from fasth2.server._options import Options
from fasth2.server.counting import add_gauge
from fasth2.windows import AdaptiveWindows

from .environment import ENVIRONMENT
from .http1 import http1_class
from .renewal import Renewal

__all__ = ["Host", "host_of"]

#: Octets of the shared read buffer.
_READ_BUFFER = 262144

_ATTRIBUTE = "_fasth2_hosts"


class Host:
    """What the connections of one server of uvicorn share.

    Args:
        config: uvicorn's configuration.
        server_state: uvicorn's state of the server.
        app_state: The lifespan's state.
        loop: The event loop.
        cls: The protocol's class, with ``settings``, ``limits`` and the other attributes of `H2Protocol`.
    """

    def __init__(self, config: Any, server_state: Any, app_state: Any, loop: asyncio.AbstractEventLoop,
                 cls: Any) -> None:
        settings = replace(ENVIRONMENT.settings(cls.settings), keep_alive=config.timeout_keep_alive)
        limits = ENVIRONMENT.limits(cls.limits)
        self.loop = loop
        self.log = logging.getLogger("uvicorn.error")
        self.access_logger = logging.getLogger("uvicorn.access")
        self.watch = Watch(loop)
        self.http1 = http1_class(cls.http1)
        #: For the reads of all connections; a loop reads one at a time.
        self.buffer = memoryview(bytearray(_READ_BUFFER))
        self.extensions = http_extensions()
        windows = None
        if settings.adaptive_windows:
            windows = AdaptiveWindows()
            add_gauge("window_growth", partial(getattr, windows.budget, "granted"))
        options = Options(
            None, None, limits, settings.initial_window, limits.concurrent_streams or 2**31 - 1, 16384, limits.header_list_size or 0,
            header_encoding=None, adaptive_windows=windows,
            credits_on_arrival=True, full_window_wait=1.0, connect_protocol=config.ws_protocol_class is not None,
        )  # fmt: skip
        self.service = Service(
            config.loaded_app, loop, self, options, settings,
            asgi={"version": config.asgi_version, "spec_version": "2.3"}, server_state=server_state,
            tasks=server_state.tasks, connections=server_state.connections, root_path=config.root_path,
            state=app_state, limit_concurrency=config.limit_concurrency,
            reset_contextvars=getattr(config, "reset_contextvars", False),
        )  # fmt: skip

        self.renewal: Renewal | None = None
        if ENVIRONMENT.flag("renew_certificate", cls.renew_certificate) and config.ssl is not None and config.ssl_certfile:
            self.renewal = Renewal(
                config.ssl, config.ssl_certfile, config.ssl_keyfile, config.ssl_keyfile_password, loop, self.log
            )
            add_gauge("certificates_renewed", partial(getattr, self.renewal, "renewed"))
        if ENVIRONMENT.flag("gc_freeze", cls.gc_freeze):
            # The application is loaded, and has been told of the startup.
            gc.freeze()
        add_gauge("unsent", partial(getattr, self.service.unsent, "total"))

    def report(self, message: str, error: BaseException | None, left: bool) -> None:
        """Log that an application has failed, as uvicorn does.

        Args:
            message: What happened.
            error: The application's exception, or ``None``.
            left: True if the application had been told before that its client is gone.
        """
        self.log.error(message, exc_info=error)

    def refused(self, message: str) -> None:
        """Log that a request was answered with 503.

        Args:
            message: The reason.
        """
        self.log.warning(message)

    def connection_failed(self, error: Exception) -> None:
        """Log that a client has violated the protocol, or a limit.

        Args:
            error: The reason.
        """
        self.log.warning("Invalid HTTP/2 frame received: %s", error)

    def access_log(self) -> Any:
        """Return a function that logs a scope and a status; ``None`` where nobody reads the access log."""
        return partial(_log_access, self.access_logger.info) if self.access_logger.hasHandlers() else None


def _log_access(info: Any, scope: Any, status: int) -> None:
    info(
        '%s - "%s %s HTTP/%s" %d',
        get_client_addr(scope),
        scope["method"],
        get_path_with_query_string(scope),
        scope["http_version"],
        status,
    )


def host_of(cls: Any, config: Any, server_state: Any, app_state: Any, loop: asyncio.AbstractEventLoop) -> Host:
    """Return the host of a server's connections, one for each class of protocol.

    Args:
        cls: The protocol's class, see `Host`.
        config: uvicorn's configuration.
        server_state: uvicorn's state of the server, which holds the host.
        app_state: The lifespan's state.
        loop: The event loop.
    """
    hosts: dict[Any, Host] | None = getattr(server_state, _ATTRIBUTE, None)
    if hosts is None:
        hosts = {}
        setattr(server_state, _ATTRIBUTE, hosts)
    host = hosts.get(cls)
    if host is None or host.loop is not loop:
        host = hosts[cls] = Host(config, server_state, app_state, loop, cls)
    return host
