"""Starting the servers and measuring them in turn."""
from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from .. import h2load
from ..serving import Certificate, Failed, Server, free_port, issue_certificate, serving
from . import idle
from .contestants import Contestant
from .rows import Given, Pace, Row, Sample

ROOT = Path(__file__).parent.parent.parent
# How many requests are sent to find out how many fit the time, and warm the server up.
_FIRST = 2_000
_FIRST_LARGE = 40

Samples = dict[str, dict[str, list[Sample]]]
Errors = dict[str, dict[str, str]]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _requests(row: Row, server: Server, pace: Pace) -> int:
    """Find out how many requests fit the time; warm the server up on the way."""
    load = row.counted
    if load is None:
        return 0
    # The first run has what is made once in it.
    for requests in (_FIRST_LARGE, 2 * _FIRST_LARGE) if load.octets > 1000 else (_FIRST // 4, _FIRST):
        report = h2load.run(load, server, requests, pace.seconds + h2load.PATIENCE)
        if report.lost:
            raise Failed(f"{report.lost} of {requests} requests lost")
    # A whole number for each client.
    return max(1, round(report.rate * pace.seconds / load.clients)) * load.clients


class Fleet:
    """The servers of one application, side by side; each is started when it is first asked for.

    Args:
        contestants: The servers by name.
        application: What they serve.
        patient: Whether they are asked to keep idle connections.
        certificate: Their certificate.
        directory: For their logs.
    """

    def __init__(
        self,
        contestants: Mapping[str, Contestant],
        application: str,
        patient: bool,
        certificate: Certificate,
        directory: Path,
    ) -> None:
        self._contestants = contestants
        self._application = application
        self._patient = patient
        self._certificate = certificate
        self._directory = directory
        self._running: dict[str, tuple[Server, contextlib.ExitStack]] = {}

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._running):
            self.stop(name)

    def server(self, name: str) -> Server:
        """The server of that name, started if it doesn't run.

        Raises:
            Failed: It does not start.
        """
        if name not in self._running:
            port, contestant = free_port(), self._contestants[name]
            command = contestant.command(f"bench.servers.applications.{self._application}", port, self._certificate)
            if self._patient:
                # The application is the last word of each.
                command[-1:-1] = contestant.patient
            log = f"{name}-{self._application}"
            stack = contextlib.ExitStack()
            server = stack.enter_context(serving(log, command, port, self._directory, cwd=ROOT))
            self._running[name] = server, stack
        return self._running[name][0]

    def stop(self, name: str) -> None:
        """End a server, if it runs."""
        if name in self._running:
            self._running.pop(name)[1].close()


class Measuring:
    """Measures rows with the servers that stand side by side.

    Args:
        contestants: The servers by name.
        rounds: How often each is measured, in turn.
        pace: How long to take.
    """

    def __init__(self, contestants: Mapping[str, Contestant], rounds: int, pace: Pace) -> None:
        self.contestants = contestants
        self.rounds = rounds
        self.pace = pace
        self.samples: Samples = {}
        self.errors: Errors = {}

    def measure(self, rows: Mapping[str, Row]) -> None:
        """Measure rows; what comes of it is in ``samples`` and ``errors``, row -> server.

        A server that can't do a row is left out of it, with the reason in ``errors``.

        Args:
            rows: The rows by name.
        """
        # Room for idle connections, in the servers too.
        idle.allow_files(self.pace.connections + 1_000)
        together: dict[tuple[str, bool], dict[str, Row]] = {}
        for name, row in rows.items():
            together.setdefault((row.application, row.patient), {})[name] = row
            self.samples[name], self.errors[name] = {}, {}
        with tempfile.TemporaryDirectory(prefix="fasth2-servers-") as name:
            directory = Path(name)
            certificate = issue_certificate(directory)
            for (application, patient), members in together.items():
                with Fleet(self.contestants, application, patient, certificate, directory) as fleet:
                    for row_name, row in members.items():
                        self._row(row_name, row, fleet, directory)

    def _row(self, row_name: str, row: Row, fleet: Fleet, directory: Path) -> None:
        able = [name for name, contestant in self.contestants.items() if contestant.threads >= row.threads]
        requests: dict[str, int] = {}
        _say(f"{row_name}")
        for name in able:
            with self._excused(row_name, name, fleet):
                requests[name] = _requests(row, fleet.server(name), self.pace)
        for number in range(self.rounds if row.repeated else 1):
            # Each round starts with the next, so that none always follows the same one.
            first = number % len(able) if able else 0
            for name in able[first:] + able[:first]:
                if name not in self.errors[row_name]:
                    with self._excused(row_name, name, fleet):
                        sample = row.measure(Given(fleet.server(name), self.pace, directory, requests[name]))
                        self.samples[row_name].setdefault(name, []).append(sample)
                        _say(f"  {name}: {'  '.join(f'{figure} {value:,.4g}' for figure, value in sample.items())}")

    @contextlib.contextmanager
    def _excused(self, row: str, name: str, fleet: Fleet) -> Iterator[None]:
        try:
            yield
        except Failed as error:
            self.errors[row][name] = str(error)
            self.samples[row].pop(name, None)
            _say(f"  {name}: {error}")
            # It may be stuck, or busy for ever.
            fleet.stop(name)
