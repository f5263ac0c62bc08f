"""Requests that the worker classes answer themselves: those that gunicorn's rules refuse, and CONNECT."""
from __future__ import annotations

from typing import Any, NamedTuple

from gunicorn.http import errors

from . import settings

__all__ = ["Refusal", "RefusedRequest", "address_of", "is_malformed", "log_invalid", "logged_environ", "refusal_for",
           "refusal_of", "too_large"]  # fmt: skip


class Refusal(NamedTuple):
    """The error response to a refused request."""

    code: int
    reason: str
    #: Text for the log; also for the client if the status is 4xx.
    message: str


class RefusedRequest:
    """A request that violates one of gunicorn's rules, with the attributes that the log and the worker use.

    Args:
        stream: Its stream, with the received fields.
        refusal: The error response.
    """

    version = (2, 0)

    def __init__(self, stream: Any, refusal: Refusal) -> None:
        self.stream = stream
        self.refusal = refusal
        fields = stream.request_headers
        pseudo = {name: value for name, value in fields if name[:1] == ":"}
        self.method: str = pseudo.get(":method", "-")
        self.uri: str = pseudo.get(":path") or pseudo.get(":authority") or "-"
        #: Empty, so that statistics by path do not apply.
        self.path = ""
        self.query: str = self.uri.partition("?")[2]
        self.headers = [(name.upper(), value) for name, value in fields if name[:1] != ":"]

    def should_close(self) -> bool:
        """Return False: an HTTP/2 connection outlives a response."""
        return False


def refusal_of(req: Any) -> Refusal | None:
    """Return the error response to a request that is not passed to the application, else ``None``.

    Args:
        req: The request.
    """
    if type(req) is RefusedRequest:
        return req.refusal
    if req.method == "CONNECT" and not settings.current().allow_connect:
        return Refusal(501, "Not Implemented", "CONNECT is not supported here")
    return None


def refusal_for(exc: Exception) -> Refusal:
    """Return the error response that gunicorn's HTTP/1.1 sends for an exception of its rules.

    Args:
        exc: The exception.
    """
    message = str(exc)
    if isinstance(exc, errors.LimitRequestLine):
        return Refusal(414, "URI Too Long", message)
    if isinstance(exc, errors.LimitRequestHeaders):
        return Refusal(431, "Request Header Fields Too Large", message)
    if isinstance(exc, errors.ConfigurationProblem):
        return Refusal(500, "Internal Server Error", message)
    if isinstance(exc, errors.ExpectationFailed):
        return Refusal(417, "Expectation Failed", message)
    return Refusal(400, "Bad Request", message)


def is_malformed(exc: Exception) -> bool:
    """Return True if a request is malformed by gunicorn's rules, so that its stream is reset.

    RFC 9113 section 8.1.1. A request that exceeds a limit is well-formed.

    Args:
        exc: The exception of the rules.
    """
    return refusal_for(exc).code == 400


def log_invalid(log: Any, client: Any, message: object) -> None:
    """Log a refused request, in the format of gunicorn's log.

    Args:
        log: gunicorn's log.
        client: The client's address.
        message: The reason.
    """
    log.warning("Invalid request from ip=%s: %s", address_of(client), message)


def too_large(reason: str) -> Refusal:
    """Return the error response to a request whose header list exceeds the engine's limit (RFC 6585 section 5).

    Args:
        reason: The name of the limit.
    """
    return Refusal(431, "Request Header Fields Too Large", reason)


def address_of(client: Any) -> Any:
    """Return an address for the log.

    Args:
        client: The client's address; on Unix sockets it is not a tuple.
    """
    return client[0] if isinstance(client, tuple) else client


def logged_environ(req: Any, client: Any) -> dict[str, Any]:
    """Return the environment keys that the access log uses, for a request without an environment.

    Args:
        req: The request.
        client: The client's address.
    """
    headers = dict(req.headers)
    target = dict(req.stream.request_headers).get(":authority", "-") if req.method == "CONNECT" else req.uri
    return {
        "REQUEST_METHOD": req.method, "RAW_URI": target, "SERVER_PROTOCOL": "HTTP/2.0",
        "PATH_INFO": req.path or req.uri.partition("?")[0],
        "QUERY_STRING": req.query, "REMOTE_ADDR": str(address_of(client) or "-"),
        "HTTP_REFERER": headers.get("REFERER", "-"), "HTTP_USER_AGENT": headers.get("USER-AGENT", "-"),
    }
