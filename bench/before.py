"""This checkout beside another one, usually that of an earlier commit: has anything become slower?

usage: python -m bench.before CHECKOUT [--engine | --servers] [--rows ROW ...] [--workers NAME ...] [--pairs N]

CHECKOUT is a clone that was built by the same interpreter (``make build``). The engine's rows are instructions a
request, counted by callgrind: one count each. The servers' rows are processor time of the server for each request:
both servers stand at once, h2load calls them in turn, and which goes first alternates. Shown are the median of the
pairs' ratios and its bootstrap interval of 95 per cent.
"""
from __future__ import annotations

import argparse
import contextlib
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from . import h2load, profile, rows
from .e2e import APPLICATION, MIB
from .h2load import Load
from .serving import HOST, Failed, Server, free_port, issue_certificate, serving

#: By how much a row may be slower: instructions; the lower end of the interval of the servers' ratios.
ALLOWED = 1.03

PAIRS = 15
_SCALE = 10
_RESAMPLES = 10_000
_ENGINE = ("fasth2_h2_calls", "fasth2_one_call")
_HERE = Path(__file__).parent.parent / "src"


class Worker(NamedTuple):
    """A worker of fasth2 under gunicorn.

    Attributes:
        names: Its class in ``fasth2.gunicorn``, newest name first: checkouts differ.
        options: Options of gunicorn.
        application: What it runs.
    """

    names: tuple[str, ...]
    options: tuple[str, ...]
    application: str


WORKERS = {
    "wsgi": Worker(("WSGIWorker", "Worker"), ("--threads", "8"), "application"),
    "gthread": Worker(("gthread", "ThreadWorker"), ("--threads", "8"), "application"),
    "gevent": Worker(("gevent", "GeventWorker"), (), "application"),
    "asgi": Worker(("asgi", "ASGIWorker"), ("--asgi-lifespan", "off"), "asynchronous"),
}

SERVER_ROWS = {
    "8x10": Load("/", 13, 8, 10),
    "1x10": Load("/", 13, 1, 10),
    "100x1": Load("/", 13, 100, 1),
    "download": Load("/large", MIB, 2, 2),
}

#: Seconds of load for one sample.
_SECONDS = 0.7


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Return the median of ratios, and the 95 per cent bootstrap interval of it.

    Args:
        ratios: One a pair.

    Returns:
        Median, lower end, upper end.
    """
    dice = random.Random(2)
    medians = sorted(statistics.median(dice.choices(ratios, k=len(ratios))) for _ in range(_RESAMPLES))
    return statistics.median(ratios), medians[_RESAMPLES * 25 // 1000], medians[_RESAMPLES * 975 // 1000 - 1]


def _class_name(source: Path, worker: Worker) -> str:
    text = (source / "fasth2" / "gunicorn" / "__init__.py").read_text()
    offered = text.partition("__all__ = ")[2]
    name = next(name for name in worker.names if f'"{name}"' in offered)
    return f"fasth2.gunicorn.{name}"


def _environment(source: Path) -> dict[str, str]:
    # Before the path file of the environment, which has this checkout.
    return {**os.environ, "PYTHONPATH": str(source)}


def _processor_seconds_a_request(load: Load, server: Server, requests: int) -> float:
    before = server.processor_seconds()
    report = h2load.run(load, server, requests)
    if report.lost:
        raise Failed(f"{load}: {report.lost} of {requests} requests lost")
    return (server.processor_seconds() - before) / report.answered


def _pairs(load: Load, servers: tuple[Server, Server], pairs: int) -> list[float]:
    """The ratios of processor time, the first server's to the second's."""
    first = 40 if load.octets >= MIB else 2_000
    for server in servers:
        report = h2load.run(load, server, first)
    requests = max(first, round(report.rate * _SECONDS / load.clients) * load.clients)
    ratios = []
    for number in range(pairs):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        spent = {which: _processor_seconds_a_request(load, servers[which], requests) for which in order}
        ratios.append(spent[0] / spent[1])
    return ratios


def compare_servers(other: Path, names: Sequence[str], chosen: Sequence[str], pairs: int) -> int:
    """Print the servers' rows; return how many are slower here.

    Args:
        other: The other checkout's ``src``.
        names: Workers, of ``WORKERS``.
        chosen: Rows, of ``SERVER_ROWS``.
        pairs: How many pairs each row takes.
    """
    slower = 0
    print("| processor time a request, here / there | median | 95 % | |\n| --- | ---: | ---: | --- |", flush=True)
    for name in names:
        worker = WORKERS[name]
        with tempfile.TemporaryDirectory(prefix="fasth2-before-") as made, contextlib.ExitStack() as stack:
            directory = Path(made)
            (directory / "application.py").write_text(APPLICATION)
            certificate = issue_certificate(directory)
            servers = []
            for which, source in (("here", _HERE), ("there", other)):
                port = free_port()
                command = [
                    sys.executable, "-m", "gunicorn", "-k", _class_name(source, worker), *worker.options,
                    "--chdir", directory, "--workers", "1", "--log-level", "warning", "--certfile", certificate.chain,
                    "--keyfile", certificate.key, "--bind", f"{HOST}:{port}", f"application:{worker.application}",
                ]
                servers.append(stack.enter_context(
                    serving(f"{name}-{which}", command, port, directory, env=_environment(source))))
            for row in chosen:
                middle, low, high = interval(_pairs(SERVER_ROWS[row], (servers[0], servers[1]), pairs))
                slower += low > ALLOWED
                verdict = "slower" if low > ALLOWED else "faster" if high < 1 else ""
                print(f"| {name} {row} | {middle:.3f} | {low:.3f} to {high:.3f} | {verdict} |", flush=True)
    return slower


def compare_engines(other: Path, chosen: Sequence[str]) -> int:
    """Print the engine's rows; return how many take more instructions here than allowed.

    Args:
        other: The other checkout's ``src``.
        chosen: Rows of the engine.
    """
    slower = 0
    print("| instructions a request | calls | there | here | ratio | |\n| --- | --- | ---: | ---: | ---: | --- |",
          flush=True)
    for row in chosen:
        workload = rows.workload_of(row, _SCALE)
        for contestant in _ENGINE:
            here, there = (
                sum(profile.instructions(row, contestant, workload, source).values()) / workload.requests
                for source in (_HERE, other)
            )
            slower += here > there * ALLOWED
            verdict = "slower" if here > there * ALLOWED else ""
            calls = contestant.removeprefix("fasth2_")
            print(f"| {row} | {calls} | {there:,.0f} | {here:,.0f} | {here / there:.3f} | {verdict} |", flush=True)
    return slower


def main(arguments: list[str]) -> int:
    """Compare, and print; return 1 where something is slower."""
    parser = argparse.ArgumentParser(prog="python -m bench.before", description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--engine", action="store_true", help="only the engine's rows")
    parser.add_argument("--servers", action="store_true", help="only the servers' rows")
    parser.add_argument("--rows", nargs="+", choices=(*rows.ENGINE_ROWS, *SERVER_ROWS))
    parser.add_argument("--workers", nargs="+", choices=WORKERS, default=list(WORKERS))
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"pairs of each server row ({PAIRS})")
    options = parser.parse_args(arguments)
    other = options.checkout.resolve() / "src"
    if not list((other / "fasth2").rglob("*.so")):
        parser.error(f"{options.checkout} is not built: run `make build` in it")
    wanted = options.rows or (*rows.ENGINE_ROWS, *SERVER_ROWS)
    slower = 0
    if not options.servers:
        slower += compare_engines(other, [row for row in rows.ENGINE_ROWS if row in wanted])
        print()
    if not options.engine:
        slower += compare_servers(other, options.workers, [row for row in SERVER_ROWS if row in wanted], options.pairs)
    print(f"\n{slower} rows are slower." if slower else "\nNothing is slower.")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
