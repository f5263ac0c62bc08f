"""Play inputs without atheris, on any build: committed ones, changes of them by chance, or a file that was found.

``python -m fuzz.replay TARGET [FILE ...]``; without files, the committed inputs.
"""
from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from . import corpora


def target_of(name: str) -> Callable[[bytes], None]:
    """Return the function that plays one input."""
    one_input: Callable[[bytes], None] = importlib.import_module(f"fuzz.targets.{name}").one_input
    return one_input


def changed(inputs: list[bytes], number: int, seed: int) -> Iterator[bytes]:
    """Yield so many inputs that differ a little from those given, always the same ones."""
    chance = random.Random(seed)
    for _ in range(number):
        data = bytearray(chance.choice(inputs))
        for _ in range(chance.choice((1, 1, 2, 4))):
            at = chance.randrange(len(data) + 1)
            how = chance.randrange(5)
            if how == 0:
                data[at:at + 1] = chance.randbytes(1)
            elif how == 1:
                data[at:at] = chance.randbytes(chance.choice((1, 2, 8)))
            elif how == 2:
                del data[at:at + chance.choice((1, 2, 8))]
            elif how == 3:
                other = chance.choice(inputs)
                data[at:] = other[chance.randrange(len(other) + 1):]
            else:
                data[at:at] = data[at:at + 16]
        yield bytes(data)


if __name__ == "__main__":
    play = target_of(sys.argv[1])
    for data in [Path(file).read_bytes() for file in sys.argv[2:]] or corpora.read(sys.argv[1]):
        play(data)
