"""The rows of whole exchanges, both sides in one process, and of the client's side alone.

usage: python -m bench.exchanges ROW CONTESTANT

Runs one contestant as a child that ``bench.children`` describes; an answer is what one exchange's events said.
"""
from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from time import process_time_ns
from types import ModuleType
from typing import NamedTuple

from .checking import WrongAnswer
from .children import Child, checked_rounds, serve_commands
from .recording import FRAME_SIZE
from .workloads import body_of

#: Contestant: its module in bench.pairs.
MODULES = {"fasth2": "fasth2_h2_calls", "h2": "h2_peer", "ngh2": "ngh2_peer", "zttp": "zttp_peer"}
CONTESTANTS = tuple(name for name in MODULES if name == "fasth2" or importlib.util.find_spec(name))

Fields = list[tuple[bytes, bytes]]


class Kind(NamedTuple):
    """What a row's exchanges are.

    Attributes:
        title: Its name in tables.
        fields: The number of a request's fields, and of a response's, beside the pseudo-header fields.
        body: Octets of a response's body.
        together: Requests that are sent before the first answer is read.
        cut: Octets of a part that a side is given at once; 0: all of them.
    """

    title: str
    fields: int = 4
    body: int = 13
    together: int = 1
    cut: int = 0


_KINDS = {
    "small": Kind("13 octets"),
    "fields_32": Kind("32 fields each way", fields=32),
    "cut_5b": Kind("in parts of 5 octets", cut=5),
    "body_32k": Kind("32 KiB", body=32768),
    "multiplexed_100": Kind("100 at once", together=100),
}
_EXCHANGE, _CLIENT = "exchange_", "client_"
TITLES = {
    **{_EXCHANGE + name: f"exchange: {kind.title}" for name, kind in _KINDS.items()},
    **{_CLIENT + name: f"client: {kind.title}" for name, kind in _KINDS.items()},
}
ROWS = tuple(TITLES)

_EXCHANGES = 2000
_PATHS = 16
#: Exchanges before the time starts, so that the header tables are full.
_WARMUP = 200


def _requests(kind: Kind, first: int, count: int) -> list[Fields]:
    return [
        [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"example.com"),
         (b":path", b"/item/%d" % (101 + number % _PATHS)),
         *((b"x-request-field-%d" % place, b"value %d" % place) for place in range(kind.fields))]
        for number in range(first, first + count)
    ]  # fmt: skip


def _answer(kind: Kind) -> tuple[bytes, Fields, bytes, tuple[bytes, ...], bytes]:
    """Status, fields, body, and the body's frames, the last one by itself."""
    body = body_of(kind.body)
    fields = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body)), (b"server", b"bench"),
              (b"date", b"Mon, 30 Nov 2026 10:00:00 GMT")]  # fmt: skip
    fields += [(b"x-response-field-%d" % place, b"value %d" % place) for place in range(len(fields), kind.fields)]
    frames = [body[at:at + FRAME_SIZE] for at in range(0, len(body), FRAME_SIZE)]
    return b"200", fields, body, tuple(frames[:-1]), frames[-1]


def _parts(octets: bytes, cut: int) -> Sequence[bytes]:
    if not cut:
        return (octets,) if octets else ()
    return [octets[at:at + cut] for at in range(0, len(octets), cut)]


class Runner:
    """A contestant with a row, in this interpreter.

    Args:
        row: The row.
        contestant: The contestant.
        scale: Divides the number of exchanges.
    """

    def __init__(self, row: str, contestant: str, scale: int = 1) -> None:
        self._pair = importlib.import_module(f"bench.pairs.{MODULES[contestant]}")
        self._alone = row.startswith(_CLIENT)
        self._kind = kind = _KINDS[row.removeprefix(_CLIENT).removeprefix(_EXCHANGE)]
        self._answer = _answer(kind)
        together = kind.together
        self.exchanges = max(_EXCHANGES // scale // together, 1) * together
        warmup = -(-_WARMUP // together) * together
        self._warmup = warmup // together
        self._batches = [
            _requests(kind, first, together) for first in range(0, warmup + self.exchanges, together)
        ]  # fmt: skip

    def _exchange(self, client: object, server: object, requests: list[Fields], asked: list, told: list) -> None:
        pair, cut, answer = self._pair, self._kind.cut, self._answer
        pair.ask(client, requests)
        left = len(requests)
        while left:
            octets = pair.output(client)
            pair.serve(server, _parts(octets, cut), answer, asked)
            back = pair.output(server)
            if not octets and not back:
                raise WrongAnswer(f"{left} exchanges have stopped")
            left -= pair.read(client, _parts(back, cut), told)

    def _whole(self, asked: list, told: list) -> int:
        """Make all exchanges; return the nanoseconds of processor time without the first ones."""
        client, server = self._pair.connect()
        for batch in self._batches[:self._warmup]:
            self._exchange(client, server, batch, [], [])
        start = process_time_ns()
        for batch in self._batches[self._warmup:]:
            self._exchange(client, server, batch, asked, told)
        return process_time_ns() - start

    @functools.cached_property
    def _recorded(self) -> list[list[Sequence[bytes]]]:
        """For each batch what h2's server wrote, in reply to each of h2's client's writes."""
        pair: ModuleType = importlib.import_module("bench.pairs.h2_peer")
        client, server = pair.connect()
        recorded = []
        for batch in self._batches:
            pair.ask(client, batch)
            left, replies = len(batch), []
            while left:
                pair.serve(server, (pair.output(client),), self._answer, [])
                replies.append(_parts(pair.output(server), self._kind.cut))
                left -= pair.read(client, replies[-1], [])
            recorded.append(replies)
        return recorded

    def _client(self, told: list) -> int:
        """Make the client's side of all exchanges; return the nanoseconds as `_whole`."""
        pair = self._pair
        client, _ = pair.connect()
        start = 0
        for number, (batch, replies) in enumerate(zip(self._batches, self._recorded, strict=True)):
            if number == self._warmup:
                told.clear()
                start = process_time_ns()
            pair.ask(client, batch)
            left = len(batch)
            for parts in replies:
                pair.output(client)
                left -= pair.read(client, parts, told)
            if left:
                raise WrongAnswer(f"{left} exchanges have not ended")
        return process_time_ns() - start

    def answers(self) -> list[bytes]:
        """What the events of each side said, one after another."""
        asked: list = []
        told: list = []
        if self._alone:
            self._client(told)
        else:
            self._whole(asked, told)
        return [repr(item).encode() for item in self._joined(asked) + self._joined(told)]

    def _joined(self, events: list) -> list[object]:
        """Header lists, and for each body its octets, however they were cut."""
        lists: list[object] = []
        body = b""
        for event in events:
            said = self._pair.plain(event)
            if isinstance(said, list):
                lists.append(said)
            else:
                body += said
        return [*lists, body]

    def round(self) -> int:
        """Make all exchanges once; return the nanoseconds of processor time of the timed part."""
        return self._client([]) if self._alone else self._whole([], [])

    def expected(self) -> list[bytes]:
        """What `answers` has to return."""
        status, fields, body, _, _ = self._answer
        response: Fields = [(b":status", status), *fields]
        asked: list[object] = [request for batch in self._batches[self._warmup:] for request in batch]
        told: list[object] = [*[response] * self.exchanges, body * self.exchanges]
        return [repr(item).encode() for item in ([b""] if self._alone else [*asked, b""]) + told]


def check(here: Runner, answers: list[bytes]) -> None:
    """Check what a contestant's events said.

    Args:
        here: Any contestant with the row.
        answers: Its answers.

    Raises:
        WrongAnswer: A request, a response or a body differs.
    """
    for place, (found, expected) in enumerate(zip(answers, here.expected(), strict=True)):
        if found != expected:
            raise WrongAnswer(f"{place}: {found[:200]!r}, expected {expected[:200]!r}")


def _start(row: str, contestant: str) -> Child:
    return Child(contestant, [sys.executable, "-m", "bench.exchanges", row, contestant])


def run_once(row: str, contestant: str, scale: int) -> float:
    """Check a contestant's answers, then let it make one round; return its seconds."""
    here = Runner(row, contestant, scale)
    check(here, here.answers())
    return here.round() / 1e9


@functools.cache
def samples(row: str, rounds: int) -> dict[str, list[float]]:
    """Let the contestants make exchanges in turn, as ``bench.rows.samples`` lets them serve.

    Args:
        row: The row.
        rounds: How often each makes all exchanges.

    Returns:
        For each contestant the seconds an exchange, round after round.

    Raises:
        WrongAnswer: A request, a response or a body is not the row's.
    """
    here = Runner(row, "fasth2")
    return checked_rounds(
        functools.partial(_start, row), CONTESTANTS, functools.partial(check, here), rounds, here.exchanges
    )


if __name__ == "__main__":
    serve_commands(Runner(sys.argv[1], sys.argv[2]))
