"""A TLS context shared by all of a worker's connections, which prefers the ciphers that HTTP/2 allows."""
from __future__ import annotations

import functools
import os
import ssl
from typing import Any

from .chosen_settings import is_chosen

__all__ = ["allowed_first", "chooses_ciphers", "share_context"]

#: Key exchanges of the TLS 1.2 ciphers that RFC 9113 appendix A does not prohibit; all are AEAD ciphers.
_EPHEMERAL = frozenset(("kx-dhe", "kx-ecdhe", "kx-dhe-psk", "kx-ecdhe-psk"))


def chooses_ciphers(cfg: Any) -> bool:
    """Return True if the operator set neither ``ciphers`` nor ``ssl_context``, so that fasth2 may order the ciphers.

    Args:
        cfg: gunicorn's configuration.
    """
    return not cfg.ciphers and not is_chosen(cfg, "ssl_context")


def allowed_first(context: ssl.SSLContext) -> None:
    """Move a server's TLS 1.2 ciphers that HTTP/2 allows before the prohibited ones (RFC 9113 section 9.2.2, appendix A).

    The order is otherwise unchanged, and none is removed: a client without
    others is still served.

    Args:
        context: The server's context; its order takes precedence over the client's.
    """
    ciphers = [cipher for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"]
    ordered = sorted(ciphers, key=lambda cipher: not (cipher["aead"] and cipher["kea"] in _EPHEMERAL))
    if ordered != ciphers:
        context.set_ciphers(":".join(cipher["name"] for cipher in ordered))
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE


def _version(cfg: Any) -> tuple[Any, ...]:
    """Return the context's settings and the state of its files, to detect changes."""
    files = []
    for path in (cfg.certfile, cfg.keyfile, cfg.ca_certs):
        if path:
            info = os.stat(path)
            files.append((path, info.st_mtime_ns, info.st_ino, info.st_size))
    return (*files, cfg.cert_reqs, cfg.ciphers, tuple(cfg.http_protocols), cfg.ssl_context)


def share_context() -> None:
    """Patch gunicorn to make a new TLS context only when a file or setting of it has changed.

    gunicorn makes one for each connection, which takes half a millisecond and
    prevents session resumption. A renewed certificate is still served at once.
    Unless the operator has set ``ciphers`` or the ``ssl_context`` hook, ciphers
    are ordered by `allowed_first`.

    The replacement function has an attribute ``another``: a function that always
    makes a new context.
    """
    from gunicorn import sock

    plain = sock.ssl_context
    if getattr(plain, "_fasth2", False):
        return
    made: list[tuple[Any, Any]] = []

    def another(conf: Any) -> Any:
        context = plain(conf)
        if chooses_ciphers(conf):
            allowed_first(context)
        return context

    @functools.wraps(plain)
    def ssl_context(conf: Any) -> Any:
        try:
            version = (id(conf), _version(conf))
        except OSError:
            return plain(conf)  # which raises the error
        if made and made[0][0] == version:
            return made[0][1]
        context = another(conf)
        made[:] = [(version, context)]
        return context

    ssl_context._fasth2 = True  # type: ignore[attr-defined]
    ssl_context.another = another  # type: ignore[attr-defined]
    sock.ssl_context = ssl_context
