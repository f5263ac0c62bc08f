#!/usr/bin/env bash
# Build a wheel from an sdist with each interpreter named after it (python3 if none), in fresh
# environments outside the tree. No compiler may warn, the wheel has to hold what it should, and
# every module has to be importable where nothing else is installed.
#
#     tools/check_package.sh .work/sdist/*.tar.gz python3.10 python3.13
set -euo pipefail

sdist=$(realpath "$1")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export LC_ALL=C

for python in "${@:-python3}"; do
    "$python" -m venv venv
    if ! venv/bin/python -m pip wheel --verbose --disable-pip-version-check --no-deps --wheel-dir wheel "$sdist" \
            >log 2>&1; then
        tail -n 50 log >&2
        exit 1
    fi
    # C compilers and linkers, Cython, Python; setuptools warns of every pattern that matches no file.
    if grep -A 5 -E ': warning:|warning: [^ ]+:[0-9]+:|[a-z]Warning:' log >&2; then
        echo "Warnings in the build with $python" >&2
        exit 1
    fi
    venv/bin/python -I - "$sdist" wheel/*.whl <<'CHECK'
import sys, tarfile, zipfile
from pathlib import PurePosixPath as Path

with tarfile.open(sys.argv[1]) as sdist:
    sources = {Path(*Path(name).parts[2:]) for name in sdist.getnames() if "/src/fasth2/" in name}
with zipfile.ZipFile(sys.argv[2]) as wheel:
    names = {Path(name) for name in wheel.namelist() if ".dist-info/" not in name}
compiled = {name.with_name(name.name.partition(".")[0]) for name in names if name.suffix in (".so", ".pyd")}
wanted = {name for name in sources if name.suffix in (".py", ".pyi", ".pxd", ".h") or name.name == "py.typed"}
assert not {name for name in sources if name.suffix in (".c", ".so", ".pyd")}, "the sdist holds what a build makes"
assert compiled == {name.with_suffix("") for name in sources if name.suffix == ".pyx"} != set(), compiled
assert wanted == {name for name in names if name.suffix not in (".so", ".pyd")}, wanted ^ names
CHECK
    venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps wheel/*.whl
    venv/bin/python -I -W error - <<'CHECK'
import importlib, pkgutil, sys

import fasth2

loaded = []
for module in pkgutil.walk_packages(fasth2.__path__, "fasth2."):
    # Those need gunicorn.
    if not module.name.startswith("fasth2.gunicorn") and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        loaded.append(module.name)
print(f"{sys.version.split()[0]}: fasth2 {fasth2.__version__}, {len(loaded)} modules imported")
CHECK
    rm -rf venv wheel
done
