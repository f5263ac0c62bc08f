"""The table and the picture of one run.

usage: python -m bench.servers.report SERVERS.json [SERVERS.svg]

SERVERS.json is what ``make bench-servers`` wrote. A ratio is the median of the ratios of
single rounds, in which the servers were measured one after another.
"""
from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..chart import Bar, Look, draw
from ..tables import columns
from . import asgi_rows
from . import rows as wsgi_rows
from .rows import LOST, Asked, Line, median

OURS = "fasth2"

_LINES = {"wsgi": wsgi_rows.LINES, "asgi": asgi_rows.LINES}


class Results:
    """The samples of one run.

    Args:
        raw: The content of the JSON file. ``interface`` is "wsgi", also where it is missing, or "asgi".
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.titles: dict[str, str] = raw["contestants"]

    def lines(self) -> list[Line]:
        """Those of the table's lines that were measured."""
        samples, errors = self.raw["samples"], self.raw["errors"]
        return [line for line in _LINES[self.raw.get("interface", "wsgi")] if samples.get(line.row) or errors.get(line.row)]

    def value(self, line: Line, name: str) -> float | None:
        """The median of a server's values, None where it has none."""
        samples = self.raw["samples"][line.row].get(name)
        return median(samples, line.figure) * line.scale if samples else None

    def lost(self, row: str, name: str) -> int:
        """How many requests a server lost in all runs of a row."""
        return int(sum(sample[LOST] for sample in self.raw["samples"][row].get(name, ())))

    def ratio(self, line: Line, peer: str) -> float | None:
        """fasth2's value divided by a peer's, None where one of them has none."""
        samples = self.raw["samples"][line.row]
        if OURS not in samples or peer not in samples:
            return None
        pairs = zip(samples[OURS], samples[peer], strict=True)
        return statistics.median(mine[line.figure] / theirs[line.figure] for mine, theirs in pairs)

    def met(self, line: Line, asked: Asked) -> bool | None:
        """Whether fasth2 does what is asked, None where that wasn't measured."""
        value = self.value(line, OURS) if asked.of is None else self.ratio(line, asked.of)
        if value is None:
            return None
        return (value <= asked.factor if asked.most else value >= asked.factor) and not self.lost(line.row, OURS)

    def heading(self) -> str:
        """What was measured, where and when, in one line."""
        raw = self.raw
        versions = ", ".join(f"{package} {version}" for package, version in raw["versions"].items())
        return (
            f"{raw['date']}, commit {raw['commit']}, {raw['processor']} × {raw['processors']}, "
            f"CPython {raw['python']}, {raw['openssl']}, {versions}; "
            f"worker {raw['worker_class']}; medians of {raw['rounds']} rounds{', quick' if raw['quick'] else ''}"
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _cell(results: Results, line: Line, name: str) -> str:
    value = results.value(line, name)
    if value is None:
        return "fails" if name in results.raw["errors"].get(line.row, ()) else ""
    lost = results.lost(line.row, name)
    return f"{_number(value)} ({lost} lost)" if lost else _number(value)


def _asked(results: Results, line: Line, asked: Asked) -> str:
    bound = f"{'≤' if asked.most else '≥'} {asked.factor:g}"
    met = results.met(line, asked)
    mark = "" if met is None else " yes" if met else " !!"
    if asked.of is None:
        return f"{bound}:{mark or ' –'}"
    ratio = results.ratio(line, asked.of)
    shown = "–" if ratio is None else f"{ratio:.2f}"
    return f"{shown} × {results.titles.get(asked.of, asked.of)} ({bound}){mark}"


def table(results: Results, with_asked: bool = True) -> str:
    """Everything in one table of text that is Markdown too.

    Args:
        results: A run.
        with_asked: Whether a last column says what is asked of fasth2.
    """
    rows = [["", "", *results.titles.values()]]
    for line in results.lines():
        rows.append([line.title, line.unit, *(_cell(results, line, name) for name in results.titles)])
    if with_asked:
        rows[0].append("fasth2 against it (asked)")
        for row, line in zip(rows[1:], results.lines()):
            row.append(", ".join(_asked(results, line, asked) for asked in line.asked))
    return columns(rows)


def failures(results: Results) -> list[str]:
    """What could not be measured, and why: a line each."""
    return [
        f"{results.titles[name]} fails in {row}: {reason.splitlines()[0]}"
        for row, errors in results.raw["errors"].items()
        for name, reason in errors.items()
    ]


LEGEND = """\
"!!" is not what is asked. An empty cell: the row makes no sense with one thread. Rates are those of h2load on the
same machine; "µs of processor" is what all processes of the server use for a request."""

_COLOURS = {
    "peregrine": "#4269d0",
    "peregrine-8": "#97bbf5",
    "granian": "#efb118",
    "granian-8": "#f5d98b",
    "gunicorn": "#3ca951",
    "fasth2-uvicorn": "#6cc5b0",
    "weft": "#ff725c",
    "h2corn": "#a463f2",
    "zttp": "#9c6b4e",
    "gunicorn-asgi": "#9498a0",
}


def picture(results: Results) -> str:
    """Draw fasth2's ratios to its peers, all turned so that more is better."""
    bars = []
    for line in results.lines():
        if not line.drawn:
            continue
        for name in results.titles:
            ratio = results.ratio(line, name)
            if name == OURS or not ratio:
                continue
            least = next((asked.factor for asked in line.asked if asked.of == name), None)
            if line.smaller_is_better:
                ratio, least = 1 / ratio, 1 / least if least else None
            unit = "processor" if line.smaller_is_better else line.unit
            bars.append(Bar(f"{line.title}, {unit}", name, ratio, least))
    look = Look(
        title="fasth2's worker beside other servers: above 1×, fasth2 is better",
        axis="requests or MB a second of fasth2 / of the peer; processor time of the peer / of fasth2",
        colours=_COLOURS,
        legend={_COLOURS[name]: title for name, title in results.titles.items() if name != OURS},
        asked="asked at least",
    )
    return draw(bars, look, results.heading())


def main(arguments: list[str]) -> None:
    results = Results(json.loads(Path(arguments[0]).read_text()))
    print(results.heading(), table(results), LEGEND, *failures(results), sep="\n\n")
    if len(arguments) > 1:
        Path(arguments[1]).write_text(picture(results))


if __name__ == "__main__":
    main(sys.argv[1:])
