"""What a workload is made of. It knows no engine, nor who recorded it."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

# The largest frame a peer takes without having said more.
FRAME_SIZE = 16_384


class Answer(NamedTuple):
    """What the application answers to one request.

    Attributes:
        length: The value of content-length.
        date: The value of date.
        body: The whole body.
        chunks: The body but its last part, cut into parts of one frame each, for
            engines that take no more at once.
        last: The body's last part.
    """

    length: bytes
    date: bytes
    body: bytes
    chunks: tuple[bytes, ...]
    last: bytes


@dataclass(frozen=True)
class Workload:
    """One row: what the client sends and what it is answered.

    Attributes:
        name: Stable name of the row.
        opening: Preface, SETTINGS and windows. Received before the time starts.
        warmup: Reads that fill the header tables, received before the time starts.
        reads: The reads that are timed.
        warmup_answers: The answers to the requests of ``warmup``.
        answers: The answers to the requests of ``reads``.
        connections: How many connections a round serves, each with the same reads.
        uploaded: Octets of body in each request.
        fresh: Whether making the connection and receiving ``opening`` is timed too.
    """

    name: str
    opening: bytes
    reads: tuple[bytes, ...]
    answers: tuple[Answer, ...]
    warmup: tuple[bytes, ...] = ()
    warmup_answers: tuple[Answer, ...] = ()
    connections: int = 1
    uploaded: int = 0
    fresh: bool = False

    @property
    def requests(self) -> int:
        """Requests that one round times."""
        return self.connections * len(self.answers)

    def as_text(self) -> Workload:
        """The same with the values of header fields as ``str``, as WSGI has them."""

        def texts(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
            return tuple(
                answer._replace(length=answer.length.decode(), date=answer.date.decode()) for answer in answers
            )

        return replace(self, answers=texts(self.answers), warmup_answers=texts(self.warmup_answers))
