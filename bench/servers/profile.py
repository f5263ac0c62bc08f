"""Where a server's time goes: in which library, and in which function.

usage: python -m bench.servers.profile [--only NAME] [--load ROW] [--callgrind] [--functions N] [--worker-class CLASS]

``perf`` samples the server while h2load calls it. With ``--callgrind`` instructions are
counted by valgrind instead, which needs no rights and is the same on a noisy machine, but
runs the server fifty times slower: what depends on the clock, such as a hand-over to
another thread after a millisecond, then happens far more often than it does by itself.
"""
from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .. import h2load
from ..profile import annotated
from ..serving import PATIENCE, Failed, Server, free_port, issue_certificate, serving
from .contestants import OWN_WORKER, contestants
from .measuring import ROOT
from .rows import ROWS

_SAMPLES_A_SECOND = 1_999
_WARM_UP = 2_000
_VALGRIND = ("valgrind", "--tool=callgrind", "--trace-children=yes", "--instr-atstart=no", "--quiet")


class Cost(NamedTuple):
    """What a run cost.

    Attributes:
        unit: What is counted for each request.
        requests: How many were answered.
        functions: Function, in brackets the file it is in -> what all its own code cost.
    """

    unit: str
    requests: int
    functions: Counter[str]


def _answered(load: h2load.Load, server: Server, requests: int, patience: float) -> int:
    report = h2load.run(load, server, requests, patience)
    if report.lost:
        raise Failed(f"{report.lost} requests lost")
    return report.answered


def _sampled(load: h2load.Load, server: Server, requests: int, directory: Path) -> Cost:
    """Let perf look at the server while it answers."""
    data = directory / "perf.data"
    h2load.run(load, server, _WARM_UP)
    watched = ",".join(map(str, server.processes()))
    # cpu-clock is there in virtual machines too.
    command = ["perf", "record", "--quiet", "-e", "cpu-clock", "-F", str(_SAMPLES_A_SECOND), "-p", watched, "-o", data]
    before = server.processor_seconds()
    watcher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(1)
        if watcher.poll() is not None:
            raise Failed(f"perf can't watch the server: {watcher.stderr.read()}")
        answered = _answered(load, server, requests, 120)
    finally:
        watcher.send_signal(signal.SIGINT)
        watcher.communicate()
    microseconds = (server.processor_seconds() - before) * 1e6
    printed = subprocess.run(
        ["perf", "script", "-i", data, "-F", "ip,sym,dso"], capture_output=True, text=True, check=True
    ).stdout
    functions: Counter[str] = Counter()
    for line in printed.splitlines():
        # Address, function, file in brackets.
        found = re.match(r"\s*[0-9a-f]+ (.+) \((.*)\)$", line)
        if found:
            functions[f"{found[1]} [{found[2]}]"] += 1
    samples = functions.total()
    if not samples:
        raise Failed("perf took no sample")
    return Cost("µs", answered, Counter({name: count * microseconds / samples for name, count in functions.items()}))


def _counted(load: h2load.Load, server: Server, requests: int, directory: Path) -> Cost:
    """Let a server that runs under callgrind count while it answers."""

    def control(*words: str) -> None:
        for process in server.processes():
            # The files belong to processes that serve; the first one has next to nothing to do.
            subprocess.run(["callgrind_control", *words, str(process)], check=True, capture_output=True)

    def counted() -> Counter[str]:
        control("--dump")
        functions: Counter[str] = Counter()
        for path in directory.glob("callgrind.out.*.[0-9]*"):
            functions.update(annotated(path))
            path.unlink()
        return functions

    # Connections, handshakes and first requests are in both runs.
    first = load.clients * load.streams
    h2load.run(load, server, first, 120)
    control("--instr=on")
    h2load.run(load, server, first, 120)
    opening = counted()
    _answered(load, server, first + requests, 600)
    functions = counted()
    functions.subtract(opening)
    return Cost("instructions", requests, functions)


def _file(function: str) -> str:
    found = re.search(r"\[([^][]*|\[[^]]*\])\]$", function)
    return Path(found[1]).name if found else "unknown"


def _lines(costs: Iterable[tuple[str, float]], cost: Cost) -> list[str]:
    total = cost.functions.total()
    return [f"{value / cost.requests:12,.2f}  {value / total:6.1%}  {name}" for name, value in costs]


def _shown(function: str) -> str:
    return re.sub(r" \[(?:.*/)?([^/]*)\]$", r"  (\1)", function)


def main(arguments: list[str]) -> None:
    known = contestants(OWN_WORKER)
    loads = {name: row.counted for name, row in ROWS.items() if row.counted}
    parser = argparse.ArgumentParser(prog="python -m bench.servers.profile", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=known, default="fasth2", help="the server (fasth2)")
    parser.add_argument("--load", choices=loads, default="8x10", help="the row whose load is sent (8x10)")
    parser.add_argument("--callgrind", action="store_true", help="count instructions under valgrind")
    parser.add_argument("--functions", type=int, default=40, help="how many to list (40)")
    parser.add_argument("--requests", type=int, help="how many to send (200,000; under valgrind 5,000)")
    parser.add_argument("--worker-class", default=OWN_WORKER, help=f"fasth2's worker ({OWN_WORKER})")
    options = parser.parse_args(arguments)
    tool = "valgrind" if options.callgrind else "perf"
    if not shutil.which(tool):
        sys.exit(f"{tool} is not installed")
    load = loads[options.load]
    requests = options.requests or (5_000 if options.callgrind else 200_000)
    with tempfile.TemporaryDirectory(prefix="fasth2-profile-") as name:
        directory, port = Path(name), free_port()
        certificate = issue_certificate(directory)
        application = f"bench.servers.applications.{ROWS[options.load].application}"
        command = contestants(options.worker_class)[options.only].command(application, port, certificate)
        patience = PATIENCE
        if options.callgrind:
            command = [*_VALGRIND, f"--callgrind-out-file={directory}/callgrind.out.%p", *command]
            if options.only in ("fasth2", "gunicorn"):
                # So slow, the worker would be taken for stuck.
                command[-1:-1] = ["--timeout", "0"]
            patience = 120
        with serving(options.only, command, port, directory, cwd=ROOT, patience=patience) as server:
            cost = (_counted if options.callgrind else _sampled)(load, server, requests, directory)
    print(f"{cost.functions.total() / cost.requests:,.1f} {cost.unit} a request, {options.only}, {options.load}\n")
    files: Counter[str] = Counter()
    for function, value in cost.functions.items():
        files[_file(function)] += value
    print("\n".join(_lines(files.most_common(15), cost)), "\n")
    top = [(_shown(function), value) for function, value in cost.functions.most_common(options.functions)]
    print("\n".join(_lines(top, cost)))


if __name__ == "__main__":
    main(sys.argv[1:])
