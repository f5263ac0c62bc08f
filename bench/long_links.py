"""Uploads over a link with a delay, by curl: HTTP/1.1 and HTTP/2 to the same server through the same relay.

usage: python -m bench.long_links [--quick] [--servers NAME ...] [--links LABEL ...] [--rounds N] [--json FILE]

Servers that bench/servers compares with take part where they are installed (`make bench-servers`). Where there are
several rounds, a rate is their median. The relay is in this process. It delays each direction by half the round trip,
and where a rate is given it passes on no more octets a second than that, and holds no more than what is on its way.
"""
from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.support.relay import Relay

from .e2e import APPLICATION
from .servers.contestants import OWN_WORKER, Contestant, contestants
from .serving import (
    HOST,
    Certificate,
    Failed,
    Server,
    free_port,
    issue_certificate,
    processor_name,
    serving,
)
from .tables import columns

ROOT = Path(__file__).resolve().parent.parent
MB = 1_000_000

_THREADS = ("--threads", "8")
_LIFESPAN = ("--asgi-lifespan", "off")

Command = Callable[[int, Certificate], list[str | Path]]


def _gunicorn(worker: str, *options: str, application: str = "application") -> Command:
    def command(port: int, certificate: Certificate) -> list[str | Path]:
        return [
            sys.executable, "-m", "gunicorn", "-k", worker, *options, "--workers", "1", "--log-level", "warning",
            "--http-protocols", "h2,h1", "--certfile", certificate.chain, "--keyfile", certificate.key,
            "--bind", f"{HOST}:{port}", f"application:{application}",
        ]

    return command


def _engine(port: int, certificate: Certificate) -> list[str | Path]:
    return [sys.executable, "-m", "bench.link_server", str(port), certificate.chain, certificate.key]


def _others() -> dict[str, Command]:
    """Other servers, as far as they are installed."""

    def command(server: Contestant, options: list[str], port: int, certificate: Certificate) -> list[str | Path]:
        return [*server.command("application", port, certificate), *options]

    every = contestants(OWN_WORKER)
    # Peregrine's default is less than the bodies.
    options = {"granian-8": [], "peregrine": ["--max-body", str(64 * MB)]}
    return {
        every[name].title: partial(command, every[name], more)
        for name, more in options.items() if every[name].version() is not None
    }


#: What starts a server, in the folder of the application.
SERVERS: dict[str, Command] = {
    OWN_WORKER: _gunicorn(OWN_WORKER, *_THREADS),
    "fasth2.gunicorn.gthread": _gunicorn("fasth2.gunicorn.gthread", *_THREADS),
    "fasth2.gunicorn.gevent": _gunicorn("fasth2.gunicorn.gevent"),
    "fasth2.gunicorn.asgi": _gunicorn("fasth2.gunicorn.asgi", *_LIFESPAN, application="asynchronous"),
    "the engine, through h2_calls.py": _engine,
    **_others(),
    "gunicorn gthread on h2": _gunicorn("gthread", *_THREADS),
}

#: Those of which a large upload takes minutes.
SLOW = {"granian, 8 threads", "peregrine", "gunicorn gthread on h2"}


class Link(NamedTuple):
    """A link and what is sent over it.

    Attributes:
        size: Octets of each body.
        trip: Seconds of a round trip.
        rate: Octets a second, each way; ``None`` for any.
        connections: How many clients send at a time, with one connection each.
        streams: How many bodies each of them sends at a time; over HTTP/1.1 one after another.
    """

    size: int
    trip: float
    rate: float | None
    connections: int = 1
    streams: int = 1

    @property
    def label(self) -> str:
        rate = "" if self.rate is None else f", {self.rate / MB:g} MB/s"
        count = f"{self.connections} connections, " if self.connections > 1 else ""
        count += f"{self.streams} at once on one, " if self.streams > 1 else ""
        return f"{count}{self.size // MB} MB, {self.trip * 1000:g} ms{rate}"

    @property
    def octets(self) -> int:
        return self.size * self.connections * self.streams


LINKS = (
    Link(20 * MB, 0.05, None),
    Link(50 * MB, 0.05, 10 * MB),
    Link(200 * MB, 0.2, 10 * MB),
    Link(12 * MB, 0.05, 10 * MB, streams=4),
    Link(50 * MB, 0.05, 10 * MB, connections=4),
)
QUICK = (Link(4 * MB, 0.05, None), Link(5 * MB, 0.05, 10 * MB))


def upload(link: Link, port: int, body: Path, version: str) -> float:
    """Send the bodies of a row; return the seconds until the last answer.

    Args:
        link: The row.
        port: The relay's.
        body: A file with one body.
        version: curl's option for the version of HTTP.

    Raises:
        Failed: A request had another answer than 200, or spoke another version.
    """
    # The relay limits each connection, so HTTP/1.1 has one too.
    command = ["curl", "--no-progress-meter", *(["--parallel"] if version == "--http2" else [])]
    for number in range(link.streams):
        command += ["--next"] if number else []
        command += ["--insecure", version, "--header", "Expect:", "--write-out", "%{json}\n", "--data-binary", f"@{body}",
                    "--output", "/dev/null", f"https://{HOST}:{port}/"]
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(link.connections)]
    longest = 0.0
    for client in clients:
        answers = [json.loads(line) for line in client.communicate()[0].splitlines()]
        spoken = "2" if version == "--http2" else "1.1"
        if len(answers) != link.streams or any(
            (answer["response_code"], answer["http_version"]) != (200, spoken) for answer in answers
        ):
            raise Failed(f"{link.label} {version}: {answers}")
        times = [answer["time_total"] for answer in answers]
        longest = max(longest, max(times) if version == "--http2" else sum(times))
    return longest


def measure(link: Link, server: Server, directory: Path) -> tuple[float, float]:
    """Return the octets a second of a row over HTTP/1.1 and over HTTP/2.

    Args:
        link: The row.
        server: Where the relay passes it on.
        directory: Where the body is written.
    """
    body = directory / f"body_{link.size}"
    if not body.exists():
        body.write_bytes(bytes(link.size))
    rates = []
    for version in ("--http1.1", "--http2"):
        with Relay(server.port, link.trip / 2, link.rate) as relay:
            rates.append(link.octets / upload(link, relay.port, body, version))
    return rates[0], rates[1]


def measured(options: argparse.Namespace) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the rates over HTTP/1.1 and HTTP/2, for each server and each label of a link.

    Args:
        options: Those of the command line.
    """
    rates: dict[str, dict[str, tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="fasth2-links-") as made:
        directory = Path(made)
        (directory / "application.py").write_text(APPLICATION)
        certificate = issue_certificate(directory)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (
            str(ROOT), os.environ.get("PYTHONPATH"))))}
        for name in options.servers:
            port = free_port()
            command = SERVERS[name](port, certificate)
            found = rates[name] = {}
            with serving("server", command, port, directory, cwd=directory, env=environment) as server:
                for link in options.links:
                    if name in SLOW and link.octets > 50 * MB:
                        continue
                    rounds = [measure(link, server, directory) for _ in range(options.rounds)]
                    old, new = (statistics.median(rates) for rates in zip(*rounds))
                    found[link.label] = old, new
            print(name, *map(shown, found.values()), sep=" | ", file=sys.stderr, flush=True)
    return rates


def shown(rates: tuple[float, float]) -> str:
    """Return the cell of a table: MB/s over HTTP/1.1, over HTTP/2, and the ratio."""
    old, new = rates
    return f"{old / MB:.1f}, {new / MB:.1f}, {new / old:.2f}"


def main(arguments: Sequence[str]) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.long_links", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small uploads to each server")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--links", nargs="+", choices=[link.label for link in LINKS], metavar="LABEL")
    parser.add_argument("--rounds", type=int, default=1, help="how often each upload is measured (1)")
    parser.add_argument("--json", type=Path, help="where the rates are written, in octets a second")
    options = parser.parse_args(arguments)
    labels = options.links
    options.links = QUICK if options.quick else [link for link in LINKS if labels is None or link.label in labels]
    rates = measured(options)
    table = [["uploads, MB/s: HTTP/1.1, HTTP/2, ratio", *(link.label for link in options.links)]]
    for name, found in rates.items():
        table.append([name, *(shown(found[link.label]) if link.label in found else "" for link in options.links)])
    print(columns(table))
    if options.json:
        versions = {}
        for package in ("granian", "peregrine-server", "gunicorn", "h2"):
            try:
                versions[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                pass
        raw = {
            "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(), "processor": processor_name(),
            "processors": os.cpu_count(), "python": platform.python_version(), "versions": versions,
            "rounds": options.rounds, "rates": rates,
        }
        options.json.write_text(json.dumps(raw, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
