#!/usr/bin/env bash
# Make a wheel from the sdist with each interpreter named, and check all of it that one Linux machine can: the platform
# tag, the metadata, the contents, and the tests against what was installed, with the tree out of reach.
#
#     tools/check_wheels.sh ENVIRONMENT/bin python3.10 python3.13
#
# ENVIRONMENT/bin has the programs of requirements/wheel.txt. The wheels are left in .work/wheels/dist.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$(realpath -s "$1")
shift
if [ $# -eq 0 ]; then
    echo "no interpreter to make a wheel with" >&2
    exit 2
fi
export PATH="$tools:$PATH"
out=$PWD/.work/wheels
rm -rf "$out"
mkdir -p "$out/dist"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python -m build --quiet --sdist --outdir "$out/dist"
sdist=$(echo "$out"/dist/*.tar.gz)
# The tests come out of the sdist too, without the sources beside them.
mkdir "$work/unpacked"
tar -xzf "$sdist" -C "$work/unpacked" --strip-components 1
mv "$work/unpacked/src" "$work/sources"

for interpreter in "$@"; do
    rm -rf "$work/venv" "$work/raw"
    "$interpreter" -m venv "$work/venv"
    tag=$("$work/venv/bin/python" -c 'import sys; print("cp%d%d%s" % (*sys.version_info[:2], sys.abiflags))')
    echo "== $tag, $interpreter"
    (cd "$work" && FASTH2_WERROR=1 venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps \
        --wheel-dir raw "$sdist")
    auditwheel repair --strip --plat "manylinux_2_17_$(uname -m)" --wheel-dir "$out/dist" "$work"/raw/*.whl
    wheel=$(echo "$out"/dist/*-"$tag"-*.whl)
    python tools/check_wheel_contents.py "$wheel" "$work/sources/fasth2"
    "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/test-pure.txt "$wheel"
    # Failing allocations are the same in every wheel, and take long.
    (cd "$work" && venv/bin/python unpacked/tools/test_installed.py -q -n 2 -k "not allocation_failures")
done
twine --no-color check --strict "$out"/dist/*

echo "== what cibuildwheel builds"
for platform in linux macos windows; do
    cibuildwheel --print-build-identifiers --platform "$platform"
done | LC_ALL=C sort | diff - tools/wheel_identifiers.txt
make check-workflows
