"""The rows: which contestants serve which workload.

usage: python -m bench.rows ROW CONTESTANT

Runs one contestant as a child that ``bench.children`` describes.
"""
from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from types import ModuleType

from . import floor
from .checking import check_answers
from .children import Child, rounds_in_turn, serve_commands
from .recording import Workload
from .rounds import Runner
from .workloads import FACADE_NAMES, NAMES, load

# Contestant -> its module in bench.contestants. One that isn't there yet, or whose
# package isn't installed, is missed by its own rows only.
_ENGINES = {
    "fasth2_h2_calls": "fasth2_h2_calls",
    "fasth2_one_call": "fasth2_one_call",
    "h2": "h2_peer",
    "ngh2": "ngh2_peer",
    "zttp": "zttp_peer",
}
_FACADES = {"fasth2": "facade_fasth2", "gunicorn_on_h2": "facade_gunicorn"}
_FACADE = "facade_"

ENGINE_ROWS = NAMES
ENGINE_CONTESTANTS = (*_ENGINES, floor.NAME)
FACADE_ROWS = tuple(_FACADE + name for name in FACADE_NAMES)
FACADE_CONTESTANTS = tuple(_FACADES)


def load_contestant(contestant: str) -> ModuleType:
    """Import the module of a contestant written in Python."""
    name = (_ENGINES | _FACADES)[contestant]
    return importlib.import_module(f"bench.contestants.{name}")


def workload_of(row: str, scale: int = 1) -> Workload:
    """The workload of a row, with its requests divided by ``scale``."""
    return load(row.removeprefix(_FACADE), scale)


def runner(row: str, contestant: str, scale: int = 1) -> Runner:
    """A contestant written in Python, in this interpreter."""
    workload = workload_of(row, scale)
    if row.startswith(_FACADE):
        workload = workload.as_text()
    return Runner(load_contestant(contestant), workload)


def _start(row: str, contestant: str) -> Child:
    if contestant == floor.NAME:
        return floor.start(workload_of(row))
    return Child(contestant, [sys.executable, "-m", "bench.rows", row, contestant])


def run_once(row: str, contestant: str, scale: int) -> float:
    """Check a contestant's answers, then let it serve one round.

    Args:
        row: The row.
        contestant: The contestant.
        scale: Divides the number of requests.

    Returns:
        The time of the round.

    Raises:
        WrongAnswer: An answer is not the workload's.
    """
    workload = workload_of(row, scale)
    if contestant == floor.NAME:
        with floor.start(workload) as child:
            check_answers(child, workload)
            return child.round()
    here = runner(row, contestant, scale)
    check_answers(here, workload)
    return here.round()


@functools.cache
def samples(row: str, rounds: int) -> dict[str, list[float]]:
    """Let the contestants of a row serve in turn, many times over.

    Every answer is checked first, by children that take no part in the rounds.

    Args:
        row: The row.
        rounds: How often each serves.

    Returns:
        For each contestant the seconds a request, round after round.

    Raises:
        WrongAnswer: An answer is not the workload's.
    """
    workload = workload_of(row)
    contestants = FACADE_CONTESTANTS if row.startswith(_FACADE) else ENGINE_CONTESTANTS
    for contestant in contestants:
        with _start(row, contestant) as child:
            check_answers(child, workload)
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(_start(row, contestant)) for contestant in contestants]
        return rounds_in_turn(children, rounds, workload.requests)


if __name__ == "__main__":
    serve_commands(runner(sys.argv[1], sys.argv[2]))
