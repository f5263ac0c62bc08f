"""Whole servers over TLS, one process each, in turn under h2load.

usage: python -m bench.servers [--quick] [--only NAME ...] [--row NAME ...] [--rounds N]
                               [--worker-class CLASS] [--json FILE] [--svg FILE]
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
from pathlib import Path
from typing import Any

from ..serving import processor_name
from .contestants import OWN_WORKER, Contestant, contestants
from .measuring import ROOT, Measuring
from .report import LEGEND, Results, failures, picture, table
from .rows import FULL, QUICK, ROWS

_ROUNDS, _QUICK_ROUNDS = 3, 1


def _git(*words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return ran.stdout.strip() if ran.returncode == 0 else "unknown"


def _commit() -> str:
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return _git("rev-parse", "HEAD")[:10] + (" with changes" if changed else "")


def _versions(chosen: dict[str, Contestant]) -> dict[str, str]:
    versions = {contestant.package: contestant.version() for contestant in chosen.values()}
    for name in ("gunicorn", "h2", "Flask", "Django"):
        versions[name] = Contestant(name, name, lambda *_: []).version()
    return {name: version for name, version in versions.items() if version}


def _options(arguments: list[str]) -> argparse.Namespace:
    names = list(contestants(OWN_WORKER))
    parser = argparse.ArgumentParser(prog="python -m bench.servers", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME",
                        help=f"servers: {', '.join(names)}")
    parser.add_argument("--row", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME",
                        help=f"rows: {', '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, help=f"how often each is measured ({_ROUNDS})")
    parser.add_argument("--worker-class", default=OWN_WORKER, help=f"fasth2's worker ({OWN_WORKER})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the samples go")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="where the picture goes")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, and print the table; return 1 where a request was lost or a server failed."""
    options = _options(arguments)
    known = contestants(options.worker_class)
    chosen = {name: known[name] for name in known if name in options.only and known[name].version()}
    for name in options.only:
        if name not in chosen:
            print(f"{known[name].package} is not installed: {name} is left out.", file=sys.stderr)
    rounds = options.rounds or (_QUICK_ROUNDS if options.quick else _ROUNDS)
    measuring = Measuring(chosen, rounds, QUICK if options.quick else FULL)
    measuring.measure({name: ROWS[name] for name in ROWS if name in options.row})
    raw: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "commit": _commit(),
        "processor": processor_name(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "openssl": " ".join(ssl.OPENSSL_VERSION.split()[:2]),
        "versions": _versions(chosen),
        "contestants": {name: contestant.title for name, contestant in chosen.items()},
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
