#!/usr/bin/env bash
# Run a target on the modules that FASTH2_SANITIZE=fuzz built into .work/fuzz/lib (make fuzz-build).
#
#     fuzz/run.sh PYTHON TARGET [options and folders of libFuzzer]
#
# New inputs go to .work/fuzz/corpus/TARGET, beside the committed ones, and what fails to .work/fuzz/found.
set -euo pipefail

python=$1 target=$2
shift 2
cd "$(dirname "$0")/.."
work=.work/fuzz
mkdir -p "$work/corpus/$target" "$work/found"
"$python" -m fuzz.corpora unpack "$target" "$work/corpus/$target"
# Python is not built with the sanitizer, so its library is loaded before it. Leaks, which Python has by design, are
# not reported; memory is bounded instead.
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
export PYTHONPATH=$PWD/$work/lib:$PWD PYTHONMALLOC=malloc PYTHONHASHSEED=0
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
# What libFuzzer starts again where it merges.
export FASTH2_FUZZ_AGAIN=$PWD/$work/again-$target.sh
printf '#!/bin/sh\nexec "%s" -m fuzz.run "%s" "$@"\n' "$python" "$target" >"$FASTH2_FUZZ_AGAIN"
chmod +x "$FASTH2_FUZZ_AGAIN"
LD_PRELOAD=$site/asan_with_fuzzer.so exec "$python" -m fuzz.run "$target" "$@" "$work/corpus/$target" \
    -artifact_prefix="$work/found/$target-" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=64 -max_len=800 -len_control=20
