"""The committed inputs: ``fuzz/corpus/TARGET.txt`` has one a line, in hexadecimal digits.

::

    python -m fuzz.corpora unpack TARGET FOLDER    a file for each input, as libFuzzer reads them
    python -m fuzz.corpora pack TARGET FOLDER      the other way, the largest inputs left out
    python -m fuzz.corpora zip TARGET FILE         as OSS-Fuzz reads them
"""
from __future__ import annotations

import hashlib
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
TARGETS = sorted(path.stem for path in (Path(__file__).parent / "targets").glob("[!_]*.py"))

#: A corpus stays small: inputs, and octets of each.
MOST_INPUTS = 150
MOST_OCTETS = 500


def read(target: str) -> list[bytes]:
    """Return the committed inputs of a target."""
    return [bytes.fromhex(line) for line in (FOLDER / f"{target}.txt").read_text().split()]


def name_of(data: bytes) -> str:
    """Return libFuzzer's name for an input."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def unpack(target: str, folder: str) -> None:
    """Write a file for each input."""
    for data in read(target):
        Path(folder, name_of(data)).write_bytes(data)


def pack(target: str, folder: str) -> None:
    """Replace the committed inputs by those in a folder: the longest ones of those that are not too long."""
    found = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    kept = sorted((data for data in found if 0 < len(data) <= MOST_OCTETS), key=lambda data: (-len(data), data))[:MOST_INPUTS]
    (FOLDER / f"{target}.txt").write_text("".join(data.hex() + "\n" for data in sorted(kept)))


def make_zip(target: str, file: str) -> None:
    """Write an archive of the inputs."""
    with zipfile.ZipFile(file, "w") as archive:
        for data in read(target):
            archive.writestr(name_of(data), data)


if __name__ == "__main__":
    COMMANDS: dict[str, Callable[[str, str], None]] = {"unpack": unpack, "pack": pack, "zip": make_zip}
    COMMANDS[sys.argv[1]](*sys.argv[2:])
