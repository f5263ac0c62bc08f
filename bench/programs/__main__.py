"""Programs on h2 and on fasth2, in turn: ``python -m bench.programs [--row NAME ...] [--rounds N] [--json FILE]``.

Processor time for each request is that of the program: a server's processes under h2load, a client's process against
nghttpd, and for grpclib the process with both ends. What is printed are medians of the ratios of neighbours in time.
"""
from __future__ import annotations

import argparse
import contextlib
import json
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench import h2load
from bench.children import Child
from bench.serving import Certificate, Server, free_port, issue_certificate, processor_name, serving
from bench.workloads import browser_fields

from .environments import LIBRARIES, command, variables

FOLDER = Path(__file__).parent


class Sample(NamedTuple):
    """One round.

    Attributes:
        cost: Seconds of processor time for each request.
        rate: Requests per second.
    """

    cost: float
    rate: float


#: What a row yields: for each library what takes one sample.
Samplers = dict[str, Callable[[], Sample]]


class ServerRow(NamedTuple):
    """A row of a server.

    Attributes:
        environment: Its environment.
        program: Its command's arguments, from the port and the certificate.
        requests: Requests of a round.
        clients: Connections.
        streams: Concurrent streams of each.
        fields: Fields of each request beside h2load's own.
    """

    environment: str
    program: Callable[[int, Certificate], list[str]]
    requests: int
    clients: int
    streams: int
    fields: tuple[tuple[bytes, bytes], ...] = ()

    @contextlib.contextmanager
    def start(self, directory: Path) -> Iterator[Samplers]:
        """Start both servers."""
        certificate = issue_certificate(directory)
        load = h2load.Load("/hello", 13, self.clients, self.streams, fields=self.fields)
        with contextlib.ExitStack() as stack:
            samplers: Samplers = {}
            for library in LIBRARIES:
                port = free_port()
                server = stack.enter_context(serving(
                    f"{self.environment}-{library}", command(self.environment, library, *self.program(port, certificate)), port,
                    directory, env=variables(library)))
                samplers[library] = self._sampler(load, server)
                samplers[library]()
            yield samplers

    def _sampler(self, load: h2load.Load, server: Server) -> Callable[[], Sample]:
        def sample() -> Sample:
            before = server.processor_seconds()
            report = h2load.run(load, server, self.requests)
            if report.lost:
                raise RuntimeError(f"{report.lost} requests were not answered")
            return Sample((server.processor_seconds() - before) / report.answered, report.rate)

        return sample


class ClientRow(NamedTuple):
    """A row of a client, or of both ends in one process.

    Attributes:
        environment: Its environment.
        script: The file in this folder.
        requests: Requests of a round.
        arguments: The script's, after the library and, for clients, the server's URL.
        asks: True if it needs a server.
    """

    environment: str
    script: str
    requests: int
    arguments: tuple[str, ...] = ()
    asks: bool = False

    @contextlib.contextmanager
    def start(self, directory: Path) -> Iterator[Samplers]:
        """Start both contestants."""
        with contextlib.ExitStack() as stack:
            url = [stack.enter_context(nghttpd(directory))] if self.asks else []
            samplers: Samplers = {}
            for library in LIBRARIES:
                line = command(self.environment, library, str(FOLDER / self.script), library, *url, *self.arguments)
                assigned = [f"{name}={value}" for name, value in variables(library).items() if name == "PYTHONPATH"]
                child = stack.enter_context(Child(library, ["env", *assigned, *line]))
                samplers[library] = self._sampler(child)
                samplers[library]()
            yield samplers

    def _sampler(self, child: Child) -> Callable[[], Sample]:
        def sample() -> Sample:
            begun = time.perf_counter()
            cost = child.round()
            return Sample(cost / self.requests, self.requests / (time.perf_counter() - begun))

        return sample


@contextlib.contextmanager
def nghttpd(directory: Path) -> Iterator[str]:
    """Run nghttpd without TLS; yield its URL."""
    (directory / "hello").write_bytes(b"Hello, world!")
    port = free_port()
    process = subprocess.Popen(["nghttpd", "--address=127.0.0.1", "--no-tls", "-d", str(directory), str(port)])
    try:
        while process.poll() is None and not _listens(port):
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def _hypercorn(port: int, certificate: Certificate) -> list[str]:
    return ["-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "--certfile", str(certificate.chain), "--keyfile",
            str(certificate.key), "bench.programs.hello_asgi:app"]


def _twisted(port: int, certificate: Certificate) -> list[str]:
    return [str(FOLDER / "hello_twisted.py"), str(port), str(certificate.chain), str(certificate.key)]


#: What a browser sends beside the pseudo-header fields.
_BROWSER = tuple(field for field in browser_fields(0) if not field[0].startswith(b":"))

ROWS: dict[str, ServerRow | ClientRow] = {
    "hypercorn -c 8 -m 10": ServerRow("hypercorn", _hypercorn, 4000, 8, 10),
    "hypercorn, 17 fields": ServerRow("hypercorn", _hypercorn, 4000, 8, 10, _BROWSER),
    "hypercorn -c 1 -m 100": ServerRow("hypercorn", _hypercorn, 900, 1, 100),
    "Twisted -c 8 -m 10": ServerRow("twisted", _twisted, 2000, 8, 10),
    "Twisted, 17 fields": ServerRow("twisted", _twisted, 2000, 8, 10, _BROWSER),
    "grpclib unary, both ends": ClientRow("grpc", "grpclib_calls.py", 400),
    "httpx, one at a time": ClientRow("hypercorn", "httpx_requests.py", 200, ("1",), asks=True),
    "httpx, 100 at once": ClientRow("hypercorn", "httpx_requests.py", 200, ("100",), asks=True),
}

#: What is asked for: times h2, by processor time.
ASKED = {"hypercorn -c 8 -m 10": 2.2, "grpclib unary, both ends": 1.8}


def measure(name: str, rounds: int) -> dict[str, list[Sample]]:
    """Take the samples of a row: a round of each library in turn, the other one first the next time."""
    samples: dict[str, list[Sample]] = {library: [] for library in LIBRARIES}
    with tempfile.TemporaryDirectory(prefix="fasth2-bench-") as directory, ROWS[name].start(Path(directory)) as samplers:
        for number in range(rounds):
            for library in LIBRARIES if number % 2 else LIBRARIES[::-1]:
                samples[library].append(samplers[library]())
    return samples


def ratio(samples: dict[str, list[Sample]], attribute: str) -> float:
    """How many times better fasth2 is: the median of the rounds."""
    pairs = zip(samples["h2"], samples["fasth2"])
    quotients = [getattr(theirs, attribute) / getattr(mine, attribute) for theirs, mine in pairs]
    return statistics.median(quotients if attribute == "cost" else [1 / one for one in quotients])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", nargs="+", choices=list(ROWS), default=list(ROWS), help="only these")
    parser.add_argument("--rounds", type=int, default=15, help="of each row (15)")
    parser.add_argument("--json", type=Path, help="a file for the samples")
    options = parser.parse_args()
    print(f"{processor_name()}, {options.rounds} rounds")
    print(f"{'program':26} {'h2, µs':>8} {'fasth2, µs':>11} {'processor time':>15} {'requests/s':>11}")
    found = {}
    for name in options.row:
        samples = found[name] = measure(name, options.rounds)
        costs = [statistics.median(one.cost for one in samples[library]) * 1e6 for library in LIBRARIES]
        asked = f"  (asked: {ASKED[name]}×)" if name in ASKED else ""
        print(f"{name:26} {costs[0]:8.0f} {costs[1]:11.0f} {ratio(samples, 'cost'):14.2f}× {ratio(samples, 'rate'):10.2f}×{asked}",
              flush=True)
    if options.json:
        options.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
