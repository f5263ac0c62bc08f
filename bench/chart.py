"""A bar chart of ratios on a logarithmic scale, as SVG."""
from __future__ import annotations

import math
import textwrap
from html import escape
from itertools import groupby
from typing import NamedTuple

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 270, 60, 78, 80
_BAR, _GAP = 13, 14


class Bar(NamedTuple):
    """One ratio.

    Attributes:
        row: What was measured.
        peer: Whom fasth2 is compared with.
        ratio: How many times as good fasth2 is: as long as the peer takes, as many requests.
        least: The ratio that must be reached, or None.
    """

    row: str
    peer: str
    ratio: float
    least: float | None


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 12, colour: str = "#222") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="{colour}">{escape(text)}</text>'


class Look(NamedTuple):
    """What a chart says beside its bars.

    Attributes:
        title: Its heading.
        axis: What the numbers are.
        colours: Peer -> the colour of its bars.
        legend: Colour -> what it stands for.
        asked: What the marks stand for.
    """

    title: str
    axis: str
    colours: dict[str, str]
    legend: dict[str, str]
    asked: str


def _legend(look: Look) -> list[str]:
    drawn, x = [], 60.0
    for colour, text in look.legend.items():
        drawn.append(f'<rect x="{x:.1f}" y="48" width="12" height="12" fill="{colour}"/>')
        drawn.append(_text(x + 17, 58, text))
        x += 42 + 6.2 * len(text)
    drawn.append(f'<line x1="{x:.1f}" y1="46" x2="{x:.1f}" y2="62" stroke="#c00" stroke-width="2"/>')
    drawn.append(_text(x + 7, 58, look.asked))
    return drawn


def draw(bars: list[Bar], look: Look, caption: str) -> str:
    """Draw the bars, grouped by row, in the order given.

    Args:
        bars: The ratios; bars of one row stand together.
        look: What is said beside them.
        caption: Where, when and on what they were measured.

    Returns:
        The SVG document.
    """
    groups = [(row, list(members)) for row, members in groupby(bars, key=lambda bar: bar.row)]
    height = _TOP + _BOTTOM + len(bars) * _BAR + len(groups) * _GAP
    values = [bar.ratio for bar in bars] + [bar.least for bar in bars if bar.least]
    low = math.log10(min(*values, 0.5) * 0.9)
    high = math.log10(max(*values, 10) * 1.15)
    scale = (_WIDTH - _LEFT - _RIGHT) / (high - low)

    def x(value: float) -> float:
        return _LEFT + (math.log10(value) - low) * scale

    bottom = height - _BOTTOM
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="system-ui, sans-serif">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        _text(60, 24, look.title, size=17),
        *_legend(look),
    ]
    for power in range(math.floor(low), math.ceil(high)):
        for factor in (1, 2, 5):
            value = factor * 10.0**power
            if not low <= math.log10(value) <= high:
                continue
            colour = "#222" if value == 1 else "#ddd"
            drawn.append(
                f'<line x1="{x(value):.1f}" y1="{_TOP}" x2="{x(value):.1f}" y2="{bottom}" stroke="{colour}"/>'
            )
            drawn.append(_text(x(value), bottom + 16, f"{value:g}×", "middle", 11, "#555"))
    y = float(_TOP)
    for row, members in groups:
        y += _GAP / 2
        drawn.append(_text(_LEFT - 10, y + len(members) * _BAR / 2 + 4, row, "end"))
        for bar in members:
            left, right = sorted((x(1), x(bar.ratio)))
            drawn.append(
                f'<rect x="{left:.1f}" y="{y:.1f}" width="{right - left:.1f}" height="{_BAR - 2}" '
                f'fill="{look.colours[bar.peer]}"><title>{escape(f"{row}: {bar.ratio:.3g}× {bar.peer}")}</title></rect>'
            )
            if bar.least:
                drawn.append(
                    f'<line x1="{x(bar.least):.1f}" y1="{y - 1:.1f}" x2="{x(bar.least):.1f}" '
                    f'y2="{y + _BAR - 1:.1f}" stroke="#c00" stroke-width="2"/>'
                )
            label = max(right, x(bar.least) if bar.least else right) + 5
            drawn.append(_text(label, y + _BAR - 3, f"{bar.ratio:.3g}×", size=10, colour="#444"))
            y += _BAR
        y += _GAP / 2
    drawn.append(
        _text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 34, f"{look.axis}, logarithmic", "middle")
    )
    for number, line in enumerate(textwrap.wrap(caption, 170)):
        drawn.append(_text(12, height - 24 + 11 * number, line, size=9, colour="#777"))
    drawn.append("</svg>\n")
    return "\n".join(drawn)
