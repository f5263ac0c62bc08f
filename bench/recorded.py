"""How samples from alternating rounds get into pytest-benchmark.

pytest-benchmark runs all rounds of one test before the next test. A ratio on a noisy
machine needs the opposite: one round of each contestant in turn. So the rounds of a
row are run when the row's first test asks for them, and each test replays its own
samples through pytest-benchmark's documented ``timer`` option, on a clock that
advances by the next sample whenever the target is called.
"""
from __future__ import annotations

from collections.abc import Sequence

from . import rows

QUICK_SCALE = 10


class RecordedClock:
    """A timer that stands still but for what a replay adds to it."""

    __name__ = "RecordedClock"

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def replay(self, benchmark, samples: Sequence[float]) -> None:
        """Give a benchmark its samples.

        Args:
            benchmark: pytest-benchmark's fixture, with this clock as its timer.
            samples: Seconds, one for each round.
        """
        self._now = 0.0
        left = iter(samples)

        def play() -> None:
            self._now += next(left)

        benchmark.pedantic(play, rounds=len(samples))


CLOCK = RecordedClock()


def run(benchmark, row: str, contestant: str, rounds: int) -> None:
    """Run one contestant of one row.

    Under ``--benchmark-disable`` its answers are checked on a tenth of the requests
    and one round runs untimed by pytest-benchmark.

    Args:
        benchmark: pytest-benchmark's fixture, with ``CLOCK`` as its timer.
        row: The row.
        contestant: The contestant.
        rounds: How often each contestant of the row serves.
    """
    if benchmark.disabled:
        assert benchmark.pedantic(rows.run_once, args=(row, contestant, QUICK_SCALE)) > 0
        return
    benchmark.group = row
    benchmark.extra_info["requests_a_round"] = rows.workload_of(row).requests
    CLOCK.replay(benchmark, rows.samples(row, rounds)[contestant])
