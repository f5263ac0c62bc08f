"""Requests that the blocking worker classes answer themselves: what gunicorn's rules refuse, and CONNECT."""
from __future__ import annotations

from typing import Any, NamedTuple

from gunicorn.http import errors

from . import settings

__all__ = ["Refusal", "RefusedRequest", "address_of", "is_malformed", "log_invalid", "logged_environ", "refusal_for",
           "refusal_of", "too_large"]  # fmt: skip


class Refusal(NamedTuple):
    """The answer to a request that is refused."""

    code: int
    reason: str
    #: For the log, and for the client where the fault is its own.
    message: str


class RefusedRequest:
    """A request that breaks a rule of gunicorn's, as far as the log and the worker look at it.

    Args:
        stream: Its stream, with the fields that were received.
        refusal: What it is answered.
    """

    version = (2, 0)

    def __init__(self, stream: Any, refusal: Refusal) -> None:
        self.stream = stream
        self.refusal = refusal
        fields = stream.request_headers
        pseudo = {name: value for name, value in fields if name[:1] == ":"}
        self.method: str = pseudo.get(":method", "-")
        self.uri: str = pseudo.get(":path") or pseudo.get(":authority") or "-"
        #: Empty: what is remembered of requests for the same path does not hold for this one.
        self.path = ""
        self.query: str = self.uri.partition("?")[2]
        self.headers = [(name.upper(), value) for name, value in fields if name[:1] != ":"]

    def should_close(self) -> bool:
        """HTTP/2 connections go on."""
        return False


def refusal_of(req: Any) -> Refusal | None:
    """Return the answer to a request that the application does not get, ``None`` where it does.

    Args:
        req: The request.
    """
    if type(req) is RefusedRequest:
        return req.refusal
    if req.method == "CONNECT" and not settings.current().allow_connect:
        return Refusal(501, "Not Implemented", "CONNECT is not supported here")
    return None


def refusal_for(exc: Exception) -> Refusal:
    """Return the answer that gunicorn gives to HTTP/1.1 for what its rules refuse.

    Args:
        exc: What they raised.
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
    """Return True if a request is malformed by gunicorn's rules: its stream is reset, not answered.

    RFC 9113 section 8.1.1. What is over a limit is well formed.

    Args:
        exc: What they raised.
    """
    return refusal_for(exc).code == 400


def log_invalid(log: Any, client: Any, message: object) -> None:
    """Log that a request was refused, in gunicorn's words.

    Args:
        log: gunicorn's log.
        client: The client's address.
        message: The fault.
    """
    log.warning("Invalid request from ip=%s: %s", address_of(client), message)


def too_large(reason: str) -> Refusal:
    """Return the answer to a request whose header list is over the engine's limit (RFC 6585 section 5).

    Args:
        reason: The limit.
    """
    return Refusal(431, "Request Header Fields Too Large", reason)


def address_of(client: Any) -> Any:
    """Return an address as the log shows it.

    Args:
        client: The client's; on Unix sockets it is no tuple.
    """
    return client[0] if isinstance(client, tuple) else client


def logged_environ(req: Any, client: Any) -> dict[str, Any]:
    """Return what the access log looks at of an environment, for a request that has none.

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
