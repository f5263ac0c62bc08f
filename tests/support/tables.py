"""The tables of docs/."""
from __future__ import annotations

import re


def rows(text, *heading):
    """The cells of the table with this heading."""
    lines = text.partition("| " + " | ".join(heading) + " |\n")[2].partition("\n\n")[0].splitlines()
    assert lines.pop(0).count("---") == len(heading)
    return [[cell.strip() for cell in re.split(r" \| ", line.strip("|").strip(" ") + " ")] for line in lines]
