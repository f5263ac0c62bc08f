"""The workloads: recorded client bytes, and the answers the server gives.

A recording is made once by h2's client, the same bytes each time, and given to
every contestant. Requests, their order and the answers are fixed by the request's
number; no clock and no random number takes part.
"""
from __future__ import annotations

import functools
from collections.abc import Callable

import h2.config
import h2.connection
import h2.settings
from hyperframe.frame import SettingsFrame

from .recording import FRAME_SIZE, Answer, Workload

_Fields = tuple[tuple[bytes, bytes], ...]

MIB = 1 << 20
_LARGEST_WINDOW = 2**31 - 1

# A response's length is taken from these in turn: 13 octets in the middle.
_SMALL_BODY_LENGTHS = (13, 11, 15, 12, 14, 10, 16, 13)
_SMALL_PATHS = tuple(b"/item/%d" % number for number in range(101, 117))
_BROWSER_PATHS = tuple(b"/shop/article/%d?view=full" % number for number in range(101, 117))
# A server that answers ten thousand requests a second sends each date ten thousand
# times. Here it changes far more often, so that no encoder lives on one list alone.
_REQUESTS_PER_DATE = 100

# Requests a connection has seen before the time starts: each path twice, so that the
# header tables are as full as they will be.
_WARMUP = 2 * len(_SMALL_PATHS)

_SMALL_START = ((b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"example.com"))
_POST_START = ((b":method", b"POST"), *_SMALL_START[1:])
_BROWSER_START = ((b":method", b"GET"), (b":authority", b"shop.example.com"), (b":scheme", b"https"))
_BROWSER_REST = (
    (b"sec-ch-ua", b'"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"'),
    (b"sec-ch-ua-mobile", b"?0"),
    (b"sec-ch-ua-platform", b'"Linux"'),
    (b"upgrade-insecure-requests", b"1"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                    b"Chrome/130.0.0.0 Safari/537.36"),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
                b"image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"),
    (b"sec-fetch-site", b"same-origin"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-user", b"?1"),
    (b"sec-fetch-dest", b"document"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"en-GB,en-US;q=0.9,en;q=0.8"),
    (b"cookie", b"session=8f14e45fceea167a5a36dedd4bea2543; theme=dark"),
)


class _Client:
    """h2's client, writing requests without waiting for an answer.

    It grants the largest windows there are, so that a server can answer a recording
    of any length, and takes the server's windows to be as large: what it writes
    depends on no answer. The workloads see to it that a server which returns credit
    is never sent more than its windows of 65,535 octets hold.
    """

    def __init__(self) -> None:
        config = h2.config.H2Configuration(client_side=True, header_encoding=None)
        connection = h2.connection.H2Connection(config)
        codes = h2.settings.SettingCodes
        connection.local_settings = h2.settings.Settings(
            client=True,
            initial_values={codes.ENABLE_PUSH: 0, codes.INITIAL_WINDOW_SIZE: _LARGEST_WINDOW},
        )
        connection.initiate_connection()
        connection.increment_flow_control_window(_LARGEST_WINDOW - 65_535)
        connection.outbound_flow_control_window = _LARGEST_WINDOW
        connection.remote_settings[codes.INITIAL_WINDOW_SIZE] = _LARGEST_WINDOW
        connection.remote_settings[codes.MAX_CONCURRENT_STREAMS] = _LARGEST_WINDOW
        connection.remote_settings.acknowledge()
        self._connection = connection
        # It acknowledges the server's SETTINGS, which every contestant writes at once.
        self.opening = connection.data_to_send() + SettingsFrame(0, flags=["ACK"]).serialize()

    def request(self, fields: _Fields, body: bytes = b"", frame: int = FRAME_SIZE) -> list[bytes]:
        """Write one request.

        Args:
            fields: Its header fields.
            body: Its body.
            frame: Octets of body in each DATA frame.

        Returns:
            Its frames, each by itself.
        """
        stream_id = self._connection.get_next_available_stream_id()
        self._connection.send_headers(stream_id, fields, end_stream=not body)
        frames = [self._connection.data_to_send()]
        for start in range(0, len(body), frame):
            end = start + frame
            self._connection.send_data(stream_id, body[start:end], end_stream=end >= len(body))
            frames.append(self._connection.data_to_send())
        return frames


@functools.cache
def body_of(size: int) -> bytes:
    """The body of so many octets that every contestant sends or receives."""
    return (bytes(range(256)) * (size // 256 + 1))[:size]


@functools.cache
def _cut(size: int) -> tuple[bytes, ...]:
    body = body_of(size)
    return tuple(body[start : start + FRAME_SIZE] for start in range(0, size, FRAME_SIZE))


def _answers(first: int, count: int, size: int | None = None) -> tuple[Answer, ...]:
    made = []
    for number in range(first, first + count):
        length = _SMALL_BODY_LENGTHS[number % len(_SMALL_BODY_LENGTHS)] if size is None else size
        second = number // _REQUESTS_PER_DATE
        date = b"Tue, 24 Nov 2026 12:%02d:%02d GMT" % divmod(second % 3600, 60)
        cut = _cut(length)
        made.append(Answer(b"%d" % length, date, body_of(length), cut[:-1], cut[-1]))
    return tuple(made)


def _small(number: int) -> _Fields:
    return (*_SMALL_START, (b":path", _SMALL_PATHS[number % len(_SMALL_PATHS)]))


def _browser(number: int) -> _Fields:
    return (*_BROWSER_START, (b":path", _BROWSER_PATHS[number % len(_BROWSER_PATHS)]), *_BROWSER_REST)


def browser_fields(number: int) -> _Fields:
    """The 17 fields of a request in the rows named browser_get."""
    return _browser(number)


def _post(number: int, size: int) -> _Fields:
    return (
        *_POST_START,
        (b":path", _SMALL_PATHS[number % len(_SMALL_PATHS)]),
        (b"content-type", b"application/octet-stream"),
        (b"content-length", b"%d" % size),
    )


def _gets(
    name: str,
    fields: Callable[[int], _Fields],
    count: int,
    *,
    together: int = 1,
    octets_a_read: int | None = None,
    size: int | None = None,
) -> Workload:
    client = _Client()
    warmup = tuple(client.request(fields(number))[0] for number in range(_WARMUP))
    requests = [client.request(fields(number))[0] for number in range(_WARMUP, _WARMUP + count)]
    reads = [b"".join(requests[start : start + together]) for start in range(0, count, together)]
    if octets_a_read is not None:
        reads = [
            read[start : start + octets_a_read] for read in reads for start in range(0, len(read), octets_a_read)
        ]
    return Workload(
        name=name,
        opening=client.opening,
        warmup=warmup,
        warmup_answers=_answers(0, _WARMUP),
        reads=tuple(reads),
        answers=_answers(_WARMUP, count, size),
    )


def _first_requests(name: str, connections: int, *, fresh: bool) -> Workload:
    client = _Client()
    return Workload(
        name=name,
        opening=client.opening,
        reads=tuple(client.request(_browser(0))),
        answers=_answers(0, 1),
        connections=connections,
        fresh=fresh,
    )


def _uploads(
    name: str, size: int, frame: int, *, uploads: int, connections: int, octets_a_read: int | None
) -> Workload:
    client = _Client()
    warmup = [b"".join(client.request(_post(number, 64), body_of(64))) for number in range(_WARMUP)]
    reads: list[bytes] = []
    for number in range(_WARMUP, _WARMUP + uploads):
        frames = client.request(_post(number, size), body_of(size), frame)
        if octets_a_read is None:
            reads.extend(frames)
        else:
            sent = b"".join(frames)
            reads.extend(sent[start : start + octets_a_read] for start in range(0, len(sent), octets_a_read))
    return Workload(
        name=name,
        opening=client.opening,
        warmup=tuple(warmup),
        warmup_answers=_answers(0, _WARMUP),
        reads=tuple(reads),
        answers=_answers(_WARMUP, uploads),
        connections=connections,
        uploaded=size,
    )


def _make(name: str, scale: int) -> Workload:
    if name == "small_get":
        return _gets(name, _small, 2000 // scale)
    if name == "browser_get":
        return _gets(name, _browser, 2000 // scale)
    if name == "multiplexed_100":
        return _gets(name, _small, 2000 // scale, together=100)
    if name == "first_request":
        return _first_requests(name, 300 // scale, fresh=False)
    if name == "new_connection":
        return _first_requests(name, 300 // scale, fresh=True)
    if name == "browser_get_1b":
        return _gets(name, _browser, 500 // scale, octets_a_read=1)
    if name == "upload_1m":
        # Every connection is sent the same megabyte, which stays in the cache as it
        # would behind a socket.
        return _uploads(name, MIB, FRAME_SIZE, uploads=1, connections=40 // scale, octets_a_read=None)
    if name == "upload_1m_32k":
        # The same in reads of 32 KiB, about what the window of 65,535 octets lets arrive at once.
        return _uploads(name, MIB, FRAME_SIZE, uploads=1, connections=40 // scale, octets_a_read=32_768)
    if name == "upload_64b":
        return _uploads(name, 6_400, 64, uploads=200 // scale, connections=1, octets_a_read=16_384)
    if name == "download_1m":
        return _gets(name, _small, 40 // scale, size=MIB)
    raise ValueError(f"no workload is named {name!r}")


TITLES = {
    "small_get": "small GET",
    "browser_get": "browser GET, 17 fields",
    "multiplexed_100": "100 multiplexed GETs in one read",
    "first_request": "first request of a connection",
    "new_connection": "new connection and its first request",
    "browser_get_1b": "browser GET, one byte a read",
    "upload_1m": "upload 1 MiB, 16 KiB frames, one a read",
    "upload_1m_32k": "upload 1 MiB, 16 KiB frames, 32 KiB a read",
    "upload_64b": "upload 6,400 bytes, 64-byte frames",
    "download_1m": "download 1 MiB",
}
NAMES = tuple(TITLES)
FACADE_NAMES = ("small_get", "browser_get", "multiplexed_100", "download_1m")


@functools.cache
def load(name: str, scale: int = 1) -> Workload:
    """Make the recording of one row.

    Args:
        name: One of ``NAMES``.
        scale: Divides the number of requests: 10 for a run that only checks answers.

    Returns:
        The workload, the same bytes at every call.
    """
    return _make(name, scale)
