"""Put a run's figures into docs/speed.md and README.md, between two lines that mark their place.

usage: python tools/update_speed_tables.py [RAW.json]
       python tools/update_speed_tables.py --servers [SERVERS.json [LINKS.json]]

RAW.json is what ``make bench`` wrote, bench/results/raw.json by default; its place in docs/speed.md
is between "<!-- benchmarks -->" and "<!-- end of benchmarks -->". SERVERS.json is what
``make bench-servers`` wrote, bench/results/servers.json by default; its place there is between
"<!-- servers -->" and "<!-- end of servers -->", and a part of it is between the same lines of
README.md, with a line of LINKS.json, which ``python -m bench.long_links --json`` wrote,
bench/results/long_links.json by default.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import floor, hpack_alone  # noqa: E402
from bench.report import FACADE_PEER, H2_CALLS, ONE_CALL, PEERS, Results  # noqa: E402
from bench.rows import FACADE_ROWS  # noqa: E402
from bench.servers import report as servers  # noqa: E402
from bench.workloads import NAMES, TITLES  # noqa: E402

README = ROOT / "README.md"
SPEED = ROOT / "docs" / "speed.md"
RAW = ROOT / "bench" / "results" / "raw.json"
BEGIN = "<!-- benchmarks -->\n"
END = "<!-- end of benchmarks -->\n"
SERVERS_RAW = ROOT / "bench" / "results" / "servers.json"
SERVERS_BEGIN = "<!-- servers -->\n"
SERVERS_END = "<!-- end of servers -->\n"

#: The lines of the README's table, (row, figure): what they are called there. The first column is fasth2.
SHORT_LINES = {
    ("8x10", "rate"): "13 bytes",
    ("flask", "rate"): "Flask",
    ("startproject", "rate"): "Django, `startproject`",
    ("download", "rate"): "1 MiB",
}
SHORT_COLUMNS = ("fasth2", "granian-8", "peregrine", "gunicorn")

#: The line of the README's table that is measured over a long link, and what it is called in LINKS.json.
LINK_TITLE = "upload of 20 MB, 50 ms away, MB/s"
LINK = "20 MB, 50 ms"
LINKS_RAW = ROOT / "bench" / "results" / "long_links.json"


def _table(rows: list[list[str]]) -> str:
    heading, *body = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "| --- |" + " ---: |" * (len(rows[0]) - 1)
    return "\n".join([heading, rule, *body])


def figures(results: Results) -> str:
    """The tables of the engine.

    Args:
        results: A run.

    Returns:
        Markdown: where and when it was, the engine's table, the façade's, that of HPACK alone if it was run.
    """
    engine = [["a request", "h2's calls, µs", "one call, µs", *(f"{peer} takes" for peer in PEERS), "C floor takes"]]
    for row in results.rows(NAMES):
        times = [f"{results.microseconds(row, name):.3g}" for name in (H2_CALLS, ONE_CALL)]
        ratios = [f"{results.ratio(row, peer, H2_CALLS):.3g}×" for peer in PEERS]
        engine.append([TITLES[row], *times, *ratios, f"{results.ratio(row, floor.NAME, ONE_CALL):.2f}×"])
    facade = [["a request", "fasth2's class, µs", "gunicorn's class on h2 takes"]]
    for row in results.rows(FACADE_ROWS):
        facade.append(
            [
                TITLES[row.removeprefix("facade_")],
                f"{results.microseconds(row, 'fasth2'):.3g}",
                f"{results.ratio(row, FACADE_PEER, 'fasth2'):.3g}×",
            ]
        )
    alone = [["a block", "fasth2.hpack, µs", "hpack takes"]]
    for row in results.rows(hpack_alone.ROWS):
        times = f"{results.microseconds(row, 'fasth2'):.3g}", f"{results.ratio(row, 'hpack', 'fasth2'):.3g}×"
        alone.append([hpack_alone.TITLES[row], *times])
    tables = [engine, facade, *([alone] if alone[1:] else [])]
    return "\n\n".join([results.heading() + ".", *(_table(table) for table in tables)])


def servers_figures(results: servers.Results) -> str:
    """The whole table of the servers.

    Args:
        results: A run.

    Returns:
        Markdown: where and when it was, the table, what could not be measured.
    """
    failed = [f"- {failure}" for failure in servers.failures(results)]
    return "\n\n".join([results.heading() + ".", servers.table(results, with_asked=False), *failed])


def short_figures(results: servers.Results, links: dict[str, Any]) -> str:
    """A few lines of the table of the servers.

    Args:
        results: A run; it need not have every line and server.
        links: A run of bench.long_links; likewise.

    Returns:
        Markdown: a table, then where and when it was measured.
    """
    names = [name for name in SHORT_COLUMNS if name in results.titles]
    rows = [["", *(results.titles[name] for name in names)]]
    for line in results.lines():
        if title := SHORT_LINES.get((line.row, line.figure)):
            values = [results.value(line, name) for name in names]
            rows.append([f"{title}, {line.unit}", *("fails" if value is None else f"{value:,.0f}" for value in values)])
    raw = results.raw
    names = [raw["worker_class"] if name == "fasth2" else results.titles[name] for name in names]
    rates = [links["rates"].get(name, {}).get(LINK) for name in names]
    rows.append([LINK_TITLE, *("" if pair is None else f"{pair[1] / 1e6:,.2g}" for pair in rates)])
    machines = [f"{run['date']}, {run['processor']} × {run['processors']}, CPython {run['python']}" for run in (raw, links)]
    return f"{_table(rows)}\n\n{machines[0]}; the upload {machines[1]}."


def replaced(text: str, new: str, begin: str = BEGIN, end: str = END) -> str:
    """Return a text with other lines between the markers.

    Args:
        text: The text; each marker is a line of its own in it, once.
        new: What is to stand there.
        begin: The line before it.
        end: The line after it.

    Raises:
        ValueError: A marker is missing, or there twice, or they are in the wrong order.
    """
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the lines {begin.strip()} and {end.strip()} must be there once, in this order")
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n{new}\n\n{end}{tail}"


def update(page: Path, new: str, *markers: str) -> None:
    """Replace the figures of a page, see `replaced`."""
    page.write_text(replaced(page.read_text(), new, *markers))


def main(arguments: list[str]) -> None:
    """Replace the figures."""
    if arguments[:1] == ["--servers"]:
        raw = Path(arguments[1]) if arguments[1:] else SERVERS_RAW
        results = servers.Results(json.loads(raw.read_text()))
        update(SPEED, servers_figures(results), SERVERS_BEGIN, SERVERS_END)
        links = json.loads((Path(arguments[2]) if arguments[2:] else LINKS_RAW).read_text())
        update(README, short_figures(results, links), SERVERS_BEGIN, SERVERS_END)
        return
    raw = Path(arguments[0]) if arguments else RAW
    update(SPEED, figures(Results(json.loads(raw.read_text()))))


if __name__ == "__main__":
    main(sys.argv[1:])
