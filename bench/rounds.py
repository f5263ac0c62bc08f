"""One contestant serving one workload: for its answers, or for the time it takes."""
from __future__ import annotations

from time import process_time_ns

from .recording import Workload

# Connections that are open at once: few, so that each is still in the cache.
_TOGETHER = 10


class Runner:
    """A contestant with a workload, in this interpreter.

    Args:
        contestant: A module of ``bench.contestants``, or an object with its names.
        workload: What it serves.
    """

    def __init__(self, contestant, workload: Workload) -> None:
        self._contestant = contestant
        self._workload = workload

    def _open(self, send) -> object:
        connection = self._contestant.connect()
        self._contestant.serve(connection, (self._workload.opening,), None, send)
        return connection

    def _warm(self, connection: object, send) -> None:
        workload = self._workload
        self._contestant.serve(connection, workload.warmup, iter(workload.warmup_answers).__next__, send)

    def answers(self) -> list[bytes]:
        """Serve the workload once; return what each connection was sent."""
        workload = self._workload
        sent = []
        for _ in range(workload.connections):
            parts: list[bytes] = []
            connection = self._open(parts.append)
            self._warm(connection, parts.append)
            self._contestant.serve(connection, workload.reads, iter(workload.answers).__next__, parts.append)
            sent.append(b"".join(parts))
        return sent

    def round(self) -> int:
        """Serve the workload once; return the nanoseconds of processor time of the timed part."""
        workload = self._workload
        serve = self._contestant.serve
        # The built-in len stands for a socket's send: it takes the bytes and drops them.
        if workload.fresh:
            start = process_time_ns()
            for _ in range(workload.connections):
                serve(self._open(len), workload.reads, iter(workload.answers).__next__, len)
            return process_time_ns() - start
        spent = 0
        for done in range(0, workload.connections, _TOGETHER):
            connections = []
            for _ in range(min(_TOGETHER, workload.connections - done)):
                connection = self._open(len)
                self._warm(connection, len)
                connections.append(connection)
            start = process_time_ns()
            for connection in connections:
                serve(connection, workload.reads, iter(workload.answers).__next__, len)
            spent += process_time_ns() - start
        return spent
