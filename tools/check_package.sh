#!/usr/bin/env bash
# Build and install an sdist with each interpreter named after it (python3 if none), in fresh
# environments outside the tree, and import every module of what was installed.
#
#     tools/check_package.sh dist/fasth2-0.1.0.tar.gz python3.10 python3.13
set -euo pipefail

sdist=$(realpath "$1")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for python in "${@:-python3}"; do
    "$python" -m venv "$work/venv"
    "$work/venv/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir wheel "$sdist"
    "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps wheel/*.whl
    "$work/venv/bin/python" -I -W error - <<'CHECK'
import importlib, pkgutil, sys

import fasth2

loaded = []
for module in pkgutil.walk_packages(fasth2.__path__, "fasth2."):
    if not module.name.startswith("fasth2.gunicorn") and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        loaded.append(module.name)
print(f"{sys.version.split()[0]}: fasth2 {fasth2.__version__}, {len(loaded)} modules imported")
CHECK
    rm -rf "$work/venv" wheel
done
