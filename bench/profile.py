"""Instructions a request, counted by valgrind's callgrind: the same on a noisy machine.

usage: python -m bench.profile [--rows ROW ...] [--contestants NAME ...] [--functions N]

Each count is the difference between two runs of one program: one that serves a
workload and one that does all the same but for the timed reads. Start-up, the opening
and the warm-up cancel out.
"""
from __future__ import annotations

import argparse
import gc
import importlib
import os
import pickle
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from . import floor
from .recording import Workload
from .rounds import Runner

_ROOT = Path(__file__).parent.parent
_SCALE = 10
_FACADE = "facade_"
_DEFAULT = ("fasth2_h2_calls", "fasth2_one_call", floor.NAME)

Counts = Counter[str]


def _serve(contestant: str, path: str, part: str) -> None:
    """The profiled program: let a module of ``bench.contestants`` serve the pickled workload.

    Where ``part`` is "idle" the timed part is left out.
    """
    module = importlib.import_module(f"bench.contestants.{contestant}")
    workload = pickle.loads(Path(path).read_bytes())
    # Where a collection falls hangs on how many objects the imports have made.
    gc.disable()
    Runner(module, _without_timed_part(workload) if part == "idle" else workload).round()


def _without_timed_part(workload: Workload) -> Workload:
    if workload.fresh:
        return replace(workload, connections=0)
    return replace(workload, reads=(), answers=())


def _callgrind(command: list[str | Path], given: str, directory: Path, source: Path | None = None) -> Counts:
    """Run a program under callgrind; return the instructions of each function."""
    path = {} if source is None else {"PYTHONPATH": str(source)}
    out = directory / "callgrind.out"
    ran = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command],
        input=given,
        capture_output=True,
        text=True,
        cwd=_ROOT,
        env={**os.environ, **path, "PYTHONHASHSEED": "0"},
    )
    if ran.returncode != 0:
        raise RuntimeError(f"{command} failed under callgrind:\n{ran.stderr}")
    return annotated(out)


def annotated(out: Path) -> Counts:
    """Read what callgrind wrote; return the instructions of each function."""
    ran = subprocess.run(
        ["callgrind_annotate", "--threshold=100", "--show-percs=no", out], capture_output=True, text=True, check=True
    )
    counts: Counts = Counter()
    for line in ran.stdout.splitlines():
        found = re.match(r"\s*([\d,]+)\s+(?:\([^)]*\)\s+)?\S*?:(\S.*)$", line)
        if found:
            counts[re.sub(r"'\d+( |$)", r"\1", found[2])] += int(found[1].replace(",", ""))
    return counts


def _module(contestant: str) -> str:
    # Imported here, so that the profiled program starts without h2's client.
    from .rows import load_contestant

    return load_contestant(contestant).__name__.rpartition(".")[2]


def _counted(contestant: str, workload: Workload, part: str, source: Path | None) -> Counts:
    with tempfile.TemporaryDirectory(prefix="fasth2-profile-") as name:
        directory = Path(name)
        path = directory / "workload"
        if contestant == floor.NAME:
            path.write_bytes(floor.recording(_without_timed_part(workload) if part == "idle" else workload))
            return _callgrind([floor.PROGRAM, path], "round\n", directory)
        path.write_bytes(pickle.dumps(workload))
        command = [sys.executable, "-m", "bench.profile", "--serve", _module(contestant), path, part]
        return _callgrind(command, "", directory, source)


def instructions(row: str, contestant: str, workload: Workload, source: Path | None = None) -> Counts:
    """Count the timed part of a row.

    Args:
        row: The row.
        contestant: The contestant.
        workload: The row's workload, scaled.
        source: The folder that has another fasth2, built by this interpreter.

    Returns:
        For each function its own instructions, all requests together.
    """
    if row.startswith(_FACADE):
        workload = workload.as_text()
    counts = _counted(contestant, workload, "whole", source)
    counts.subtract(_counted(contestant, workload, "idle", source))
    return counts


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        _serve(*sys.argv[2:])
        return
    from . import rows

    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=(*rows.ENGINE_ROWS, *rows.FACADE_ROWS), default=rows.ENGINE_ROWS)
    known = (*rows.ENGINE_CONTESTANTS, *rows.FACADE_CONTESTANTS)
    parser.add_argument("--contestants", nargs="+", choices=known, default=_DEFAULT)
    parser.add_argument("--functions", type=int, default=0, help="also list so many functions of each")
    options = parser.parse_args()
    print("| instructions a request |", " | ".join(options.contestants), "|")
    print("| --- |" + " ---: |" * len(options.contestants))
    listed: list[str] = []
    for row in options.rows:
        workload = rows.workload_of(row, _SCALE)
        cells = []
        for contestant in options.contestants:
            counts = instructions(row, contestant, workload)
            total = sum(counts.values()) / workload.requests
            cells.append(f"{total:,.0f}")
            if options.functions:
                listed.append(f"\n{row}, {contestant}: {total:,.0f} instructions a request, of them")
                listed += [
                    f"{count / workload.requests:10,.1f}  {function}"
                    for function, count in counts.most_common(options.functions)
                ]
        print(f"| {row} |", " | ".join(cells), "|", flush=True)
    print("\n".join(listed))


if __name__ == "__main__":
    main()
