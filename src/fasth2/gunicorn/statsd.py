"""The counters, sent by gunicorn's own statsd client where the operator configured it."""
from __future__ import annotations

import time
from typing import Any

from .counting import counters

__all__ = ["Reporter"]

#: Seconds between two reports; what statsd adds up by default.
INTERVAL = 10.0

#: What is a state rather than a count of what happened.
_GAUGES = frozenset(("connections_open",))


class Reporter:
    """Sends what the counters of a worker's process have grown by, as ``fasth2.NAME``.

    Args:
        worker: gunicorn's worker; its log is the statsd client, and its
            ``notify``, which it calls again and again, is where time passes.
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
        """Do what the worker's ``notify`` does, and report when it is time."""
        self._notify()
        now = time.monotonic()
        if now >= self._due:
            self._due = now + INTERVAL
            self.report()

    def report(self) -> None:
        """Send what is new."""
        for name, value in counters().items():
            more = value - self._sent.get(name, 0)
            if name in _GAUGES:
                self._log.gauge(f"fasth2.{name}", value)
            elif more:
                self._log.increment(f"fasth2.{name}", more)
                self._sent[name] = value
