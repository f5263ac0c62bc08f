#!/usr/bin/env bash
# Run tests/engine/threads and tests/wsgi under ThreadSanitizer: on a free-threaded interpreter that is built with it,
# with fasth2 built with it too. Any report that tools/tsan_suppressions.txt does not know fails.
#
#     tools/test_tsan.sh INTERPRETER BUILDER [pytest's arguments]
#
# BUILDER is the same interpreter without ThreadSanitizer: it builds and installs, which takes minutes with it.
set -euo pipefail

interpreter=$1 builder=$2
shift 2
cd "$(dirname "$0")/.."
work=$PWD/.work/tsan
if ! [ "$work/packages/.complete" -nt requirements/test-pure.txt ]; then
    rm -rf "$work/packages"
    mkdir -p "$work/packages"
    "$builder" -m pip install --quiet --disable-pip-version-check --target "$work/packages" \
        -r requirements/build.txt -r requirements/test-pure.txt
    touch "$work/packages/.complete"
fi
FASTH2_SANITIZE=thread PYTHONPATH="$work/packages" "$builder" setup.py --quiet build --build-base "$work/build" \
    --build-lib "$work/lib"
rm -f "$work"/report.*
export PYTHONPATH="$work/lib:$work/packages:$PWD"
export PYTHON_GIL=0
# A worker's threads end with its process.
export TSAN_OPTIONS="suppressions=$PWD/tools/tsan_suppressions.txt log_path=$work/report history_size=4 exitcode=0 \
    report_thread_leaks=0"
"$interpreter" -m pytest -q -p no:cacheprovider --rootdir="$PWD" "$@" tests/engine/threads tests/wsgi || result=$?
if compgen -G "$work/report.*" >/dev/null; then
    cat "$work"/report.*
    echo "ThreadSanitizer has reported: see above" >&2
    exit 1
fi
exit "${result:-0}"
