#!/usr/bin/env bash
# Install fasth2 for a free-threaded interpreter and run the tests that need no server, with the lock off.
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
"$python" -m pip install --quiet --disable-pip-version-check . -r requirements/test-pure.txt
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
PYTHON_GIL=0 "$python" "$OLDPWD/tools/test_installed.py" -q
