#!/usr/bin/env bash
# Install fasth2 for a free-threaded interpreter and, with the lock off, run the tests that need no server; run those
# in hazards, extensions and regressions once more, each in several threads at once; say how the engine scales over two threads.
#
#     tools/test_free_threaded.sh INTERPRETER
set -euo pipefail

interpreter=$1
cd "$(dirname "$0")/.."
work=.work/free-threaded
rm -rf "$work"
mkdir -p "$work"
"$interpreter" -m venv "$work/venv"
python=$PWD/$work/venv/bin/python
"$python" -m pip install --quiet --disable-pip-version-check . -r requirements/test-pure.txt \
    -r requirements/test-parallel.txt
cd "$work"
"$python" -W error::RuntimeWarning - <<'CHECK'
import importlib, pkgutil, sys

import fasth2

for module in pkgutil.walk_packages(fasth2.__path__, "fasth2."):
    if not module.name.startswith("fasth2.gunicorn") and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
if sys._is_gil_enabled():
    raise SystemExit("importing fasth2 has switched the lock on")
print(sys.version)
CHECK
export PYTHON_GIL=0
"$python" "$OLDPWD/tools/test_installed.py" -q -p no:run-parallel
# Those that cannot are marked thread_unsafe, with the reason, or use a fixture that the plug-in knows to be so.
cd "$OLDPWD"
"$python" -m pytest -q -p no:cacheprovider --rootdir="$PWD" --parallel-threads=4 \
    tests/engine/{hazards,extensions,regressions}
"$python" -m bench.threads
