#!/usr/bin/env bash
# Run tests on an interpreter --with-pydebug, which checks its own state at every turn.
#
#     tools/test_debug.sh suite INTERPRETER [pytest's arguments]
#     tools/test_debug.sh valgrind INTERPRETER
#
# suite: the tests that need no server. valgrind: the scenarios of tests/allocation_failures, three times each with all
# the memory they want, under valgrind: memory that is used outside its bounds, after it was freed, or before it was
# written, fails. It takes that interpreter because optimised ones look wrong to valgrind where they are not.
set -euo pipefail

what=$1 interpreter=$2
shift 2
cd "$(dirname "$0")/.."
work=$PWD/.work/debug
if ! [ "$work/venv/.complete" -nt requirements/test-pure.txt ]; then
    rm -rf "$work/venv"
    "$interpreter" -m venv "$work/venv"
    "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/build.txt \
        -r requirements/test-pure.txt
    touch "$work/venv/.complete"
fi
python=$work/venv/bin/python
export FASTH2_SANITIZE=debug
"$python" setup.py --quiet build --build-base "$work/build" --build-lib "$work/lib"
if [ "$what" = suite ]; then
    PYTHONPATH="$work/lib" exec "$python" tools/test_installed.py -q "$@"
fi
if ! command -v valgrind >/dev/null; then
    apt-get update
    apt-get install -y --no-install-recommends valgrind
fi
PYTHONMALLOC=malloc PYTHONPATH="$work/lib:$PWD" exec valgrind --error-exitcode=1 --quiet --num-callers=15 \
    "$python" -m tests.allocation_failures.play
