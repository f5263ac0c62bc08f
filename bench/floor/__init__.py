"""The floor: the C program beside this file, driven as one more contestant.

A recording is handed over in a file of numbers of four octets, least first, and of
octet strings, each after its length:

* connections, whether making one is timed, the opening;
* the warm-up reads and the timed reads, each list after its length;
* the list of bodies;
* the number of answers, the warm-up's first; each is content-length, date and the
  number of its body.
"""
from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ..children import Child
from ..recording import Workload

PROGRAM = Path(__file__).parent.parent.parent / ".work" / "bench" / "floor"
NAME = "libnghttp2"


def _number(value: int) -> bytes:
    return struct.pack("<I", value)


def _octets(value: bytes) -> bytes:
    return _number(len(value)) + value


def _list(values: Iterable[bytes]) -> bytes:
    written = [_octets(value) for value in values]
    return _number(len(written)) + b"".join(written)


def recording(workload: Workload) -> bytes:
    """The file that the program reads, its layout as above."""
    answers = workload.warmup_answers + workload.answers
    bodies = list(dict.fromkeys(answer.body for answer in answers))
    parts = [
        _number(workload.connections),
        _number(workload.fresh),
        _octets(workload.opening),
        _list(workload.warmup),
        _list(workload.reads),
        _list(bodies),
        _number(len(answers)),
    ]
    for answer in answers:
        parts += [_octets(answer.length), _octets(answer.date), _number(bodies.index(answer.body))]
    return b"".join(parts)


def start(workload: Workload) -> Child:
    """Start the program on a workload."""
    return Child(NAME, [PROGRAM], [recording(workload)])


def version() -> str:
    """The version of libnghttp2 that the program runs on."""
    with tempfile.NamedTemporaryFile(prefix="fasth2-bench-") as nothing:
        nothing.write(bytes(4 * 7))
        nothing.flush()
        ran = subprocess.run(
            [PROGRAM, nothing.name], input="version\n", capture_output=True, text=True, check=True
        )
    return ran.stdout.strip()
