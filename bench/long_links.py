"""Uploads over a link with a delay, by curl: HTTP/1.1 and HTTP/2 to the same server through the same relay.

usage: python -m bench.long_links [--quick] [--servers NAME ...]

The relay is in this process. It delays each direction by half the round trip, and where a rate is given it passes on no
more octets a second than that, and holds no more than what is on its way.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.relay import Relay

from .e2e import APPLICATION
from .serving import HOST, Failed, Server, free_port, issue_certificate, serving
from .tables import columns

MB = 1_000_000

_THREADS = ("--threads", "8")
_LIFESPAN = ("--asgi-lifespan", "off")

#: gunicorn's name of the worker, its options, and the application.
SERVERS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "fasth2.gunicorn.WSGIWorker": ("fasth2.gunicorn.WSGIWorker", _THREADS, "application"),
    "fasth2.gunicorn.gthread": ("fasth2.gunicorn.gthread", _THREADS, "application"),
    "fasth2.gunicorn.gevent": ("fasth2.gunicorn.gevent", (), "application"),
    "fasth2.gunicorn.asgi": ("fasth2.gunicorn.asgi", _LIFESPAN, "asynchronous"),
    "gunicorn's gthread on h2": ("gthread", _THREADS, "application"),
}


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


def main(arguments: Sequence[str]) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.long_links", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small uploads to each server")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    options = parser.parse_args(arguments)
    links = QUICK if options.quick else LINKS
    table = [["uploads, MB/s: HTTP/1.1, HTTP/2, ratio", *(link.label for link in links)]]
    with tempfile.TemporaryDirectory(prefix="fasth2-links-") as made:
        directory = Path(made)
        (directory / "application.py").write_text(APPLICATION)
        certificate = issue_certificate(directory)
        for name in options.servers:
            worker, more, application = SERVERS[name]
            port = free_port()
            command = [
                sys.executable, "-m", "gunicorn", "-k", worker, *more, "--chdir", directory, "--workers", "1",
                "--log-level", "warning", "--http-protocols", "h2,h1", "--certfile", certificate.chain,
                "--keyfile", certificate.key, "--bind", f"{HOST}:{port}", f"application:{application}",
            ]
            cells = []
            with serving(name.replace(" ", "_").replace("'", ""), command, port, directory) as server:
                for link in links:
                    if worker == "gthread" and link.octets > 50 * MB:
                        cells.append("")  # minutes
                        continue
                    old, new = measure(link, server, directory)
                    cells.append(f"{old / MB:.1f}, {new / MB:.1f}, {new / old:.2f}")
            table.append([name, *cells])
            print(name, *cells, sep=" | ", file=sys.stderr, flush=True)
    print(columns(table))


if __name__ == "__main__":
    main(sys.argv[1:])
