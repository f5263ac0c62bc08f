"""What a run of libFuzzer reached, from its output: ``python -m fuzz.coverage LOG ...``."""
from __future__ import annotations

import re
import sys
from pathlib import Path


def reached(log: str) -> dict[str, int]:
    """Return what a log says last.

    Returns:
        ``executions``; ``seconds``; ``edges`` reached of the ``counters`` of all compiled modules that the target loads
        and of its Python; ``features``, edges together with how often they were taken; ``inputs`` of the corpus.
    """
    counters = {int(start, 16): int(count) for count, start in re.findall(r"\((\d+) inline 8-bit counters\).*?\[?(0x[0-9a-f]+)", log)}
    edges, features, inputs = (max(map(int, re.findall(rf"{name}: (\d+)", log)), default=0) for name in ("cov", "ft", "corp"))
    executions, seconds = re.findall(r"Done (\d+) runs in (\d+) second", log)[-1]
    return {"executions": int(executions), "seconds": int(seconds), "edges": edges, "counters": sum(counters.values()),
            "features": features, "inputs": inputs}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        found = reached(Path(name).read_text(errors="replace"))
        print(Path(name).stem, ", ".join(f"{value:,} {key}" for key, value in found.items()))
