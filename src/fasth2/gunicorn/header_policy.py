"""gunicorn's policy for the header fields of requests (a security rule).

It decides which peers are trusted, which fields reach an application, and which requests are refused. The cache of `dropin`
and the environments of `native` apply it; the compiled `EnvironMaker` is given a rule for each name.
"""
from __future__ import annotations

import ipaddress
import re
from typing import Any

__all__ = ["AMBIGUOUS", "HOST", "INVALID", "PLAIN", "SCHEME", "SINGLETON", "SINGLETONS", "HeaderPolicy", "Refused",
           "is_trusted"]  # fmt: skip

# The kinds of a field, by its name.
PLAIN = 0
#: May occur once.
SINGLETON = 1
#: Tells the scheme (``secure_scheme_headers``).
SCHEME = 2
HOST = 3
#: Subject to several rules, or to one that depends on the other settings or fields.
AMBIGUOUS = 4

#: Fields that may occur once (RFC 9110 section 5.3), as in gunicorn.
SINGLETONS = frozenset(("CONTENT-TYPE", "HOST"))

#: Characters that are not allowed in values (RFC 9110 section 5.5), as in gunicorn.
INVALID = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Refused(Exception):
    """Raised for a request that is refused with an error response.

    Args:
        code: The status.
        reason: The reason phrase.
        message: The text for the client and the log.
    """

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message


def is_trusted(cfg: Any, address: Any) -> bool:
    """Return True if a peer's forwarding and scheme fields are believed (``forwarded_allow_ips``).

    Args:
        cfg: gunicorn's configuration.
        address: The peer's address; on Unix sockets it is not a tuple, and the peer is trusted.
    """
    if not isinstance(address, tuple):
        return True
    allowed = cfg.forwarded_allow_ips
    if isinstance(allowed, str):
        allowed = allowed.split(",")
    if "*" in allowed or address[0] in allowed:
        return True
    networks = getattr(cfg, "forwarded_allow_networks", None)
    if networks is None:
        return False
    try:
        ip = ipaddress.ip_address(address[0].partition("%")[0])
    except ValueError:
        return False
    return any(ip in network for network in networks())


class HeaderPolicy:
    """The policy under one configuration, for peers of one trust level.

    Names are in upper case. ``cfg`` is read once.

    Args:
        cfg: gunicorn's configuration.
        trusted: True if the peers may set forwarding and scheme fields.
    """

    def __init__(self, cfg: Any, trusted: bool) -> None:
        self.trusted = trusted
        #: The scheme unless a trusted peer tells another.
        self.scheme = "https" if cfg.is_ssl else "http"
        #: Names of fields that tell the scheme, with the value that means https.
        self.schemes: dict[str, str] = dict(cfg.secure_scheme_headers) if trusted else {}
        #: Names with an underscore that are accepted; "*" for all.
        self.forwarders: frozenset[str] = frozenset(getattr(cfg, "forwarder_headers", ()) if trusted else ())
        self.header_map: str = getattr(cfg, "header_map", "drop")
        #: Characters that a path may have; 0 for any.
        self.line_size: int = cfg.limit_request_line
        #: Fields that a request may have; 0 for any.
        self.field_count: int = cfg.limit_request_fields
        #: Characters of a field's name and value and two more, at most; 0 for any.
        self.field_size: int = cfg.limit_request_field_size

    def kind(self, name: str) -> int:
        """Return the kind of a field: the rule that applies to it beside those for all fields.

        Args:
            name: Its name.
        """
        if "_" in name:
            return AMBIGUOUS
        if name in self.schemes:
            return AMBIGUOUS if name in SINGLETONS else SCHEME
        if name == "HOST":
            return HOST
        return SINGLETON if name in SINGLETONS else PLAIN

    def told_scheme(self, name: str, value: str) -> str:
        """Return the scheme that a field of kind `SCHEME` tells.

        Args:
            name: Its name.
            value: Its value.
        """
        return "https" if value == self.schemes[name] else "http"

    def check_line(self, uri: str) -> None:
        """Check the length of a path.

        Args:
            uri: The path and the query.

        Raises:
            Refused: It is too long.
        """
        if self.line_size and len(uri) > self.line_size:
            raise Refused(414, "URI Too Long", f"Request Line is too large ({len(uri)} > {self.line_size})")

    def check_sizes(self, fields: list[tuple[str, str]]) -> None:
        """Check how many fields there are and how long each is.

        Args:
            fields: Names and values, without pseudo-header fields.

        Raises:
            Refused: A limit is exceeded.
        """
        count, size = self.field_count, self.field_size
        if count and len(fields) > count:
            raise Refused(431, "Request Header Fields Too Large", "limit request headers fields")
        if size and any(len(name) + len(value) + 2 > size for name, value in fields):
            raise Refused(431, "Request Header Fields Too Large", "limit request headers fields size")

    def forwarded(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the fields that reach the application (``header_map``, ``forwarder_headers``).

        Args:
            fields: Names and values, without pseudo-header fields.

        Raises:
            Refused: A value or a name is invalid, or a field that may occur once is repeated.
        """
        kept = []
        seen = set()
        for name, value in fields:
            if INVALID.search(value) or (name in SINGLETONS and name in seen):
                raise Refused(400, "Bad Request", f"Invalid HTTP Header: {name!r}")
            seen.add(name)
            if "_" in name and name not in self.forwarders and "*" not in self.forwarders:
                if self.header_map == "drop":
                    continue
                if self.header_map != "dangerous":
                    raise Refused(400, "Bad Request", f"Invalid HTTP header name: {name!r}")
            kept.append((name, value))
        return kept

    def scheme_of(self, fields: list[tuple[str, str]], claimed: str | None) -> str:
        """Return a request's scheme.

        Args:
            fields: Names and values, without pseudo-header fields.
            claimed: ``:scheme``, or ``None``.

        Raises:
            Refused: Fields tell different schemes.
        """
        said = {self.told_scheme(name, value) for name, value in fields if name in self.schemes}
        if len(said) > 1:
            raise Refused(400, "Bad Request", "Contradictory scheme headers")
        if said:
            return said.pop()
        return claimed if self.trusted and claimed else self.scheme

    def authority(self, authority: str) -> str:
        """Return ``:authority``, the value of the field Host, if it is valid.

        Args:
            authority: Its value.

        Raises:
            Refused: It has a character that is not allowed in values.
        """
        if INVALID.search(authority):
            raise Refused(400, "Bad Request", "Invalid HTTP Header: 'HOST'")
        return authority
