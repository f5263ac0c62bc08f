#!/usr/bin/env bash
# Run the tests that need no server on modules whose every function has its references counted by Cython's refnanny:
# one that a function keeps, or gives back twice, fails.
#
#     tools/test_refnanny.sh PYTHON [pytest's arguments]
set -euo pipefail

python=$1
shift
cd "$(dirname "$0")/.."
work=$PWD/.work/refnanny
export FASTH2_SANITIZE=refnanny
"$python" setup.py --quiet build --build-base "$work" --build-lib "$work/lib"
export PYTHONPATH="$work/lib"
"$python" -c 'import sys, fasth2.connection; sys.exit("Cython.Runtime.refnanny" not in sys.modules)'
# It prints what it finds, in whichever test it is: so nothing is captured. It needs memory itself.
"$python" tools/test_installed.py -q -s --deselect=tests/allocation_failures "$@" 2>&1 | tee "$work/log"
if grep -A 5 "REFNANNY\|^refnanny raised" "$work/log"; then
    echo "Cython's refnanny has found wrong counts of references: see above" >&2
    exit 1
fi
