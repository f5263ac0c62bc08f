#!/usr/bin/env bash
# Make a wheel from the sdist with each interpreter named, and check all of it that one Linux machine can: the platform
# tag, the metadata, the contents, and the tests against what was installed, with the tree's sources out of reach.
#
#     tools/check_wheels.sh ENVIRONMENT/bin python3.10 python3.13
#
# ENVIRONMENT/bin has the programs of requirements/wheel.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$(realpath -s "$1")
shift
export PATH="$tools:$PATH"
tree=$PWD
out=$tree/.work/wheels
rm -rf "$out"
mkdir -p "$out/raw" "$out/dist"

python -m build --quiet --sdist --outdir "$out/dist"
sdist=$(echo "$out"/dist/*.tar.gz)

for interpreter in "$@"; do
    echo "wheel with $interpreter"
    rm -rf "$out/venv" "$out/raw"/*
    "$interpreter" -m venv "$out/venv"
    (cd "$out" && venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir raw "$sdist")
    for wheel in "$out"/raw/*.whl; do
        auditwheel repair --strip --plat "manylinux_2_17_$(uname -m)" --wheel-dir "$out/dist" "$wheel"
    done
    tag=$("$out/venv/bin/python" -c 'import sys; print("cp%d%d%s" % (*sys.version_info[:2], sys.abiflags))')
    wheel=$(echo "$out"/dist/*-"$tag"-*.whl)
    python - "$wheel" <<'CHECK'
import sys, zipfile
from pathlib import Path, PurePosixPath

wheel = Path(sys.argv[1])
with zipfile.ZipFile(wheel) as archive:
    names = [PurePosixPath(name) for name in archive.namelist()]
source = Path("src/fasth2")


def files(suffix):
    return {PurePosixPath(path.relative_to("src").as_posix()) for path in source.rglob(f"*{suffix}")}


compiled = {name.with_name(name.name.partition(".")[0]) for name in names if name.suffix == ".so"}
assert compiled == {name.with_suffix("") for name in files(".pyx")}, "not every module is compiled"
for suffix in (".pyi", ".pxd"):
    assert files(suffix) <= set(names), f"a {suffix} file is missing"
assert PurePosixPath("fasth2/py.typed") in names, "py.typed is missing"
assert not [name for name in names if name.suffix == ".c" or name.parts[0] in ("tests", "bench")], "too much in the wheel"
size = wheel.stat().st_size
assert size < 2 << 20, f"{wheel.name} has {size} octets"
print(f"{wheel.name}: {size // 1024} KiB")
CHECK
    "$out/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/test-pure.txt "$wheel"
    (cd "$out" && venv/bin/python "$tree/tools/test_installed.py" -q)
done
twine check --strict "$out"/dist/*

echo "what cibuildwheel builds"
for platform in linux macos windows; do
    cibuildwheel --print-build-identifiers --platform "$platform"
done | sort | diff - tools/wheel_identifiers.txt
check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
zizmor --offline --quiet --config .github/zizmor.yml .github/workflows
