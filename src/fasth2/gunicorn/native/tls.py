"""What fasth2's own worker begins TLS with."""
from __future__ import annotations

import ssl
from typing import Any

from gunicorn import sock

from fasth2.gunicorn.tls_context import chooses_ciphers
from fasth2.server.client_hello import ServerTLS

__all__ = ["ServerTLSInUse"]

#: OpenSSL's option, of which Python has no name: the server's order of ciphers counts, but a client that puts ChaCha20
#: first gets that.
_PRIORITIZE_CHACHA = 0x0020_0000


class ServerTLSInUse:
    """Returns, when called, what a new connection of fasth2's own worker begins TLS with.

    A renewed certificate is served at once; one that cannot be read leaves the
    last that could in use.

    Unless the operator has set ``ciphers`` or the ``ssl_context`` hook, a
    client of TLS 1.3 gets the cipher that it puts first: it knows which one
    its processor is fast with, and HTTP/2 allows them all. Of TLS 1.2's it
    does not, so that with those the server's order counts, in which the ones
    that are allowed come first.

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
