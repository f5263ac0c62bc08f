"""One TLS context for all of a worker's connections."""
from __future__ import annotations

import functools
import os
from typing import Any

__all__ = ["share_context"]


def _version(cfg: Any) -> tuple[Any, ...]:
    """What the context is made of, and when those files last changed."""
    files = []
    for path in (cfg.certfile, cfg.keyfile, cfg.ca_certs):
        if path:
            info = os.stat(path)
            files.append((path, info.st_mtime_ns, info.st_ino, info.st_size))
    return (*files, cfg.cert_reqs, cfg.ciphers, tuple(cfg.http_protocols), cfg.ssl_context)


def share_context() -> None:
    """Have gunicorn make its TLS context anew only when a file that it is made of has changed.

    gunicorn makes one for each connection, half a millisecond each, and no
    session can be resumed. A renewed certificate is still served at once.
    """
    from gunicorn import sock

    plain = sock.ssl_context
    if getattr(plain, "_fasth2", False):
        return
    made: list[tuple[Any, Any]] = []

    @functools.wraps(plain)
    def ssl_context(conf: Any) -> Any:
        try:
            version = (id(conf), _version(conf))
        except OSError:
            return plain(conf)  # it says what is wrong
        if made and made[0][0] == version:
            return made[0][1]
        context = plain(conf)
        made[:] = [(version, context)]
        return context

    ssl_context._fasth2 = True  # type: ignore[attr-defined]
    sock.ssl_context = ssl_context
