"""The rows of header compression alone: a browser's 17 fields, encoded or decoded by one HPACK package and another.

usage: python -m bench.hpack_alone ROW CONTESTANT

Runs one contestant as a child that ``bench.children`` describes; an answer is what the row made of each block.
"""
from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
import sys
from collections.abc import Callable
from time import process_time_ns
from types import ModuleType

from .checking import WrongAnswer
from .children import Child, checked_rounds, serve_commands
from .workloads import browser_fields

#: Contestant: the module that has Encoder and Decoder; jh2's are those in Rust that its connections use.
MODULES = {"fasth2": "fasth2.hpack", "hpack": "hpack", "jh2": "jh2._hazmat", "fast_hpack": "fast_hpack"}
#: Those whose package is not in bench/requirements.txt take part where it is installed.

TITLES = {
    "hpack_encode_17": "encode 17 fields",
    "hpack_decode_17": "decode 17 fields",
    "hpack_decode_17_text": "decode 17 fields as text",
    "hpack_encode_first": "encode 17 fields, tables empty",
    "hpack_decode_first": "decode 17 fields, tables empty",
}
ROWS = tuple(TITLES)
CONTESTANTS = tuple(name for name, module in MODULES.items() if importlib.util.find_spec(module.partition(".")[0]))

_BLOCKS = 2000
_WARMUP = 32

Fields = list[tuple[bytes, bytes]]


def _lists(count: int) -> list[Fields]:
    return [list(browser_fields(number)) for number in range(count)]


def _encoder(contestant: str, module: ModuleType) -> Callable[[Fields], bytes]:
    """What encodes on a new connection."""
    if contestant == "jh2":
        encode = module.Encoder().encode
        return lambda fields: encode([(name, value, False) for name, value in fields])
    if contestant == "fast_hpack":
        return module.Encoder(module.HeaderTable()).encode
    return module.Encoder().encode


def _decoder(contestant: str, module: ModuleType) -> Callable[[bytes, bool], list[tuple]]:
    """What decodes on a new connection."""
    if contestant == "fast_hpack":
        # Its `raw` is the other way round.
        decode = module.Decoder(module.HeaderTable()).decode
        return lambda block, raw: decode(block, not raw)
    return module.Decoder().decode


class Runner:
    """A contestant with a row, in this interpreter.

    Args:
        row: The row.
        contestant: The contestant.
        scale: Divides the number of blocks.
    """

    def __init__(self, row: str, contestant: str, scale: int = 1) -> None:
        module = importlib.import_module(MODULES[contestant])
        self._encoder = functools.partial(_encoder, contestant, module)
        self._decoder = functools.partial(_decoder, contestant, module)
        self._fresh = row.endswith("_first")
        self._encodes = row.startswith("hpack_encode")
        self._raw = not row.endswith("_text")
        self.blocks = _BLOCKS // scale
        self._lists = _lists(_WARMUP + self.blocks)
        # What every decoder is given is the reference's.
        reference = importlib.import_module("hpack")
        encoder = reference.Encoder()
        self._coded = [(reference.Encoder() if self._fresh else encoder).encode(fields) for fields in self._lists]

    def _steps(self) -> list[Callable[[], object]]:
        """A call for each block; the first ones fill the tables."""
        fresh, raw, encoder, decoder = self._fresh, self._raw, self._encoder, self._decoder
        if self._encodes:
            if fresh:
                return [lambda fields=fields: encoder()(fields) for fields in self._lists]
            encode = encoder()
            return [functools.partial(encode, fields) for fields in self._lists]
        if fresh:
            return [lambda block=block: decoder()(block, raw) for block in self._coded]
        decode = decoder()
        return [functools.partial(decode, block, raw) for block in self._coded]

    def answers(self) -> list[bytes]:
        """What each block was made into: blocks by an encoder, the text of lists by a decoder."""
        made = [step() for step in self._steps()]
        return made if self._encodes else [repr([tuple(field)[:2] for field in fields]).encode() for fields in made]

    def round(self) -> int:
        """Make all blocks once; return the nanoseconds of processor time, those that fill the tables left out."""
        steps = iter(self._steps())
        for step in itertools.islice(steps, _WARMUP):
            step()
        start = process_time_ns()
        for step in steps:
            step()
        return process_time_ns() - start


def check(row: str, answers: list[bytes]) -> None:
    """Check what a contestant made.

    Raises:
        WrongAnswer: A list differs from the one encoded, or a block decodes to another one.
    """
    import hpack

    lists = _lists(len(answers))
    decoder = hpack.Decoder()
    for fields, answer in zip(lists, answers, strict=True):
        if row.startswith("hpack_encode"):
            found = (hpack.Decoder() if row.endswith("_first") else decoder).decode(answer, raw=True)
            if found != fields:
                raise WrongAnswer(f"{found}, expected {fields}")
        else:
            text = row.endswith("_text")
            expected = [(name.decode(), value.decode()) if text else (name, value) for name, value in fields]
            if answer != repr(expected).encode():
                raise WrongAnswer(f"{answer!r}, expected {expected}")


def _start(row: str, contestant: str) -> Child:
    return Child(contestant, [sys.executable, "-m", "bench.hpack_alone", row, contestant])


def run_once(row: str, contestant: str, scale: int) -> float:
    """Check a contestant's answers, then let it make one round; return its seconds."""
    here = Runner(row, contestant, scale)
    check(row, here.answers())
    return here.round() / 1e9


@functools.cache
def samples(row: str, rounds: int) -> dict[str, list[float]]:
    """Let the contestants make blocks in turn, as ``bench.rows.samples`` lets them serve.

    Args:
        row: The row.
        rounds: How often each makes all blocks.

    Returns:
        For each contestant the seconds a block, round after round.

    Raises:
        WrongAnswer: A list or a block is not the row's.
    """
    return checked_rounds(functools.partial(_start, row), CONTESTANTS, functools.partial(check, row), rounds, _BLOCKS)


if __name__ == "__main__":
    serve_commands(Runner(sys.argv[1], sys.argv[2]))
