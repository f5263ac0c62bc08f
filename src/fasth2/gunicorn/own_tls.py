"""What fasth2's own worker begins TLS with."""
from __future__ import annotations

import ssl
from typing import Any

from gunicorn import sock

from .worker import is_chosen

__all__ = ["ContextInUse"]


class ContextInUse:
    """Returns, when called, the TLS context for a new connection of fasth2's own worker.

    A renewed certificate is served at once; one that cannot be read leaves the
    last that could in use. Unless the operator has set ``ciphers`` or the
    ``ssl_context`` hook, the client's order of ciphers counts: it knows which
    one its processor is fast with, and all that Python offers are good.

    Args:
        cfg: gunicorn's configuration.
        log: gunicorn's log.
    """

    def __init__(self, cfg: Any, log: Any) -> None:
        self._cfg = cfg
        self._log = log
        self._clients_order = not cfg.ciphers and not is_chosen(cfg, "ssl_context")
        self._failure = ""
        self._context = self._prepared(sock.ssl_context(cfg))

    def __call__(self) -> ssl.SSLContext:
        try:
            context = sock.ssl_context(self._cfg)
        except Exception as exc:  # the hook is the operator's
            if str(exc) != self._failure:
                self._failure = str(exc)
                self._log.error("The TLS certificate cannot be read again; the last one is in use: %s", exc)
        else:
            self._failure = ""
            if context is not self._context:
                self._context = self._prepared(context)
        return self._context

    def _prepared(self, context: ssl.SSLContext) -> ssl.SSLContext:
        if self._clients_order:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        return context
