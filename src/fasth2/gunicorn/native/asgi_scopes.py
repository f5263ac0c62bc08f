"""The scopes of requests to fasth2's own ASGI worker, made by gunicorn's header policy."""
from __future__ import annotations

from typing import Any

from fasth2.asgi.field_rules import DECLINE, PLAIN, SCHEME, SINGLETON, FieldRules
from fasth2.asgi.scope import ScopeMaker
from fasth2.gunicorn import header_policy
from fasth2.gunicorn.header_policy import HeaderPolicy, Refused
from fasth2.gunicorn.settings import current

__all__ = ["Scopes"]

#: The compiled maker's treatment of each kind of field. `:authority` takes the place of Host.
_KINDS = {
    header_policy.PLAIN: PLAIN, header_policy.SINGLETON: SINGLETON, header_policy.SCHEME: SCHEME,
    header_policy.HOST: SINGLETON, header_policy.AMBIGUOUS: DECLINE,
}  # fmt: skip


class Scopes:
    """The scopes of requests from peers of one trust level.

    Args:
        cfg: gunicorn's configuration.
        trusted: True if the peers may set forwarding and scheme fields.
    """

    def __init__(self, cfg: Any, trusted: bool) -> None:
        policy = self.policy = HeaderPolicy(cfg, trusted)
        self._allow_connect = current().allow_connect
        self._rules = FieldRules(
            self._rule_of,
            {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in policy.schemes.items()},
            trusted=policy.trusted, line_size=policy.line_size, count=policy.field_count, field_size=policy.field_size,
        )  # fmt: skip

    def _rule_of(self, name: bytes) -> int:
        return _KINDS[self.policy.kind(name.decode("latin-1").upper())] if name.isascii() else DECLINE

    def maker(self, template: dict[str, Any], server: Any, client: Any, extensions: dict[str, Any]) -> ScopeMaker:
        """Return the maker of a connection's scopes.

        Args:
            template: The initial content of every scope.
            server: The server's address, as scopes have it.
            client: The client's.
            extensions: The extensions of every scope.
        """
        # As over HTTP/1.1, paths are what the client has sent.
        return ScopeMaker(template, server, client, self.policy.scheme, extensions, self._rules, False)

    def scope(self, maker: ScopeMaker, pairs: list[tuple[bytes, bytes]]) -> dict[str, Any]:
        """Make the scope of any request, also of one that the maker declines.

        Args:
            maker: The connection's maker.
            pairs: The request's fields.

        Raises:
            Refused: The request violates a rule.
        """
        policy = self.policy
        text = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
        pseudo = {name: value for name, value in text if name[:1] == ":"}
        fields = [(name.upper(), value) for name, value in text if name[:1] != ":"]
        target = pseudo.get(":path")
        protocol = pseudo.get(":protocol")
        if target is None:
            # CONNECT; RFC 9113 section 8.5: the target is an authority.
            if not self._allow_connect:
                raise Refused(501, "Not Implemented", "CONNECT is not supported here")
            target = pseudo.get(":authority", "")
        policy.check_line(target)
        policy.check_sizes(fields)
        kept = policy.forwarded(fields)
        scheme = policy.scheme_of(fields, pseudo.get(":scheme"))
        if authority := pseudo.get(":authority"):
            kept = [("HOST", policy.authority(authority)), *(pair for pair in kept if pair[0] != "HOST")]
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in kept]
        return maker.scope(
            pseudo.get(":method", "GET").encode("latin-1"), target.encode("latin-1"), headers, scheme,
            None if protocol is None else protocol.encode("latin-1"),
        )  # fmt: skip
