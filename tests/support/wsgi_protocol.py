"""What a test's connection of the WSGI server is to the engine."""
from __future__ import annotations

from typing import Any

from fasth2.limits import Limits
from fasth2.server._options import Options
from fasth2.server._protocol import ServerProtocol
from fasth2.wsgi.limits import FULL_WINDOW_WAIT

OPTIONS = Options(None, None, Limits(), 65535, 100, 16384, 0, header_encoding="iso8859-1", full_window_wait=FULL_WINDOW_WAIT)


def protocol(**options: Any) -> ServerProtocol:
    """Return one whose engine is new; options: other ones than `OPTIONS`."""
    return ServerProtocol(OPTIONS._replace(**options))
