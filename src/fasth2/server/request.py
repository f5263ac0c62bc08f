"""A complete request."""
from __future__ import annotations

import io
from typing import Any

from ._lazy import lazy
from .stream import HTTP2Stream

__all__ = ["HTTP2Request"]

# Upper-case forms of common names. Others are converted at each use, so that
# nothing here grows with the peers' input.
_UPPER = {
    name.lower(): name
    for name in (
        "ACCEPT", "ACCEPT-CHARSET", "ACCEPT-ENCODING", "ACCEPT-LANGUAGE", "ACCEPT-RANGES",
        "ACCESS-CONTROL-REQUEST-HEADERS", "ACCESS-CONTROL-REQUEST-METHOD", "AGE", "ALLOW", "AUTHORIZATION",
        "CACHE-CONTROL", "CONTENT-DISPOSITION", "CONTENT-ENCODING", "CONTENT-LANGUAGE", "CONTENT-LENGTH",
        "CONTENT-LOCATION", "CONTENT-RANGE", "CONTENT-TYPE", "COOKIE", "DATE", "DNT", "ETAG", "EXPECT", "EXPIRES",
        "FORWARDED", "FROM", "GRPC-TIMEOUT", "HOST", "IF-MATCH", "IF-MODIFIED-SINCE", "IF-NONE-MATCH", "IF-RANGE",
        "IF-UNMODIFIED-SINCE", "LAST-MODIFIED", "LINK", "LOCATION", "MAX-FORWARDS", "ORIGIN", "PRAGMA", "PRIORITY",
        "PROXY-AUTHENTICATE", "PROXY-AUTHORIZATION", "RANGE", "REFERER", "REFRESH", "RETRY-AFTER", "SAVE-DATA",
        "SEC-CH-UA", "SEC-CH-UA-MOBILE", "SEC-CH-UA-PLATFORM", "SEC-FETCH-DEST", "SEC-FETCH-MODE", "SEC-FETCH-SITE",
        "SEC-FETCH-USER", "SEC-GPC", "SERVER", "SET-COOKIE", "STRICT-TRANSPORT-SECURITY", "TE", "TRACEPARENT",
        "TRACESTATE", "TRAILER", "TRANSFER-ENCODING", "UPGRADE-INSECURE-REQUESTS", "USER-AGENT", "VARY", "VIA",
        "WWW-AUTHENTICATE", "X-CSRF-TOKEN", "X-FORWARDED-FOR", "X-FORWARDED-HOST", "X-FORWARDED-PORT",
        "X-FORWARDED-PROTO", "X-REAL-IP", "X-REQUEST-ID", "X-REQUESTED-WITH",
    )
}  # fmt: skip

#: Fields for framing, routing, authentication or the message as a whole, which
#: have no meaning in trailers (RFC 9110 section 6.5.1).
MEANINGLESS_TRAILERS = frozenset(
    (
        "age", "authorization", "cache-control", "connection", "content-encoding", "content-length", "content-range",
        "content-type", "cookie", "expect", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
        "if-unmodified-since", "keep-alive", "max-forwards", "pragma", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "range", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade",
        "www-authenticate",
    )
)  # fmt: skip

class HTTP2Request:
    """A request with a complete body.

    Attributes are computed at their first use; every one can be assigned.

    Args:
        stream: The stream that holds the request.
        cfg: The connection's configuration, kept as ``cfg``.
        peer_addr: The peer's address, kept as ``peer_addr``.
    """

    version = (2, 0)
    must_close = False
    proxy_protocol_info: Any = None
    _expected_100_continue = False

    def __init__(self, stream: HTTP2Stream, cfg: Any, peer_addr: Any) -> None:
        self.stream = stream
        self.cfg = cfg
        self.peer_addr = peer_addr

    @lazy
    def _pseudo(self) -> dict[str, str]:
        # At most five, before all other fields (RFC 9113 section 8.3).
        return dict(self.stream.request_headers[:5])

    @lazy
    def method(self) -> str:
        """The method, as sent."""
        return self._pseudo.get(":method", "GET")

    @lazy
    def scheme(self) -> str:
        """The scheme from ``:scheme``."""
        return self._pseudo.get(":scheme", "https")

    @lazy
    def uri(self) -> str:
        """The request target: path and query, ``*``, or the authority of CONNECT (RFC 9112 section 3.2)."""
        pseudo = self._pseudo
        return pseudo.get(":path", "/") if self._has_path else pseudo.get(":authority", "")

    @property
    def _has_path(self) -> bool:
        # CONNECT has no :path, except extended CONNECT (RFC 9113 section 8.5, RFC 8441 section 4).
        return ":path" in self._pseudo or self._pseudo.get(":method") != "CONNECT"

    @property
    def _target(self) -> str:
        return self.uri if self._has_path else ""

    @lazy
    def path(self) -> str:
        """The target's path, still percent-encoded; empty for CONNECT, which has none."""
        return self._target.partition("#")[0].partition("?")[0]

    @lazy
    def query(self) -> str:
        """The target's query, without the question mark; empty if there is none."""
        return self._target.partition("#")[0].partition("?")[2]

    @lazy
    def fragment(self) -> str:
        """The target's fragment; usually empty, since a target has none in HTTP/2."""
        return self._target.partition("#")[2]

    @lazy
    def headers(self) -> list[tuple[str, str]]:
        """``(NAME, value)`` pairs in order, ``HOST`` from ``:authority`` last."""
        upper = _UPPER.get
        fields = self.stream.request_headers
        start = 0
        for name, _ in fields:
            if name[0] != ":":
                break
            start += 1
        authority = self._pseudo.get(":authority")
        # RFC 9113 section 8.3.1: :authority replaces Host.
        replaced = "host" if authority else None
        headers = [(upper(name) or name.upper(), value) for name, value in fields[start:] if name != replaced]
        if authority:
            headers.append(("HOST", authority))
        return headers

    @lazy
    def body(self) -> io.BytesIO:
        """The body, to be read like a binary file."""
        return io.BytesIO(self.stream.get_request_body())

    @property
    def trailers(self) -> list[tuple[str, str]]:
        """``(NAME, value)`` pairs of the trailer section, without fields that have no meaning there."""
        return [
            (name.upper(), value)
            for name, value in self.stream.trailers or ()
            if name[:1] != ":" and name not in MEANINGLESS_TRAILERS
        ]

    @lazy
    def client_addr(self) -> Any:
        """The peer's address."""
        return self.peer_addr

    @lazy
    def remote_addr(self) -> Any:
        """The peer's address."""
        return self.peer_addr

    @lazy
    def req_number(self) -> int:
        """The stream's number."""
        return self.stream.stream_id

    @lazy
    def priority_weight(self) -> int:
        """The stream's weight, 1 to 256 (RFC 7540 section 5.3)."""
        return self.stream.priority_weight

    @lazy
    def priority_depends_on(self) -> int:
        """The stream on which this one depends; 0: none."""
        return self.stream.priority_depends_on

    def get_header(self, name: str) -> str | None:
        """Return the first value of a field, or ``None``.

        Args:
            name: The field's name in any case.
        """
        name = name.upper()
        for field, value in self.headers:
            if field == name:
                return value
        return None

    @property
    def content_length(self) -> int | None:
        """The Content-Length, or ``None`` if it is absent or not a number."""
        value = self.get_header("CONTENT-LENGTH")
        try:
            return None if value is None else int(value)
        except ValueError:
            return None

    @property
    def content_type(self) -> str | None:
        """The Content-Type, or ``None``."""
        return self.get_header("CONTENT-TYPE")

    def force_close(self) -> None:
        """Ask for the connection to be closed after this request."""
        self.must_close = True

    def should_close(self) -> bool:
        """Return True if `force_close` was called."""
        return self.must_close

    def __repr__(self) -> str:
        return f"<HTTP2Request method={self.method} path={self.path} stream_id={self.stream.stream_id}>"
