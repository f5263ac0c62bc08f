"""Put a run's figures into README.md, between the lines "<!-- benchmarks -->" and "<!-- end of benchmarks -->".

usage: python tools/update_readme_table.py [RAW.json]

RAW.json is what ``make bench`` wrote, bench/results/raw.json by default.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import floor  # noqa: E402
from bench.report import FACADE_PEER, H2_CALLS, ONE_CALL, PEERS, Results  # noqa: E402
from bench.rows import FACADE_ROWS  # noqa: E402
from bench.workloads import NAMES, TITLES  # noqa: E402

README = ROOT / "README.md"
RAW = ROOT / "bench" / "results" / "raw.json"
BEGIN = "<!-- benchmarks -->\n"
END = "<!-- end of benchmarks -->\n"


def _table(rows: list[list[str]]) -> str:
    heading, *body = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "| --- |" + " ---: |" * (len(rows[0]) - 1)
    return "\n".join([heading, rule, *body])


def figures(results: Results) -> str:
    """The tables of the README.

    Args:
        results: A run.

    Returns:
        Markdown: where and when it was, the engine's table, the façade's.
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
    return "\n\n".join([results.heading() + ".", _table(engine), _table(facade)])


def replaced(text: str, new: str) -> str:
    """Return a text with other lines between the markers.

    Args:
        text: The text; each marker is a line of its own in it, once.
        new: What is to stand there.

    Raises:
        ValueError: A marker is missing, or there twice, or they are in the wrong order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the lines {BEGIN.strip()} and {END.strip()} must be there once, in this order")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{new}\n\n{END}{tail}"


def main(arguments: list[str]) -> None:
    """Replace the figures in README.md."""
    raw = Path(arguments[0]) if arguments else RAW
    new = figures(Results(json.loads(raw.read_text())))
    README.write_text(replaced(README.read_text(), new))


if __name__ == "__main__":
    main(sys.argv[1:])
