"""Whole servers over TLS, one process each, in turn under h2load.

usage: python -m bench.servers [--interface {wsgi,asgi}] [--quick] [--only NAME ...] [--row NAME ...]
                               [--rounds N] [--connections N] [--worker-class CLASS] [--json FILE] [--svg FILE]
"""
from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..serving import processor_name
from . import asgi_contestants, asgi_rows
from . import contestants as wsgi_contestants
from . import rows as wsgi_rows
from .contestants import Contestant
from .measuring import ROOT, Measuring
from .report import LEGEND, Results, failures, picture, table
from .rows import FULL, QUICK, Row

_ROUNDS, _QUICK_ROUNDS = 3, 1


class _Interface(NamedTuple):
    """What is measured of servers of one interface.

    Attributes:
        contestants: From the class of fasth2's worker, the servers by name.
        worker_class: fasth2's worker.
        rows: The rows by name.
    """

    contestants: Callable[[str], dict[str, Contestant]]
    worker_class: str
    rows: dict[str, Row]


_INTERFACES = {
    "wsgi": _Interface(wsgi_contestants.contestants, wsgi_contestants.OWN_WORKER, wsgi_rows.ROWS),
    "asgi": _Interface(asgi_contestants.contestants, asgi_contestants.OWN_WORKER, asgi_rows.ROWS),
}


def _git(*words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return ran.stdout.strip() if ran.returncode == 0 else "unknown"


def _commit() -> str:
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return _git("rev-parse", "HEAD")[:10] + (" with changes" if changed else "")


def _versions(chosen: dict[str, Contestant]) -> dict[str, str]:
    versions = {contestant.package: contestant.version() for contestant in chosen.values()}
    for name in ("gunicorn", "h2", "uvicorn", "uvloop", "Flask", "Django", "starlette", "fastapi"):
        versions[name] = Contestant(name, name, lambda *_: []).version()
    return {name: version for name, version in versions.items() if version}


def _options(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line; what servers and rows there are depends on the interface."""
    first = argparse.ArgumentParser(add_help=False)
    first.add_argument("--interface", choices=_INTERFACES, default="wsgi", help="what the servers speak to the application (wsgi)")
    interface = _INTERFACES[first.parse_known_args(arguments)[0].interface]
    names, worker_class = list(interface.contestants("")), interface.worker_class
    parser = argparse.ArgumentParser(
        prog="python -m bench.servers", description=__doc__.splitlines()[0], parents=[first])
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME",
                        help=f"servers: {', '.join(names)}")
    parser.add_argument("--row", nargs="+", choices=interface.rows, default=list(interface.rows), metavar="NAME",
                        help=f"rows: {', '.join(interface.rows)}")
    parser.add_argument("--rounds", type=int, help=f"how often each is measured ({_ROUNDS})")
    parser.add_argument("--connections", type=int, help=f"how many stand idle ({FULL.connections})")
    parser.add_argument("--worker-class", default=worker_class, help=f"fasth2's worker ({worker_class})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the samples go")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="where the picture goes")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, and print the table; return 1 where a request was lost or a server failed."""
    options = _options(arguments)
    interface = _INTERFACES[options.interface]
    known = interface.contestants(options.worker_class)
    chosen = {name: known[name] for name in known if name in options.only and known[name].version()}
    for name in options.only:
        if name not in chosen:
            print(f"{known[name].package} is not installed: {name} is left out.", file=sys.stderr)
    rounds = options.rounds or (_QUICK_ROUNDS if options.quick else _ROUNDS)
    pace = QUICK if options.quick else FULL
    if options.connections:
        pace = pace._replace(connections=options.connections)
    measuring = Measuring(chosen, rounds, pace)
    measuring.measure({name: row for name, row in interface.rows.items() if name in options.row})
    raw: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "commit": _commit(),
        "processor": processor_name(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "openssl": " ".join(ssl.OPENSSL_VERSION.split()[:2]),
        "versions": _versions(chosen),
        "contestants": {name: contestant.title for name, contestant in chosen.items()},
        "interface": options.interface,
        "worker_class": options.worker_class,
        "rounds": rounds,
        "quick": options.quick,
        "samples": measuring.samples,
        "errors": measuring.errors,
    }
    results = Results(raw)
    print(results.heading(), table(results), LEGEND, *failures(results), sep="\n\n")
    if options.json:
        options.json.write_text(json.dumps(raw, indent=1) + "\n")
    if options.svg:
        options.svg.write_text(picture(results))
    lost = sum(results.lost(row, name) for row in measuring.samples for name in chosen)
    if not lost:
        print("\nNo request was lost.")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
