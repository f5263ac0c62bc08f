#!/usr/bin/env bash
# Run a command on the modules that FASTH2_SANITIZE=1 built into a folder.
#
#     tools/run_sanitized.sh .work/sanitize python -m pytest
#
# Python is not built with the sanitizers, so their libraries are loaded before it, and leaks, which
# it has by design, are not reported. Programs that are not Python run without: curl stops dead in them.
set -euo pipefail

folder=$(realpath "$1")
shift

mkdir -p "$folder/bin"
for program in curl nghttp h2load node; do
    if path=$(command -v "$program") && [ "$path" != "$folder/bin/$program" ]; then
        printf '#!/bin/sh\nexec env -u LD_PRELOAD "%s" "$@"\n' "$path" >"$folder/bin/$program"
        chmod +x "$folder/bin/$program"
    fi
done

export FASTH2_SANITIZE=1
export PATH="$folder/bin:$PATH"
export PYTHONPATH="$folder/lib"
export PYTHONMALLOC=malloc
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" exec "$@"
