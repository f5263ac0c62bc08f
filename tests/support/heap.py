"""What a function does to the heap, measured in an interpreter of its own.

Python's allocator is off there and malloc's caches too, so that malloc knows each
octet that is in use: an object that stays behind is seen, whoever made it.
"""
from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from .paths import ROOT


class _MallocInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]


def _meter() -> Callable[[], int]:
    process = ctypes.CDLL(None)
    try:
        # Under AddressSanitizer malloc is another one.
        count = process.__sanitizer_get_current_allocated_bytes
        count.restype = ctypes.c_size_t
        return count
    except AttributeError:
        pass
    info = process.mallinfo2
    info.restype = _MallocInfo

    def in_use() -> int:
        now = info()
        return now.uordblks + now.hblkhd

    return in_use


#: Octets of memory in use.
in_use = _meter()


def growth(step: Callable[[int], Any], rounds: int, warm_up: int | None = None) -> int:
    """Octets that rounds leave behind once others (a tenth as many) have warmed up.

    The garbage collector is off: what is only freed by it counts.
    """
    warm_up = rounds // 10 if warm_up is None else warm_up
    gc.collect()
    gc.disable()
    for number in range(warm_up):
        step(number)
    before = in_use()
    for number in range(warm_up, warm_up + rounds):
        step(number)
    return in_use() - before


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a module's function in a new interpreter and return its result, which JSON must hold."""
    name = f"{function.__module__}:{function.__name__}"
    done = subprocess.run(
        [sys.executable, "-m", __name__, name, json.dumps(arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False,
        env={**os.environ, "PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
    )
    assert done.returncode == 0, f"{name} ended with {done.returncode}: {done.stderr[-3000:]}"
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    module, _, called = sys.argv[1].partition(":")
    print(json.dumps(getattr(importlib.import_module(module), called)(*json.loads(sys.argv[2]))))
