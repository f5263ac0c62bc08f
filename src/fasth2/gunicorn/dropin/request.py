"""gunicorn's request; its header policy's results for single fields are cached."""
from __future__ import annotations

from typing import Any

from gunicorn.config import Config
from gunicorn.http import message
from gunicorn.http2 import request as gunicorn_request

from .source_digest import matches
from .stream import HTTP2Body

__all__ = ["HTTP2Request", "Policy", "policy_of"]

#: Number of cached fields for each policy; a full cache is cleared.
_FIELDS = 2048

#: The longest cached field, name and value together, in characters.
_LONGEST = 256

#: Never cached: secrets should not outlive the request.
_PRIVATE = frozenset(("authorization", "cookie", "proxy-authorization"))

_METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))

# How a field is treated beside being kept.
_PLAIN = 0
_SINGLETON = 1
_SCHEME = 2

_Policy = getattr(message, "HeaderPolicy", None)

#: True if the installed gunicorn's policy is the one that `Policy` replicates.
_known = _Policy is not None and matches(
    (gunicorn_request.HTTP2Request, _Policy, message._ip_in_allow_list, gunicorn_request.split_request_uri),
    "5386ab4b3abd3ea2",
)


class Policy:
    """A cache of gunicorn's header policy for single fields, under one configuration and trust in the peer.

    Holds only fields whose treatment does not depend on the rest of the
    request, except for rules about repeated fields. Requests with any other
    field are left to gunicorn's own code, every time.

    Args:
        cfg: gunicorn's configuration.
        trusted: True if the peer may set forwarding and scheme headers.
    """

    def __init__(self, cfg: Any, trusted: bool) -> None:
        self.trusted = trusted
        self.scheme = "https" if cfg.is_ssl else "http"
        self.line_size = cfg.limit_request_line
        self.count = cfg.limit_request_fields
        self.field_size = cfg.limit_request_field_size
        self.scheme_headers = dict(cfg.secure_scheme_headers) if trusted else {}
        #: Field as received: the field of the request, its kind, the scheme that it tells.
        self.fields: dict[tuple[str, str], tuple[tuple[str, str], int, str]] = {}

    def classify(self, field: tuple[str, str]) -> tuple[tuple[str, str], int, str] | None:
        """Return the entry of `fields` for a field; ``None`` if gunicorn has to decide.

        Args:
            field: Name and value as received.
        """
        lower, value = field
        name = lower.upper()
        if "_" in name or name[:1] in ("", ":") or name == "HOST" or name == "EXPECT":
            return None
        if self.field_size and len(name) + len(value) + 2 > self.field_size:
            return None
        # Most values need no search by the regular expression.
        if not value.isprintable() and message.RFC9110_5_5_INVALID_AND_DANGEROUS.search(value):
            return None
        kind, scheme = _PLAIN, ""
        if name in message.RFC9110_5_3_SINGLETON_FIELDS:
            kind = _SINGLETON
        elif name in self.scheme_headers:
            kind = _SCHEME
            scheme = "https" if value == self.scheme_headers[name] else "http"
        kept = ((name, value), kind, scheme)
        if len(lower) + len(value) <= _LONGEST and lower not in _PRIVATE:
            if len(self.fields) >= _FIELDS:
                self.fields.clear()
            self.fields[field] = kept
        return kept


_policies: dict[Any, Policy] = {}


def policy_of(cfg: Any, peer_addr: Any) -> Policy | None:
    """Return the policy cache for a peer, shared by all peers of the same configuration and trust.

    Args:
        cfg: gunicorn's configuration.
        peer_addr: The peer's address.

    Returns:
        ``None`` if the installed gunicorn's policy is not the known one.
    """
    if not _known or not isinstance(cfg, Config):
        return None
    probe = HTTP2Request.__new__(HTTP2Request)
    probe.cfg = cfg
    probe.peer_addr = peer_addr
    trusted = bool(probe._peer_is_trusted_proxy())
    key = (
        trusted, cfg.is_ssl, cfg.limit_request_line, cfg.limit_request_fields, cfg.limit_request_field_size,
        tuple(sorted(cfg.secure_scheme_headers.items())),
    )
    policy = _policies.get(key)
    if policy is None:
        if len(_policies) >= 16:
            _policies.clear()
        policy = _policies[key] = Policy(cfg, trusted)
    return policy


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

    def __init__(self, stream: Any, cfg: Any, peer_addr: Any, policy: Policy | None = None) -> None:
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

    def _use_remembered(self, stream: Any, policy: Policy) -> bool:
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
                if kind == _SINGLETON:
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
