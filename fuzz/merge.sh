#!/usr/bin/env bash
# Make the committed corpus of a target anew: the fewest inputs found so far that together reach all that they reach.
#
#     fuzz/merge.sh PYTHON TARGET
set -euo pipefail

python=$1 target=$2
cd "$(dirname "$0")/.."
kept=.work/fuzz/kept/$target
rm -rf "$kept"
mkdir -p "$kept"
fuzz/run.sh "$python" "$target" -set_cover_merge=1 "$kept" >".work/fuzz/$target-merge.log" 2>&1
"$python" -m fuzz.corpora pack "$target" "$kept"
wc -lc "fuzz/corpus/$target.txt"
