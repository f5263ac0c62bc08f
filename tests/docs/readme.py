"""The blocks of code of README.md, docs/engine.md and docs/hpack.md that are run."""
from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()
ENGINE = (ROOT / "docs" / "engine.md").read_text()
HPACK = (ROOT / "docs" / "hpack.md").read_text()


def blocks(text: str) -> dict[str, str]:
    """Name of a test, as the comment before a block has it, to the block."""
    return dict(re.findall(r"^<!-- test: ([^\n]*) -->\n```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


BLOCKS = blocks(README + ENGINE + HPACK)
