"""The WSGI environments of fasth2's own worker, made by gunicorn's header policy."""
from __future__ import annotations

import os
from typing import Any

from gunicorn.http import wsgi

from fasth2.gunicorn import header_policy
from fasth2.gunicorn.header_policy import HeaderPolicy, Refused
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

__all__ = ["Environments"]

#: The compiled maker's treatment of each kind of field.
_KINDS = {
    header_policy.PLAIN: PLAIN, header_policy.SINGLETON: SINGLETON, header_policy.SCHEME: SCHEME, header_policy.HOST: HOST,
    header_policy.AMBIGUOUS: DECLINE,
}  # fmt: skip


class Environments:
    """The environments of requests to one listener from peers of one trust level.

    Args:
        cfg: gunicorn's configuration.
        trusted: True if the peers may set forwarding and scheme fields.
        server: The listener's address.
        threads: Largest number of concurrent requests.
        keep: True to return the fields of requests beside the environment.
    """

    def __init__(self, cfg: Any, trusted: bool, server: Any, threads: int, keep: bool) -> None:
        self.policy = HeaderPolicy(cfg, trusted)
        self.script_name = os.environ.get("SCRIPT_NAME", "")
        self.server = server
        self._keep = keep
        self._allow_connect = current().allow_connect
        self._shared = wsgi.base_environ(cfg)
        self._shared.update(
            {
                "wsgi.multithread": threads > 1,
                "wsgi.errors": SharedErrors(cfg),
                "wsgi.url_scheme": self.policy.scheme,
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
        policy = self.policy
        return EnvironMaker(
            {**self._shared, **remote_keys(address, proxied), "gunicorn.socket": sock},
            self._rules,
            self._make_rule,
            policy.schemes,
            trusted=policy.trusted,
            line_size=policy.line_size,
            count=policy.field_count,
            field_size=policy.field_size,
            script_name=self.script_name,
            keep=self._keep,
            decline_all=not isinstance(self.server, tuple),
        )

    def _make_rule(self, lower: str) -> FieldRule:
        name = lower.upper()
        if not name.isascii():
            return FieldRule("", DECLINE)
        kind = _KINDS[self.policy.kind(name)]
        if name == "VERSION":
            # HTTP_VERSION is a key of the environment's own.
            kind = LEFT_OUT if kind == PLAIN else DECLINE
        elif name == "CONTENT-LENGTH":
            # The engine has checked that repeated ones agree.
            kind = SINGLETON if kind == PLAIN else DECLINE
        return FieldRule("" if kind in (DECLINE, LEFT_OUT) else field_key(name), kind)

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
        policy = self.policy
        pseudo = {name: value for name, value in pairs if name[:1] == ":"}
        fields = [(name.upper(), value) for name, value in pairs if name[:1] != ":"]
        uri = pseudo.get(":path", "/")
        connects = pseudo.get(":method") == "CONNECT"
        if connects:
            if not self._allow_connect:
                raise Refused(501, "Not Implemented", "CONNECT is not supported here")
            # RFC 9113 section 8.5: the target is an authority.
            uri = pseudo.get(":path") or pseudo.get(":authority", "")
        policy.check_line(uri)
        policy.check_sizes(fields)
        kept = policy.forwarded(fields)
        environ = {**self._shared, **remote_keys(address, proxied), "gunicorn.socket": sock}
        environ["REQUEST_METHOD"] = pseudo.get(":method", "GET")
        environ["RAW_URI"] = uri
        path, _, environ["QUERY_STRING"] = pseudo.get(":path", "" if connects else "/").partition("?")
        environ["wsgi.url_scheme"] = policy.scheme_of(fields, pseudo.get(":scheme"))
        authority = pseudo.get(":authority")
        if authority:
            kept = [(name, value) for name, value in kept if name != "HOST"]
            kept.append(("HOST", policy.authority(authority)))
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
