"""gunicorn's request; its header policy's results for single fields are cached."""
from __future__ import annotations

from typing import Any

from gunicorn.config import Config
from gunicorn.http import message
from gunicorn.http2 import request as gunicorn_request

from fasth2._memo import remember
from fasth2.gunicorn.header_policy import INVALID, PLAIN, SCHEME, SINGLETON, SINGLETONS, HeaderPolicy, is_trusted

from .source_digest import matches
from .stream import HTTP2Body

__all__ = ["PRIVATE", "HTTP2Request", "KnownFields", "policy_of"]

#: Number of cached fields for each policy; a full cache is cleared.
_FIELDS = 2048

#: Number of cached names for each policy, and the longest of them, in characters.
_NAMES = 1024
_LONGEST_NAME = 64

#: Number of cached policies.
_POLICIES = 16

#: The longest cached field, name and value together, in characters.
_LONGEST = 256

#: Fields that are never cached: secrets should not outlive the request.
PRIVATE = frozenset(("authorization", "cookie", "proxy-authorization"))

#: Kinds of fields that can be cached.
_KINDS = (PLAIN, SINGLETON, SCHEME)

_METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))

_Policy = getattr(message, "HeaderPolicy", None)

#: True if the installed gunicorn's policy is the one that `HeaderPolicy` states.
_known = (
    _Policy is not None
    and matches(
        (gunicorn_request.HTTP2Request, _Policy, message._ip_in_allow_list, gunicorn_request.split_request_uri),
        "5386ab4b3abd3ea2",
    )
    and message.RFC9110_5_3_SINGLETON_FIELDS == SINGLETONS
    and message.RFC9110_5_5_INVALID_AND_DANGEROUS.pattern == INVALID.pattern
)


class KnownFields:
    """A cache of `HeaderPolicy`'s rules for single fields, under one configuration and trust in the peer.

    Holds only fields whose treatment does not depend on the rest of the
    request, except for rules about repeated fields. Requests with any other
    field are left to gunicorn's own code, every time.

    Args:
        policy: The rules.
    """

    def __init__(self, policy: HeaderPolicy) -> None:
        self.policy = policy
        # Read for each request.
        self.trusted = policy.trusted
        self.scheme = policy.scheme
        self.line_size = policy.line_size
        self.count = policy.field_count
        #: Field as received: the field of the request, its kind, the scheme that it tells.
        self.fields: dict[tuple[str, str], tuple[tuple[str, str], int, str]] = {}
        # Name as received: the name of the field in the request, its kind.
        self._names: dict[str, tuple[str, int | None]] = {}

    def _name(self, lower: str) -> tuple[str, int | None]:
        """Return the entry of `_names` for a name; the kind is None if gunicorn has to decide."""
        name = lower.upper()
        kind: int | None = self.policy.kind(name)
        if kind not in _KINDS or name[:1] in ("", ":") or name == "EXPECT":
            kind = None
        if len(lower) > _LONGEST_NAME:
            return name, kind
        return remember(self._names, lower, (name, kind), _NAMES)

    def classify(self, field: tuple[str, str]) -> tuple[tuple[str, str], int, str] | None:
        """Return the entry of `fields` for a field; ``None`` if gunicorn has to decide.

        Args:
            field: Name and value as received.
        """
        lower, value = field
        name, kind = self._names.get(lower) or self._name(lower)
        if kind is None:
            return None
        policy = self.policy
        if policy.field_size and len(name) + len(value) + 2 > policy.field_size:
            return None
        # Most values need no search by the regular expression.
        if not value.isprintable() and INVALID.search(value):
            return None
        kept = ((name, value), kind, policy.told_scheme(name, value) if kind == SCHEME else "")
        if len(lower) + len(value) <= _LONGEST and lower not in PRIVATE:
            remember(self.fields, field, kept, _FIELDS)
        return kept


_policies: dict[Any, KnownFields] = {}


def policy_of(cfg: Any, peer_addr: Any) -> KnownFields | None:
    """Return the policy cache for a peer, shared by all peers of the same configuration and trust.

    Args:
        cfg: gunicorn's configuration.
        peer_addr: The peer's address.

    Returns:
        ``None`` if the installed gunicorn's policy is not the known one.
    """
    if not _known or not isinstance(cfg, Config):
        return None
    trusted = is_trusted(cfg, peer_addr)
    key = (
        trusted, cfg.is_ssl, cfg.limit_request_line, cfg.limit_request_fields, cfg.limit_request_field_size,
        tuple(sorted(cfg.secure_scheme_headers.items())),
    )
    known = _policies.get(key)
    if known is None:
        known = remember(_policies, key, KnownFields(HeaderPolicy(cfg, trusted)), _POLICIES)
    return known


class HTTP2Request(gunicorn_request.HTTP2Request):
    """gunicorn's ``HTTP2Request``, with the same attributes, which refuses the same requests.

    A request with only cached fields is built from the cache; gunicorn's own
    code builds and checks every other one.

    Args:
        stream: The stream that holds the request.
        cfg: gunicorn's configuration.
        peer_addr: The peer's address.
        policy: The result of `policy_of`; ``None`` leaves all to gunicorn.
    """

    version = (2, 0)
    fragment = ""
    must_close = False
    proxy_protocol_info = None

    def __init__(self, stream: Any, cfg: Any, peer_addr: Any, policy: KnownFields | None = None) -> None:
        if policy is None or not self._use_remembered(stream, policy):
            super().__init__(stream, cfg, peer_addr)
        else:
            self.stream = stream
            self.cfg = cfg
            self.peer_addr = self.remote_addr = peer_addr
            self.req_number = stream.stream_id
            self.priority_weight = stream.priority_weight
            self.priority_depends_on = stream.priority_depends_on
        self.body = HTTP2Body(stream)

    def _use_remembered(self, stream: Any, policy: KnownFields) -> bool:
        """Build the request from the cache. Return False if gunicorn has to build it."""
        fields = stream.request_headers
        method = path = authority = ""
        claimed = None
        count = 0
        for name, value in fields:
            if name[:1] != ":":
                break
            count += 1
            if name == ":method":
                method = value
            elif name == ":path":
                path = value
            elif name == ":authority":
                authority = value
            elif name == ":scheme":
                claimed = value
        if (
            method not in _METHODS
            or path[:1] != "/" or "#" in path or not path.isprintable()
            or (policy.line_size and len(path) > policy.line_size)
            or (policy.count and len(fields) - count > policy.count)
        ):
            return False
        remembered = policy.fields.get
        headers = []
        scheme = None
        seen = None
        for field in fields[count:]:
            kept = remembered(field) or policy.classify(field)
            if kept is None:
                return False
            pair, kind, field_scheme = kept
            if kind:
                if kind == SINGLETON:
                    if seen == pair[0]:
                        return False
                    seen = pair[0]
                elif scheme is None:
                    scheme = field_scheme
                elif scheme != field_scheme:
                    return False
            headers.append(pair)
        if authority:
            headers.append(("HOST", authority))
        self.method = method
        self.scheme = scheme or (claimed if claimed and policy.trusted else policy.scheme)
        self._authority = authority
        self.uri = path
        self.path, _, self.query = path.partition("?")
        self.headers = headers
        return True
