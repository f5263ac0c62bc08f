"""The beginning of a server's connection: PROXY header, TLS handshake, and the choice between HTTP/2 and HTTP/1.1."""
from __future__ import annotations

import ssl
from typing import Any

from .client_hello import ServerTLS, is_whole, read_offer
from .proxy_header import NoHeader, ProxyHeader, ProxyHeaderError, read_proxy_header
from .transport import ReadBuffers

__all__ = ["PREFACE", "Opening"]

#: The client's connection preface (RFC 9113 section 3.4).
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Opening:
    """The beginning of a connection, until its protocol is known.

    Args:
        server_tls: The TLS settings, or ``None`` for cleartext.
        proxy_versions: The versions of the PROXY protocol that are accepted.
        takes_prior_knowledge: True if the client may use cleartext HTTP/2 with prior knowledge.

    Attributes:
        proxied: The connection's PROXY header, or ``None``; that of a cleartext HTTP/1.1 connection stays in ``early``.
        early: Octets in the clear that belong to the protocol.
    """

    __slots__ = ("_proxy_versions", "_server_tls", "_takes_prior_knowledge", "early", "proxied")

    def __init__(
        self, server_tls: ServerTLS | None, proxy_versions: frozenset[int], takes_prior_knowledge: bool
    ) -> None:
        self._server_tls = server_tls
        self._proxy_versions = proxy_versions
        self._takes_prior_knowledge = takes_prior_knowledge
        self.proxied: ProxyHeader | None = None
        self.early = b""

    def feed(self, transport: Any, data: bytes, shared: ReadBuffers) -> bool | None:
        """Process octets of the client.

        Args:
            transport: The connection's `fasth2.server.transport.Transport`.
            data: The octets.
            shared: The memory BIOs for a connection that will speak HTTP/2.

        Returns:
            True for HTTP/2, False for another protocol, ``None`` while more octets are needed.

        Raises:
            ssl.SSLError: The TLS handshake has failed; the alert is sent.
            ProxyHeaderError: The PROXY header is not valid.
            OSError: The client is gone.
        """
        if self._server_tls is None:
            return self._detect(data)
        if transport.tls is None:
            data = self.early = self.early + data
            if self._proxy_versions:
                if not self._take_proxy_header():
                    return None
                data = self.early
            if not data or not is_whole(data):
                return None
            self.early = b""
            offer = read_offer(data)
            # A connection that will use HTTP/2 shares the memory BIOs.
            stays = self._server_tls.chooses_h2 and offer.h2
            context = self._server_tls.tls13_context if offer.tls13 else self._server_tls.context
            transport.begin_tls(context, shared if stays else None)
        transport.rx.write(data)
        try:
            transport.tls.do_handshake()
        except ssl.SSLWantReadError:
            transport.send_tls()
            return None
        except ssl.SSLError:
            try:
                transport.send_tls()  # the alert
            except OSError:
                pass  # the client is gone
            raise
        transport.send_tls()
        if transport.tls.selected_alpn_protocol() == "h2":
            return True
        if transport.rx is shared.rx:
            raise ssl.SSLError("HTTP/2 was offered, and not chosen")
        return False

    def _take_proxy_header(self) -> bool:
        """Parse the PROXY header and remove it from the input. Return False if it is incomplete."""
        header = read_proxy_header(self.early, self._proxy_versions)
        if header is NoHeader.INCOMPLETE:
            return False
        self._proxy_versions = frozenset()
        if isinstance(header, ProxyHeader):
            self.proxied = header
            self.early = self.early[header.size :]
        return True

    def _detect(self, data: bytes) -> bool | None:
        """Look for the preface in the octets of a cleartext connection."""
        self.early += data
        if not self._takes_prior_knowledge:
            return False
        early = self.early
        header = self._peek_proxy_header() if self._proxy_versions else None
        if header is NoHeader.INCOMPLETE:
            return None
        if isinstance(header, ProxyHeader):
            # If anything but the preface follows, the HTTP/1.1 code parses the header as well.
            early = early[header.size :]
        if early.startswith(PREFACE):
            if isinstance(header, ProxyHeader):
                self.proxied = header
            self.early = early
            return True
        return None if PREFACE.startswith(early) else False

    def _peek_proxy_header(self) -> ProxyHeader | NoHeader:
        try:
            return read_proxy_header(self.early, self._proxy_versions)
        except ProxyHeaderError:
            return NoHeader.ABSENT  # the HTTP/1.1 code will refuse it
