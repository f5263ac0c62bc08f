"""gunicorn's header policy for fasth2's own worker: trust in fields, refusals, and the environment's keys."""
from __future__ import annotations

import os
import re
from typing import Any

from gunicorn.http import wsgi

from fasth2.gunicorn.patched.environ import SharedErrors, field_key
from fasth2.gunicorn.settings import current
from fasth2.gunicorn.trusted_proxies import remote_address
from fasth2.server.proxy_header import ProxyHeader
from fasth2.wsgi.environ import (
    DECLINE,
    HOST,
    LEFT_OUT,
    PLAIN,
    SCHEME,
    SINGLETON,
    EnvironMaker,
    FieldRule,
    percent_decoded,
)

__all__ = ["Policy", "Refused", "is_trusted"]

#: Fields that may occur once (RFC 9110 section 5.3), as in gunicorn.
_SINGLETONS = frozenset(("CONTENT-TYPE", "HOST"))

#: Characters that are not allowed in values (RFC 9110 section 5.5), as in gunicorn.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


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
        address: The peer's address; on Unix sockets it is not a tuple.
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
    import ipaddress

    try:
        ip = ipaddress.ip_address(address[0].partition("%")[0])
    except ValueError:
        return False
    return any(ip in network for network in networks())


class Policy:
    """The header policy for the connections of one listener and one trust level.

    Args:
        cfg: gunicorn's configuration.
        trusted: True if the peers may set forwarding and scheme fields.
        server: The listener's address.
        threads: Largest number of concurrent requests.
        keep: True to return the fields of requests beside the environment.
    """

    def __init__(self, cfg: Any, trusted: bool, server: Any, threads: int, keep: bool) -> None:
        self.cfg = cfg
        self.trusted = trusted
        self.scheme = "https" if cfg.is_ssl else "http"
        self.schemes: dict[str, str] = dict(cfg.secure_scheme_headers) if trusted else {}
        self.forwarders: list[str] = list(getattr(cfg, "forwarder_headers", [])) if trusted else []
        self.header_map: str = getattr(cfg, "header_map", "drop")
        self.script_name = os.environ.get("SCRIPT_NAME", "")
        self.server = server
        self._keep = keep
        self._allow_connect = current().allow_connect
        self._shared = wsgi.base_environ(cfg)
        self._shared.update(
            {
                "wsgi.multithread": threads > 1,
                "wsgi.errors": SharedErrors(cfg),
                "wsgi.url_scheme": self.scheme,
                "SERVER_PROTOCOL": "HTTP/2.0",
                "HTTP_VERSION": "2",
                "SCRIPT_NAME": self.script_name,
                "gunicorn.http2.priority_weight": 16,
                "gunicorn.http2.priority_depends_on": 0,
            }
        )
        if not isinstance(server, (str, bytes)):
            self._shared["SERVER_NAME"] = server[0]
            self._shared["SERVER_PORT"] = str(server[1])
        self._rules: dict[str, FieldRule] = {}

    def maker(self, address: Any, sock: Any, proxied: ProxyHeader | None = None) -> EnvironMaker:
        """Return the maker of a connection's environments.

        Args:
            address: The peer's address.
            sock: The value of ``gunicorn.socket``.
            proxied: The PROXY header that the connection began with, or ``None``.
        """
        cfg = self.cfg
        return EnvironMaker(
            {**self._shared, **remote_keys(address, proxied), "gunicorn.socket": sock},
            self._rules,
            self._make_rule,
            self.schemes,
            trusted=self.trusted,
            line_size=cfg.limit_request_line,
            count=cfg.limit_request_fields,
            field_size=cfg.limit_request_field_size,
            script_name=self.script_name,
            keep=self._keep,
            decline_all=not isinstance(self.server, tuple),
        )

    def _make_rule(self, lower: str) -> FieldRule:
        name = lower.upper()
        if "_" in name or not name.isascii():
            return FieldRule("", DECLINE)
        if name == "VERSION":
            # HTTP_VERSION is a key of the environment's own.
            return FieldRule("", LEFT_OUT)
        kind = PLAIN
        if name == "HOST":
            kind = HOST
        elif name in self.schemes:
            kind = SCHEME
        elif name in _SINGLETONS or name == "CONTENT-LENGTH":
            kind = SINGLETON
        return FieldRule(field_key(name), kind)

    def environ(
        self, pairs: list[tuple[str, str]], address: Any, sock: Any, proxied: ProxyHeader | None = None
    ) -> dict[str, Any]:
        """Make the environment of any request, also of one that the maker declines.

        Args:
            pairs: The request's fields.
            address: The peer's address.
            sock: The value of ``gunicorn.socket``.
            proxied: The PROXY header that the connection began with, or ``None``.

        Raises:
            Refused: The request violates a rule.
        """
        cfg = self.cfg
        pseudo = {name: value for name, value in pairs if name[:1] == ":"}
        fields = [(name.upper(), value) for name, value in pairs if name[:1] != ":"]
        uri = pseudo.get(":path", "/")
        connects = pseudo.get(":method") == "CONNECT"
        if connects:
            if not self._allow_connect:
                raise Refused(501, "Not Implemented", "CONNECT is not supported here")
            # RFC 9113 section 8.5: the target is an authority.
            uri = pseudo.get(":path") or pseudo.get(":authority", "")
        if cfg.limit_request_line and len(uri) > cfg.limit_request_line:
            raise Refused(414, "URI Too Long", f"Request Line is too large ({len(uri)} > {cfg.limit_request_line})")
        self._check_sizes(fields)
        kept = self._apply(fields)
        environ = {**self._shared, **remote_keys(address, proxied), "gunicorn.socket": sock}
        environ["REQUEST_METHOD"] = pseudo.get(":method", "GET")
        environ["RAW_URI"] = uri
        path, _, environ["QUERY_STRING"] = pseudo.get(":path", "" if connects else "/").partition("?")
        environ["wsgi.url_scheme"] = self._scheme_of(fields, pseudo.get(":scheme"))
        authority = pseudo.get(":authority")
        if authority:
            if _CONTROL.search(authority):
                raise Refused(400, "Bad Request", "Invalid HTTP Header: 'HOST'")
            kept = [(name, value) for name, value in kept if name != "HOST"]
            kept.append(("HOST", authority))
        script_name = self._fill(environ, kept)
        if not isinstance(self.server, tuple):
            name, port = self._server_by_host(environ)
            environ["SERVER_NAME"], environ["SERVER_PORT"] = name, port
        if script_name and path:
            if not path.startswith(script_name):
                raise Refused(500, "Internal Server Error",
                              f"Request path {path!r} does not start with SCRIPT_NAME {script_name!r}")
            path = path[len(script_name) :]
        environ["SCRIPT_NAME"] = script_name
        environ["PATH_INFO"] = percent_decoded(path)
        return environ

    def _check_sizes(self, fields: list[tuple[str, str]]) -> None:
        count, size = self.cfg.limit_request_fields, self.cfg.limit_request_field_size
        if count and len(fields) > count:
            raise Refused(431, "Request Header Fields Too Large", "limit request headers fields")
        if size and any(len(name) + len(value) + 2 > size for name, value in fields):
            raise Refused(431, "Request Header Fields Too Large", "limit request headers fields size")

    def _apply(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the fields to keep. Raises `Refused` for invalid ones."""
        kept = []
        seen = set()
        for name, value in fields:
            if _CONTROL.search(value) or (name in _SINGLETONS and name in seen):
                raise Refused(400, "Bad Request", f"Invalid HTTP Header: {name!r}")
            seen.add(name)
            if "_" in name and name not in self.forwarders and "*" not in self.forwarders:
                if self.header_map == "drop":
                    continue
                if self.header_map != "dangerous":
                    raise Refused(400, "Bad Request", f"Invalid HTTP header name: {name!r}")
            kept.append((name, value))
        return kept

    def _scheme_of(self, fields: list[tuple[str, str]], claimed: str | None) -> str:
        schemes = {"https" if value == self.schemes[name] else "http" for name, value in fields if name in self.schemes}
        if len(schemes) > 1:
            raise Refused(400, "Bad Request", "Contradictory scheme headers")
        if schemes:
            return schemes.pop()
        return claimed if self.trusted and claimed else self.scheme

    def _fill(self, environ: dict[str, Any], kept: list[tuple[str, str]]) -> str:
        """Add the fields to the environment. Return SCRIPT_NAME."""
        script_name = self.script_name
        values: dict[str, list[str]] = {}
        for name, value in kept:
            if name == "SCRIPT_NAME":
                script_name = value
            values.setdefault(field_key(name), []).append(value)
        for key, several in values.items():
            if key == "CONTENT_LENGTH":
                environ[key] = several[-1]  # the engine has checked that they are equal
            elif key != "HTTP_VERSION":
                environ[key] = ("; " if key == "HTTP_COOKIE" else ",").join(several)
        return script_name

    def _server_by_host(self, environ: dict[str, Any]) -> tuple[str, str]:
        """Return name and port of a server on a Unix socket from the Host field, as gunicorn does."""
        host = environ.get("HTTP_HOST")
        if not host:
            return (self.server if isinstance(self.server, str) else os.fsdecode(self.server)), ""
        literal, bracket, rest = host.rpartition("]")  # an IPv6 address contains colons
        name, colon, port = rest.partition(":")
        return literal + bracket + name, port if colon else {"http": "80", "https": "443"}.get(environ["wsgi.url_scheme"], "")


def remote_keys(address: Any, proxied: ProxyHeader | None = None) -> dict[str, str]:
    """Return REMOTE_ADDR and REMOTE_PORT; also PROXY_PROTOCOL, PROXY_ADDR and PROXY_PORT of a PROXY header.

    Args:
        address: The peer's address; on Unix sockets it is not a tuple.
        proxied: The PROXY header that the connection began with, or ``None``.
    """
    address = remote_address(proxied, address)
    if not isinstance(address, tuple):
        return {"REMOTE_ADDR": address.decode() if isinstance(address, bytes) else address}
    keys = {"REMOTE_ADDR": address[0], "REMOTE_PORT": str(address[1])}
    if proxied is not None and isinstance(proxied.proxy, tuple):
        keys["PROXY_PROTOCOL"] = proxied.protocol
        keys["PROXY_ADDR"], keys["PROXY_PORT"] = proxied.proxy[0], str(proxied.proxy[1])
    return keys
