"""The table and the picture of one run.

usage: python -m bench.report RAW.json [RATIOS.svg]

RAW.json is what pytest-benchmark wrote. Every ratio is the median of the ratios of
single rounds, in which the contestants served one after another.
"""
from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from . import exchanges, floor, hpack_alone
from .budgets import ENGINE, EXCHANGES, FACADE, FLOOR, HPACK, Budget
from .chart import Bar, Look, draw
from .rows import FACADE_ROWS
from .tables import columns
from .workloads import NAMES, TITLES

H2_CALLS = "fasth2_h2_calls"
ONE_CALL = "fasth2_one_call"
PEERS = ("h2", "ngh2", "zttp")
FACADE_PEER = "gunicorn_on_h2"

Samples = dict[str, list[float]]


class Results:
    """The samples of one run.

    Args:
        raw: The content of pytest-benchmark's JSON.
    """

    def __init__(self, raw: dict) -> None:
        self.raw = raw
        self.groups: dict[str, Samples] = {}
        for benchmark in raw["benchmarks"]:
            group = self.groups.setdefault(benchmark["group"], {})
            group[benchmark["params"]["contestant"]] = benchmark["stats"]["data"]

    def rows(self, known: tuple[str, ...]) -> list[str]:
        """Those of the known rows that were run, in their order."""
        return [row for row in known if row in self.groups]

    def microseconds(self, row: str, contestant: str) -> float:
        """The median time of a request."""
        return statistics.median(self.groups[row][contestant]) * 1e6

    def ratio(self, row: str, slower: str, faster: str) -> float:
        """How many times as long one contestant takes as another."""
        samples = self.groups[row]
        return statistics.median(a / b for a, b in zip(samples[slower], samples[faster], strict=True))

    def heading(self) -> str:
        """What was measured, where and when, in one line."""
        machine = self.raw["machine_info"]
        commit = self.raw["commit_info"]
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        changed = " with changes" if commit.get("dirty") else ""
        return (
            f"{self.raw['date']}, commit {commit.get('id', 'unknown')[:10]}{changed}, "
            f"{machine['cpu'].get('brand_raw', machine['machine'])}, "
            f"CPython {machine['python_version']} ({machine['compiler']}), {versions}; "
            f"medians of {self.raw['rounds']} rounds"
        )


def _mark(value: float, budget: Budget) -> str:
    if value < budget.least:
        return "!!"
    return "" if value >= budget.target else "!"


def _against(value: float, budget: Budget | None) -> str:
    if budget is None:
        return f"{value:.3g}×"
    asked = f"{budget.target:g}/{budget.least:g}" if budget.target != budget.least else f"{budget.least:g}"
    return f"{value:.3g}× ({asked}) {_mark(value, budget)}".rstrip()


def _share(value: float, limit: float | None) -> str:
    if limit is None:
        return f"{value:.2f}"
    return f"{value:.2f} ({limit:g}) {'!!' if value > limit else ''}".rstrip()


def table(results: Results) -> str:
    """Everything in one table of text that is Markdown too."""
    rows = [
        ["µs a request", "h2's calls", "one call", *PEERS, "C floor", *(f"× {peer}" for peer in PEERS), "one call / C"]
    ]
    for row in results.rows(NAMES):
        ours = [f"{results.microseconds(row, name):.3g}" for name in (H2_CALLS, ONE_CALL)]
        theirs = [f"{results.microseconds(row, name):.3g}" for name in (*PEERS, floor.NAME)]
        ratios = [_against(results.ratio(row, peer, H2_CALLS), ENGINE[row].get(peer)) for peer in PEERS]
        share = _share(1 / results.ratio(row, floor.NAME, ONE_CALL), FLOOR.get(row))
        rows.append([TITLES[row], *ours, *theirs, *ratios, share])
    for group in results.rows(FACADE_ROWS):
        row = group.removeprefix("facade_")
        rows.append(
            [
                f"façade: {TITLES[row]}",
                f"{results.microseconds(group, 'fasth2'):.3g}",
                "",
                f"{results.microseconds(group, FACADE_PEER):.3g}",
                "",
                "",
                "",
                _against(results.ratio(group, FACADE_PEER, "fasth2"), FACADE.get(row)),
                "",
                "",
                "",
            ]
        )
    return columns(rows)


def peers_table(results: Results, rows: tuple[str, ...], titles: Mapping[str, str], names: Iterable[str], unit: str,
                asked: Callable[[str, str], Budget | None]) -> str:
    """A table of fasth2 beside its peers; empty if none of the rows was run.

    Args:
        results: The results.
        rows: The rows, of which those that were run are taken.
        titles: The title of each.
        names: The contestants, of which those that took part are taken.
        unit: What the times are of.
        asked: Returns the budget of a row and a peer.
    """
    run = results.rows(rows)
    if not run:
        return ""
    peers = [name for name in names if name != "fasth2" and name in results.groups[run[0]]]
    lines = [[f"µs {unit}", "fasth2", *peers, *(f"× {peer}" for peer in peers)]]
    for row in run:
        times = [f"{results.microseconds(row, name):.3g}" for name in ("fasth2", *peers)]
        ratios = [_against(results.ratio(row, peer, "fasth2"), asked(row, peer)) for peer in peers]
        lines.append([titles[row], *times, *ratios])
    return columns(lines)


def hpack_table(results: Results) -> str:
    """The rows of HPACK alone; empty if none was run."""
    return peers_table(results, hpack_alone.ROWS, hpack_alone.TITLES, hpack_alone.MODULES, "a block",
                       lambda row, peer: HPACK.get(row) if peer == "hpack" else None)


def exchanges_table(results: Results) -> str:
    """The rows of whole exchanges and of the client's side; empty if none was run."""
    return peers_table(results, exchanges.ROWS, exchanges.TITLES, exchanges.MODULES, "an exchange",
                       lambda row, peer: EXCHANGES.get(row) if peer == "ngh2" else None)


LEGEND = """\
In brackets what is asked: target/at least. "!" is below the target, "!!" below what must be reached.
"one call / C" is the time of one call divided by the C floor's; smaller is better.
The façade's rows stand beside gunicorn's own class on h2, in h2's columns."""


_LOOK = Look(
    title="How many times as long the others take as fasth2",
    axis="time of the peer / time of fasth2",
    colours={
        "h2": "#4269d0",
        "gunicorn on h2": "#4269d0",
        "ngh2": "#3ca951",
        "zttp": "#efb118",
        "C floor (one call)": "#8c564b",
    },
    legend={
        "#4269d0": "against h2, or gunicorn on h2",
        "#3ca951": "against ngh2",
        "#efb118": "against zttp",
        "#8c564b": "against C floor (one call)",
    },
    asked="asked at least",
)


def bars(results: Results) -> list[Bar]:
    """The ratios, as the picture shows them."""
    made = []
    for row in results.rows(NAMES):
        for peer in PEERS:
            budget = ENGINE[row].get(peer)
            made.append(Bar(TITLES[row], peer, results.ratio(row, peer, H2_CALLS), budget.least if budget else None))
        limit = FLOOR.get(row)
        made.append(
            Bar(
                TITLES[row],
                "C floor (one call)",
                results.ratio(row, floor.NAME, ONE_CALL),
                1 / limit if limit else None,
            )
        )
    for group in results.rows(FACADE_ROWS):
        row = group.removeprefix("facade_")
        budget = FACADE.get(row)
        ratio = results.ratio(group, FACADE_PEER, "fasth2")
        made.append(Bar(f"façade: {TITLES[row]}", "gunicorn on h2", ratio, budget.least if budget else None))
    return made


def main(arguments: list[str]) -> None:
    results = Results(json.loads(Path(arguments[0]).read_text()))
    print(results.heading(), table(results), hpack_table(results), exchanges_table(results), LEGEND, sep="\n\n")
    if len(arguments) > 1:
        Path(arguments[1]).write_text(draw(bars(results), _LOOK, results.heading()))


if __name__ == "__main__":
    main(sys.argv[1:])
