"""gunicorn's response: fields are cached, and a response with a known body is sent in one piece."""
from __future__ import annotations

import time
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http2.errors import HTTP2StreamError

from fasth2._memo import remember
from fasth2.gunicorn.dropin.contract import STOCK_RESPONSE as _Stock
from fasth2.gunicorn.dropin.contract import installed
from fasth2.gunicorn.dropin.source_digest import matches

__all__ = ["HTTP2Response", "WholeResponse", "known"]

#: Number of cached fields, and of cached status lines; a full cache is cleared.
_REMEMBERED = 1024

#: The longest cached value, in characters.
_LONGEST = 64

#: Octets up to which a body in several parts is joined and sent in one piece.
_JOINED = 65536

#: Octets that an application may write to a response that has no body.
_DROPPED = 1048576

# Kinds of special fields.
_LENGTH = 1
_SERVER = 2
_DATE = 4

_CONTRACT = installed()

#: True if the installed gunicorn's class is the one that `_RememberedResponse` replicates.
known = matches(
    (_Stock, wsgi.Response, util.http_date, util.is_hoppish),
    "37f5227b34082116",
)

#: A field to send: values that are not ASCII are encoded as latin-1.
_Field = tuple[str, "str | bytes"]

# Cached by the application's field: the field that gunicorn keeps, the field to send, its kind.
_Entry = tuple[tuple[str, str], _Field, int]
_fields: dict[tuple[str, str], _Entry] = {}
_statuses: dict[str, int] = {}
_date: tuple[int, tuple[str, str]] = (0, ("date", ""))


def _date_field() -> tuple[str, str]:
    """Return the Date field, formatted once a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = (now, ("date", util.http_date(now)))
    return _date[1]


def _encoded(value: Any) -> Any:
    """Encode a value as latin-1 (PEP 3333). Raises ValueError for a character outside latin-1."""
    return value.encode("latin-1") if isinstance(value, str) and not value.isascii() else value


def _classify(name: Any, value: Any) -> _Entry | None:
    """Return the entry of `_fields` for a field; ``None`` if gunicorn has to decide."""
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
    try:
        entry = ((name, value_sent), (lower, _encoded(value_sent)), kind)
    except UnicodeEncodeError:
        return None
    if len(value) <= _LONGEST and lower != "set-cookie":
        remember(_fields, (name, value), entry, _REMEMBERED)
    return entry


def _status_code(status: str) -> int | None:
    """Return the code of a status line that gunicorn accepts, else ``None``."""
    if type(status) is not str or not wsgi.STATUS_RE.fullmatch(status):
        return None
    return remember(_statuses, status, int(status[:3]), _REMEMBERED)


class WholeResponse(_Stock):
    """gunicorn's response over HTTP/2, streamed, or sent in one piece if the body is known.

    It streams under gunicorn versions that collect the body first, too.

    Args:
        req: The request.
        sock: The client's socket; unused.
        cfg: gunicorn's configuration.
        h2_conn: The connection.
        stream_id: The request's stream.
    """

    headers: list[tuple[str, str]]
    headers_sent: bool
    status: str | None
    _omits_body = False
    _omits_body_warned = False
    _dropped = 0
    _stream_ended = False
    trailers: list[Any] | None = None

    def __init__(self, req: Any, sock: Any, cfg: Any, h2_conn: Any, stream_id: int) -> None:
        wsgi.Response.__init__(self, req, sock, cfg)
        self.h2_conn = h2_conn
        self.stream_id = stream_id

    def is_chunked(self) -> bool:
        """Return False: HTTP/2 has no chunked coding (RFC 9113 section 8.1)."""
        return False

    def can_sendfile(self) -> bool:
        """Return False: files are sent as DATA frames, as any other body."""
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
        if exc_info and not self.headers_sent:
            # The error response replaces the first one; gunicorn would append to its fields.
            self.headers = []
            self.response_length = None
        write = super().start_response(status, headers, exc_info)
        if not _CONTRACT.omits_bodies:
            self._omits_body = self.req.method == "HEAD" or self.status_code in (204, 304)
        self._check_fields()
        return write

    def _check_fields(self) -> None:
        """Raise ValueError for values that cannot be sent and invalid Content-Lengths; drop repeated equal ones."""
        lengths = set()
        for name, value in self.headers:
            if not value.isascii():
                _encoded(value)
            if name.lower() == "content-length":
                if not (value.isascii() and value.isdigit()):
                    raise ValueError(f"content-length {value!r} is not a number of octets")
                lengths.add(int(value))
        if len(lengths) > 1:
            raise ValueError(f"content-length has several values: {sorted(lengths)}")
        if lengths:
            [first, *others] = [field for field in self.headers if field[0].lower() == "content-length"]
            if others:
                self.headers = [field for field in self.headers if field is first or field[0].lower() != "content-length"]

    def _outgoing(self) -> list[_Field]:
        """Return the fields to send, with Server and Date."""
        fields = [(name.lower(), _encoded(value)) for name, value in self.headers]
        if _CONTRACT.names_server_and_date:
            names = {name for name, _ in fields}
            if "server" not in names:
                fields.append(("server", self.version))
            if "date" not in names:
                fields.append(_date_field())
        return fields

    def send_headers(self) -> None:
        """Pass the response's fields to the connection; once."""
        if self.headers_sent:
            return
        if not self.h2_conn.send_response_headers(self.stream_id, self.status_code, self._outgoing()):
            self._aborted("the stream was closed before its headers were sent")
        self.headers_sent = True

    def write(self, data: bytes) -> None:
        """Send a part of the body; for a response without a body, send the head and end the stream.

        Args:
            data: The part. An empty one sends nothing, but checks that the
                stream is still open.

        Raises:
            TypeError: It is not ``bytes``.
            HTTP2StreamError: The stream is gone, or the response has no body
                and more than a MiB was written.
        """
        # The application calls it, while the lock is free.
        with self.h2_conn.lock:
            self._write(data)

    def _write(self, data: bytes) -> None:
        if not isinstance(data, bytes):
            raise TypeError(f"{data!r} is not a byte")
        if self._omits_body:
            self._send_bodiless()
            if data:
                self._warn_of_body()
                self._dropped += len(data)
                if self._dropped > _DROPPED:
                    self._aborted("too many octets were written to a response without a body")
            return
        if self.response_length is not None:
            data = data[: max(0, self.response_length - self.sent)]
        if not data:
            if not self.h2_conn.is_awaited(self.stream_id):
                self._aborted("the stream was closed while the application had nothing to send")
            return
        self.send_headers()
        self.sent += len(data)
        if not self.h2_conn.send_data(self.stream_id, data):
            self._aborted("the stream was closed, or its peer stalled, while the body was sent")

    def send_parts(self, parts: Any) -> None:
        """Send the parts of an iterable, and the end of the response.

        The iterable of a response without a body is not consumed further once the head is known.

        Args:
            parts: The application's result; its ``close`` is left to the caller.

        Raises:
            TypeError: A part is not ``bytes``.
            ValueError: The body is shorter than its Content-Length.
            HTTP2StreamError: The stream is gone.
        """
        lock = self.h2_conn.lock
        step = None
        while not self._omits_body:
            lock.release()
            try:
                if step is None:
                    step = iter(parts).__next__
                part = step()
            except StopIteration:
                break
            finally:
                lock.acquire()
            self._write(part)
        self.close()

    def _send_bodiless(self) -> None:
        """Send the head of a response without a body, and end the stream; once."""
        if self._stream_ended:
            return
        self._stream_ended = True
        if not self.h2_conn.send_response_headers(self.stream_id, self.status_code, self._outgoing(), end_stream=True):
            self._aborted("the stream was closed before its headers were sent")
        self.headers_sent = True

    def _warn_of_body(self) -> None:
        # As gunicorn versions that omit bodies do.
        if _CONTRACT.omits_bodies and not self._omits_body_warned:
            self._omits_body_warned = True
            wsgi.log.warning(
                "WSGI app sent body bytes on a no-body response (method=%s status=%s); dropping per RFC 9110.",
                self.req.method, self.status_code,
            )

    def close(self) -> None:
        """End the response, with the application's trailers if any.

        Raises:
            ValueError: The body is shorter than its Content-Length.
            HTTP2StreamError: The stream is gone.
        """
        if self._stream_ended:
            return
        if self._omits_body:
            self._send_bodiless()
            return
        self._check_length(self.sent)
        self.send_headers()
        self._stream_ended = True
        if not self.h2_conn.end_stream(self.stream_id, trailers=self.trailers):
            self._aborted("the stream was closed before the response was complete")

    def _check_length(self, size: int) -> None:
        length = self.response_length
        if length is not None and size < length:
            raise ValueError(f"the body has {size} octets and Content-Length says {length}")

    def _aborted(self, what: str) -> None:
        self._stream_ended = True
        raise HTTP2StreamError(self.stream_id, f"response aborted: {what}")

    def send_whole(self, parts: Any) -> bool:
        """Send the fields, the body and the end of the stream together, if the body is known.

        Args:
            parts: The application's result.

        Returns:
            True if the response is complete; otherwise nothing was sent, and
            the parts have to be written one by one.
        """
        kind = type(parts)
        if kind is not list and kind is not tuple:
            return False
        if self.headers_sent or self.status is None or self._omits_body or self.trailers or self._stream_ended:
            if self._omits_body:
                self._add_length(parts)
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
        if length is not None and len(body) != length:
            self._check_length(len(body))
            # Octets beyond the Content-Length are dropped.
            body = body[:length]
        self.sent = len(body)
        self._stream_ended = True
        if not self.h2_conn.send_whole(self.stream_id, self.status_code, self._outgoing(), body):
            self.headers_sent = self.h2_conn.last_cut_off == self.stream_id
            self._aborted("the stream was closed, or its peer stalled, before the response was complete")
        self.headers_sent = True
        return True

    def replace_head(self, status: str, size: int = 0) -> None:
        """Record another status, for the log and the hooks; sends nothing.

        Args:
            status: Code and reason of the response that the client gets.
            size: Octets of its body.
        """
        self.status = status
        self.status_code = int(status[:3])
        self.headers = []
        self.response_length = None
        self.sent = size

    def _add_length(self, parts: Any) -> None:
        """Add a Content-Length to a response to HEAD, from the complete body of the application."""
        if self.req.method != "HEAD" or self.headers_sent or self.response_length is not None or self.status_code in (204, 304):
            return
        size = sum(len(part) for part in parts if isinstance(part, bytes))
        if size:
            self.headers.append(("Content-Length", str(size)))

    def send_early_hints(self, headers: Any) -> None:
        """``wsgi.early_hints``: send 103 with these fields.

        Args:
            headers: ``(name, value)`` pairs.
        """
        fields = [(name, _encoded(value)) for name, value in headers]
        with self.h2_conn.lock:
            self.h2_conn.send_informational(self.stream_id, 103, fields)

    def queue_trailers(self, trailers: Any) -> None:
        """``gunicorn.http2.send_trailers`` and ``wsgi.ext.http.send_trailers``: end the stream with these fields.

        Args:
            trailers: ``(name, value)`` pairs.
        """
        self.trailers = [(name.decode("latin-1") if isinstance(name, bytes) else name, _encoded(value)) for name, value in trailers]


class _RememberedResponse(WholeResponse):
    """The same, with cached fields and status lines."""

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
        """Accept a status and fields that are valid; return False if gunicorn has to check them."""
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
                    entry = _classify(*field)
                    if entry is None:
                        return False
                kept.append(entry[0])
                if entry[2] == _LENGTH:
                    if length is not None:
                        return False
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

    def _outgoing(self) -> list[_Field]:
        """Return the fields to send, with Server and Date."""
        remembered = _fields.get
        fields: list[_Field] = []
        kinds = 0
        for field in self.headers:
            entry = remembered(field) or _classify(*field)
            if entry is None:
                name = field[0].lower()
                fields.append((name, _encoded(field[1])))
                kinds |= _SERVER if name == "server" else _DATE if name == "date" else 0
            else:
                fields.append(entry[1])
                kinds |= entry[2]
        if not kinds & _SERVER:
            fields.append(("server", self.version))
        if not kinds & _DATE:
            fields.append(_date_field())
        return fields


#: The class of responses.
HTTP2Response = _RememberedResponse if known else WholeResponse
