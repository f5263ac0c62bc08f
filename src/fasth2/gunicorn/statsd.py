"""Reporting of the counters by gunicorn's own statsd client, if the operator configured it."""
from __future__ import annotations

import time
from typing import Any

from fasth2.server.counting import GAUGES, counters

__all__ = ["Reporter"]

#: Seconds between two reports: statsd's default flush interval.
INTERVAL = 10.0


class Reporter:
    """Sends the increments of a worker process's counters, as ``fasth2.NAME``.

    Args:
        worker: gunicorn's worker. Its log is the statsd client; its
            ``notify``, called periodically, is wrapped to send reports.
    """

    def __init__(self, worker: Any) -> None:
        self._log = worker.log
        self._sent: dict[str, int] = {}
        self._due = time.monotonic() + INTERVAL
        self._notify = worker.notify
        worker.notify = self.notify

    @staticmethod
    def wanted(worker: Any) -> bool:
        """Return True if the operator configured statsd.

        Args:
            worker: gunicorn's worker.
        """
        return bool(getattr(worker.cfg, "statsd_host", None)) and hasattr(worker.log, "increment")

    def notify(self) -> None:
        """Call the worker's ``notify``, and send a report every `INTERVAL` seconds."""
        self._notify()
        now = time.monotonic()
        if now >= self._due:
            self._due = now + INTERVAL
            self.report()

    def report(self) -> None:
        """Send the increments since the last report."""
        for name, value in counters().items():
            more = value - self._sent.get(name, 0)
            if name in GAUGES:
                self._log.gauge(f"fasth2.{name}", value)
            elif more:
                self._log.increment(f"fasth2.{name}", more)
                self._sent[name] = value
