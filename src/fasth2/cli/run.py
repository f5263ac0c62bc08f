"""``python -m fasth2 run``: start a program with fasth2 in h2's and hpack's place.

The program gets an interpreter of its own, in the same process where the
system can do that, so it sees what it would see without fasth2. The
environment of that interpreter, which children inherit, has a folder on
PYTHONPATH whose `sitecustomize` calls `fasth2.alias_h2`.
"""
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from fasth2.alias import alias_status

__all__ = ["USAGE", "environment", "run"]

USAGE = """\
usage: python -m fasth2 run [--verbose] -m MODULE [ARGUMENT ...]
       python -m fasth2 run [--verbose] -c CODE [ARGUMENT ...]
       python -m fasth2 run [--verbose] SCRIPT [ARGUMENT ...]

Run a program as python does, with fasth2 in the place of h2 and hpack, in it
and in every Python that it starts with the environment it was given.

  --verbose  print a line to standard error in each process: whether it took effect

FASTH2_DISABLE=1 in the environment runs the program on h2.
"""

#: The folder with `sitecustomize`.
_AT_STARTUP = str(Path(__file__).resolve().parent / "at_startup")


def environment(inherited: dict[str, str], verbose: bool = False) -> dict[str, str]:
    """The environment in which every Python has fasth2 in h2's and hpack's place.

    Args:
        inherited: The environment to begin with.
        verbose: True for a line on standard error in each process.

    Returns:
        A copy with ``PYTHONPATH`` and ``FASTH2_RUN`` changed.
    """
    others = [entry for entry in (inherited.get("PYTHONPATH") or "").split(os.pathsep) if entry != _AT_STARTUP]
    path = os.pathsep.join([_AT_STARTUP, *others] if others != [""] else [_AT_STARTUP])
    return {**inherited, "PYTHONPATH": path, "FASTH2_RUN": "verbose" if verbose else "1"}


def run(arguments: Sequence[str]) -> int:
    """Run the program. Returns only if it could not be started, or on Windows when it has ended.

    Args:
        arguments: What follows ``run`` on the command line.

    Returns:
        The exit status.
    """
    rest = list(arguments)
    verbose = rest[:1] == ["--verbose"]
    if verbose:
        del rest[0]
    if rest[:1] in (["-h"], ["--help"]):
        print(USAGE, end="")
        return 0
    if not rest or (rest[0] in ("-m", "-c") and len(rest) < 2) or (rest[0].startswith("-") and rest[0] not in ("-m", "-c")):
        print(USAGE, end="", file=sys.stderr)
        return 2
    settings = dict(os.environ)
    if settings.get("FASTH2_DISABLE") == "1":
        print("fasth2: the program runs on h2: FASTH2_DISABLE=1", file=sys.stderr)
    elif fault := _obstacle():
        print(f"python -m fasth2 run: {fault}", file=sys.stderr)
        return 1
    else:
        settings = environment(settings, verbose)
    command = [sys.executable, *_options(), *rest]
    if sys.platform != "win32":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(command[0], command, settings)
    return subprocess.run(command, env=settings, check=False).returncode


def _options() -> list[str]:
    """The options of this interpreter, for the program's."""
    given = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv[1:])]
    if given[-2:] == ["-m", "fasth2"]:
        return given[:-2]
    if given[-1:] == ["-mfasth2"]:
        return given[:-1]
    # Started in another way. What multiprocessing starts its children with.
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return flags


def _obstacle() -> str | None:
    """What would keep the program from getting fasth2."""
    if not sys.executable:
        return "sys.executable does not say which Python to start"
    if sys.flags.ignore_environment or sys.flags.no_site:
        return "the options -E, -I and -S of python keep it from reading PYTHONPATH and sitecustomize"
    status = alias_status()
    if "imported from" in status.reason:
        return f"{status}: something that Python runs when it starts, such as a .pth file, imports it"
    return None
