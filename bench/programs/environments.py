"""How a program is started on h2 and on fasth2: in the same environment, which has neither."""
from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
#: Where `make programs` makes the environments.
_ENVIRONMENTS = ROOT / ".work" / "programs" / (str(sysconfig.get_config_var("VERSION")) + sys.abiflags)
#: Where `make bench-programs` installs h2, hpack and hyperframe.
H2 = ROOT / ".work" / "bench" / "h2"

LIBRARIES = ("h2", "fasth2")


def command(environment: str, library: str, *program: str) -> list[str]:
    """Return what starts a program.

    Args:
        environment: The name of a file in ``requirements/programs``.
        library: ``h2`` or ``fasth2``.
        *program: ``-m`` and a module, or a script; then its arguments.
    """
    python = _ENVIRONMENTS / environment / "bin" / "python"
    return [str(python), *(("-m", "fasth2", "run") if library == "fasth2" else ()), *program]


def variables(library: str) -> dict[str, str]:
    """Return the environment of its process."""
    places = [ROOT / "src", ROOT] if library == "fasth2" else [H2, ROOT]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}


def check(library: str) -> None:
    """Check that a program's own process runs on a library.

    Raises:
        RuntimeError: It does not.
    """
    import h2.connection

    found = h2.connection.H2Connection.__module__.partition(".")[0]
    if found != library:
        raise RuntimeError(f"the program runs on {found}, not on {library}")
