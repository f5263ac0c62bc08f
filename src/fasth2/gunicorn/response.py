"""gunicorn's response with less work a field, and whole where the body is known."""
from __future__ import annotations

import time
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http2.errors import HTTP2StreamError

from .contract import STOCK_RESPONSE as _Stock
from .contract import installed
from .known_code import same

__all__ = ["HTTP2Response", "WholeResponse", "known"]

#: Fields and status lines that are remembered; then it starts anew.
_REMEMBERED = 1024

#: The longest value that is remembered, in characters.
_LONGEST = 64

#: Octets of a body in several parts that are joined, to be sent whole.
_JOINED = 65536

# What a field is, beside being sent.
_LENGTH = 1
_SERVER = 2
_DATE = 4

_CONTRACT = installed()

#: Whether gunicorn's class is the one that `_RememberedResponse` abbreviates.
known = same(
    (_Stock, wsgi.Response, util.http_date, util.is_hoppish),
    "37f5227b34082116",
)

# What the application gave: what gunicorn keeps of it, what is sent, what it is.
_Entry = tuple[tuple[str, str], tuple[str, str], int]
_fields: dict[tuple[str, str], _Entry] = {}
_statuses: dict[str, int] = {}
_date: tuple[int, tuple[str, str]] = (0, ("date", ""))


def _date_field() -> tuple[str, str]:
    """The Date field, made once a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = (now, ("date", util.http_date(now)))
    return _date[1]


def _judge(name: Any, value: Any) -> _Entry | None:
    """Return what `_fields` holds for a field, ``None`` where gunicorn has to decide."""
    if type(name) is not str or type(value) is not str or not wsgi.TOKEN_RE.fullmatch(name):
        return None
    if not (value.isascii() and value.isprintable()) and not wsgi.HEADER_VALUE_RE.fullmatch(value):
        return None
    lower = name.lower()
    value_sent = value.strip(" \t")
    kind = 0
    if lower == "content-length":
        if not (value_sent.isascii() and value_sent.isdigit()):
            return None
        kind = _LENGTH
    elif util.is_hoppish(name):
        return None
    elif lower == "server":
        kind = _SERVER
    elif lower == "date":
        kind = _DATE
    entry = ((name, value_sent), (lower, value_sent), kind)
    if len(value) <= _LONGEST and lower != "set-cookie":
        if len(_fields) >= _REMEMBERED:
            _fields.clear()
        _fields[name, value] = entry
    return entry


def _status_code(status: str) -> int | None:
    """The code of a status line that gunicorn accepts, else ``None``."""
    if type(status) is not str or not wsgi.STATUS_RE.fullmatch(status):
        return None
    if len(_statuses) >= _REMEMBERED:
        _statuses.clear()
    code = _statuses[status] = int(status[:3])
    return code


class WholeResponse(_Stock):
    """gunicorn's response over HTTP/2, streamed, or sent at once where the body is known.

    Also where gunicorn's own versions collect the body first.

    Args:
        req: The request.
        sock: The client's socket; unused.
        cfg: gunicorn's configuration.
        h2_conn: The connection.
        stream_id: The request's stream.
    """

    headers: list[tuple[str, str]]
    headers_sent: bool
    _omits_body = False
    _stream_ended = False
    trailers: list[Any] | None = None

    def __init__(self, req: Any, sock: Any, cfg: Any, h2_conn: Any, stream_id: int) -> None:
        wsgi.Response.__init__(self, req, sock, cfg)
        self.h2_conn = h2_conn
        self.stream_id = stream_id

    def is_chunked(self) -> bool:
        """HTTP/2 has no chunks (RFC 9113 section 8.1)."""
        return False

    def can_sendfile(self) -> bool:
        """Files go through the connection as any other body does."""
        return False

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """PEP 3333's ``start_response``.

        Args:
            status: Code and reason.
            headers: ``(name, value)`` pairs.
            exc_info: As from `sys.exc_info`, where an error replaces what was begun.

        Returns:
            ``write``.
        """
        write = super().start_response(status, headers, exc_info)
        if not _CONTRACT.omits_bodies:
            self._omits_body = self.req.method == "HEAD" or self.status_code in (204, 304)
        return write

    def _outgoing(self) -> list[tuple[str, str]]:
        """The fields as they are sent, the server's own among them."""
        fields = [(name.lower(), value) for name, value in self.headers]
        if _CONTRACT.names_server_and_date:
            names = {name for name, _ in fields}
            if "server" not in names:
                fields.append(("server", self.version))
            if "date" not in names:
                fields.append(_date_field())
        return fields

    def send_headers(self) -> None:
        """Give the connection the response's fields; once."""
        if self.headers_sent:
            return
        if not self.h2_conn.send_response_headers(self.stream_id, self.status_code, self._outgoing()):
            self._aborted("the stream was closed before its headers were sent")
        self.headers_sent = True

    def write(self, data: bytes) -> None:
        """Send a part of the body.

        Args:
            data: The part.

        Raises:
            TypeError: It is not ``bytes``.
            HTTP2StreamError: The stream is gone.
        """
        if _CONTRACT.omits_bodies:
            super().write(data)
            return
        self.send_headers()
        if not isinstance(data, bytes):
            raise TypeError(f"{data!r} is not a byte")
        if self._omits_body:
            return
        if self.response_length is not None:
            data = data[: max(0, self.response_length - self.sent)]
        self.sent += len(data)
        self._emit_body(data)

    def _emit_body(self, data: bytes) -> None:
        if data and not self._stream_ended and not self.h2_conn.send_data(self.stream_id, data):
            self._aborted("the stream was closed, or its peer stalled, while the body was sent")

    def close(self) -> None:
        """End the response, with trailers where the application gave them."""
        if self._stream_ended:
            return
        self.send_headers()
        self._stream_ended = True
        if not self.h2_conn.end_stream(self.stream_id, trailers=self.trailers):
            self._aborted("the stream was closed before the response was complete")

    def _aborted(self, what: str) -> None:
        self._stream_ended = True
        raise HTTP2StreamError(self.stream_id, f"response aborted: {what}")

    def send_whole(self, parts: Any) -> bool:
        """Send fields, body and the end of the stream together, as far as that goes.

        Args:
            parts: What the application returned.

        Returns:
            Whether the response is complete; where not, nothing was done and
            the parts have to be written one by one.
        """
        kind = type(parts)
        if kind is not list and kind is not tuple:
            return False
        if self.headers_sent or self.status is None or self._omits_body or self.trailers or self._stream_ended:
            return False
        if len(parts) == 1:
            body = parts[0]
            if type(body) is not bytes:
                return False
        else:
            size = 0
            for part in parts:
                if type(part) is not bytes:
                    return False
                size += len(part)
            if size > _JOINED:
                return False
            body = b"".join(parts)
        length = self.response_length
        if length is not None and len(body) > length:
            # What is more than announced is never sent.
            body = body[:length]
        self.sent = len(body)
        self._stream_ended = True
        if not self.h2_conn.send_whole(self.stream_id, self.status_code, self._outgoing(), body):
            self._aborted("the stream was closed, or its peer stalled, before the response was complete")
        self.headers_sent = True
        return True

    def send_early_hints(self, headers: Any) -> None:
        """``wsgi.early_hints``: send 103 with these fields.

        Args:
            headers: ``(name, value)`` pairs.
        """
        self.h2_conn.send_informational(self.stream_id, 103, headers)

    def queue_trailers(self, trailers: Any) -> None:
        """``gunicorn.http2.send_trailers``: end the stream with these fields.

        Args:
            trailers: ``(name, value)`` pairs.
        """
        self.trailers = list(trailers)


class _RememberedResponse(WholeResponse):
    """The same, with what is known of fields remembered."""

    version = wsgi.SERVER
    status = None
    chunked = False
    must_close = False
    headers_sent = False
    response_length = None
    sent = 0
    upgrade = False
    _omits_body_warned = False

    def __init__(self, req: Any, sock: Any, cfg: Any, h2_conn: Any, stream_id: int) -> None:
        self.req = req
        self.sock = sock
        self.cfg = cfg
        self.h2_conn = h2_conn
        self.stream_id = stream_id
        self.headers = []

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """PEP 3333's ``start_response``.

        Args:
            status: Code and reason.
            headers: ``(name, value)`` pairs.
            exc_info: As from `sys.exc_info`, where an error replaces what was begun.

        Returns:
            ``write``.
        """
        if exc_info is None and self.status is None and self._begin(status, headers):
            return self.write
        return super().start_response(status, headers, exc_info)

    def _begin(self, status: str, headers: Any) -> bool:
        """Take status and fields that are plainly right; False where gunicorn has to judge them."""
        if type(headers) is not list:
            return False
        remembered = _fields.get
        kept = []
        length = None
        try:
            code = _statuses.get(status) or _status_code(status)
            for field in headers:
                entry = remembered(field)
                if entry is None:
                    entry = _judge(*field)
                    if entry is None:
                        return False
                kept.append(entry[0])
                if entry[2] == _LENGTH:
                    length = int(entry[0][1])
        except TypeError:
            return False
        if code is None or code < 200 or code == 204:
            return False
        self.status = status
        self.status_code = code
        self.headers = kept
        self.response_length = length
        self._omits_body = code == 304 or self.req.method == "HEAD"
        return True

    def _outgoing(self) -> list[tuple[str, str]]:
        """The fields as they are sent, the server's own among them."""
        remembered = _fields.get
        fields = []
        kinds = 0
        for field in self.headers:
            entry = remembered(field) or _judge(*field)
            if entry is None:
                name = field[0].lower()
                fields.append((name, field[1]))
                kinds |= _SERVER if name == "server" else _DATE if name == "date" else 0
            else:
                fields.append(entry[1])
                kinds |= entry[2]
        if not kinds & _SERVER:
            fields.append(("server", self.version))
        if not kinds & _DATE:
            fields.append(_date_field())
        return fields


#: What a response is made of.
HTTP2Response = _RememberedResponse if known else WholeResponse
