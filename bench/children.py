"""Contestants in processes of their own, one round at a time.

Each is a program that answers the commands of its standard input, a line each:

* ``round``: serve the workload once; print the nanoseconds of
  processor time that the timed part took;
* ``answers FILE``: serve it once; write to FILE what each connection was sent, each
  after its length in four octets, least first; print ``ok``.

So each has its own heap, as it would have in a server, and a round of the C floor is
asked for like any other.
"""
from __future__ import annotations

import contextlib
import gc
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

_ROOT = Path(__file__).parent.parent


def write_answers(path: str, sent: Sequence[bytes]) -> None:
    """Write the file that ``answers`` asks for."""
    with open(path, "wb") as file:
        for of_connection in sent:
            file.write(struct.pack("<I", len(of_connection)) + of_connection)


class Contestant(Protocol):
    """What a child serves with."""

    def round(self) -> int:
        """Serve once; return the nanoseconds of processor time."""

    def answers(self) -> Sequence[bytes]:
        """Serve once; return what each connection was sent."""


def serve_commands(here: Contestant) -> None:
    """Be a child: answer the commands of the standard input."""
    # The collector stays on, as in a server; what was made so far is out of its sight.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        if command == "round":
            print(here.round(), flush=True)
        elif command == "answers":
            write_answers(path, here.answers())
            print("ok", flush=True)
        else:
            raise ValueError(f"unknown command {line!r}")


class Child:
    """A running contestant.

    Args:
        name: Its name in results.
        command: What starts it, from the root of the repository.
        files: Contents of files it needs; their paths are its last arguments.
    """

    def __init__(self, name: str, command: Sequence[str | Path], files: Sequence[bytes] = ()) -> None:
        self.name = name
        self._directory = tempfile.TemporaryDirectory(prefix="fasth2-bench-")
        paths = []
        for number, content in enumerate(files):
            path = Path(self._directory.name, f"file{number}")
            path.write_bytes(content)
            paths.append(path)
        self._process = subprocess.Popen(
            [*command, *paths], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._directory.cleanup()

    def _ask(self, command: str) -> str:
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        reply = self._process.stdout.readline().strip()
        if not reply:
            raise RuntimeError(f"{self.name} ended with {self._process.wait()} when asked: {command}")
        return reply

    def round(self) -> float:
        """Let it serve once; return the seconds it took."""
        return int(self._ask("round")) / 1e9

    def answers(self) -> list[bytes]:
        """Let it serve once; return what each connection was sent."""
        path = Path(self._directory.name, "answers")
        self._ask(f"answers {path}")
        content = memoryview(path.read_bytes())
        sent = []
        while content:
            (length,) = struct.unpack_from("<I", content)
            sent.append(bytes(content[4 : 4 + length]))
            content = content[4 + length :]
        return sent


def checked_rounds(
    start: Callable[[str], Child], contestants: Sequence[str], check: Callable[[list[bytes]], None], rounds: int, parts: int,
) -> dict[str, list[float]]:
    """Start contestants, check what each answers, and let them serve in turn.

    Args:
        start: Starts one by its name.
        contestants: The names.
        check: Raises an exception for wrong answers.
        rounds: As `rounds_in_turn`.
        parts: As `rounds_in_turn`.

    Returns:
        As `rounds_in_turn`.
    """
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(start(contestant)) for contestant in contestants]
        for child in children:
            check(child.answers())
        return rounds_in_turn(children, rounds, parts)


def rounds_in_turn(children: Sequence[Child], rounds: int, parts: int) -> dict[str, list[float]]:
    """Let contestants serve in turn.

    Each round starts with the next one, so that none always follows the same one; a first round is thrown away.

    Args:
        children: The contestants.
        rounds: How often each serves.
        parts: The requests, or blocks, of a round.

    Returns:
        For each contestant the seconds a part, round after round.
    """
    taken: dict[str, list[float]] = {child.name: [] for child in children}
    for number in range(-1, rounds):
        first = number % len(children)
        for child in [*children[first:], *children[:first]]:
            seconds = child.round()
            if number >= 0:
                taken[child.name].append(seconds / parts)
    return taken
