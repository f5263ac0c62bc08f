"""Tables in Markdown, as rows of cells."""
from __future__ import annotations

import re


def rows(text: str, *heading: str) -> list[list[str]]:
    """The cells of the table with this heading."""
    lines = text.partition("| " + " | ".join(heading) + " |\n")[2].partition("\n\n")[0].splitlines()
    assert lines.pop(0).count("---") == len(heading)
    cells = [[cell.strip() for cell in re.split(r"(?<= )\|(?= )", line[1:-1])] for line in lines]
    assert {len(row) for row in cells} == {len(heading)}
    return cells
