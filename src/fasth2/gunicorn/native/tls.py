"""The TLS contexts of fasth2's own worker."""
from __future__ import annotations

import ssl
from typing import Any

from gunicorn import sock

from fasth2.gunicorn.tls_context import chooses_ciphers
from fasth2.server.client_hello import ServerTLS

__all__ = ["ServerTLSInUse"]

#: OpenSSL's SSL_OP_PRIORITIZE_CHACHA, which Python does not name: with the server's cipher order, a client that prefers
#: ChaCha20 still gets it.
_PRIORITIZE_CHACHA = 0x0020_0000


class ServerTLSInUse:
    """A callable that returns the `ServerTLS` for a new connection of fasth2's own worker.

    A renewed certificate is used at once; if it cannot be read, the last one
    stays in use.

    Unless the operator has set ``ciphers`` or the ``ssl_context`` hook, a TLS 1.3
    client gets the cipher that it prefers: it knows which one is fast on its
    processor, and HTTP/2 allows all of them. HTTP/2 prohibits some of TLS 1.2's,
    so the server's order applies there, with the allowed ones first.

    Args:
        cfg: gunicorn's configuration.
        log: gunicorn's log.
    """

    def __init__(self, cfg: Any, log: Any) -> None:
        self._cfg = cfg
        self._log = log
        self._failure = ""
        self._server_tls = self._made_of(sock.ssl_context(cfg))

    def __call__(self) -> ServerTLS:
        try:
            context = sock.ssl_context(self._cfg)
            if context is not self._server_tls.context:
                self._server_tls = self._made_of(context)
            self._failure = ""
        except Exception as exc:  # the hook is the operator's
            if str(exc) != self._failure:
                self._failure = str(exc)
                self._log.error("The TLS certificate cannot be read again; the last one is in use: %s", exc)
        return self._server_tls

    def _made_of(self, context: ssl.SSLContext) -> ServerTLS:
        if not chooses_ciphers(self._cfg):
            return ServerTLS(context)
        context.options |= _PRIORITIZE_CHACHA
        if context.maximum_version not in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED):
            return ServerTLS(context)
        tls13_context = sock.ssl_context.another(self._cfg)
        tls13_context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        return ServerTLS(context, tls13_context)
