"""Fuzz one target with atheris: ``python -m fuzz.run TARGET [options and folders of libFuzzer]``."""
from __future__ import annotations

import importlib
import os
import sys

import atheris


def main() -> None:
    """Hand the target to libFuzzer, which ends the process."""
    name = sys.argv.pop(1)
    sys.argv[0] = os.environ.get("FASTH2_FUZZ_AGAIN", sys.argv[0])
    with atheris.instrument_imports(include=["fasth2"], enable_loader_override=False):
        target = importlib.import_module(f"fuzz.targets.{name}")
    atheris.Setup(sys.argv, target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
