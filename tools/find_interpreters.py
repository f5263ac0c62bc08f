"""Print the paths of the CPythons that fasth2 can be built with here, one of each kind and version from 3.10 on.

usage: python tools/find_interpreters.py

Looked for on PATH and where pyenv keeps them; the one that runs this comes first.
"""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = 10, 14

#: What an interpreter is: its implementation, version, kind and whether it has headers.
ASK = """
import json, os, sys, sysconfig
headers = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
print(json.dumps([sys.implementation.name, *sys.version_info[:2], getattr(sys, "abiflags", ""), headers]))
"""


def candidates() -> list[str]:
    """Paths of programs that may be such interpreters."""
    minors = range(OLDEST, NEWEST + 1)
    names = [*(f"python3.{minor}" for minor in minors), f"python3.{NEWEST}t"]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = [sys.executable, *(shutil.which(name) for name in names), *sorted(pyenv.glob("3.*/bin/python3"))]
    return [str(path) for path in found if path]


def main() -> None:
    """Ask each, and print those that are suitable and not the second of their version."""
    known = set()
    for path in candidates():
        # A name that pyenv has put on PATH for a version that is not switched on runs and fails.
        asked = subprocess.run([path, "-c", ASK], capture_output=True, text=True, check=False)
        if asked.returncode != 0:
            continue
        implementation, major, minor, kind, headers = json.loads(asked.stdout)
        suitable = implementation == "cpython" and major == 3 and OLDEST <= minor <= NEWEST and headers
        if suitable and (minor, kind) not in known:
            known.add((minor, kind))
            print(path)


if __name__ == "__main__":
    main()
