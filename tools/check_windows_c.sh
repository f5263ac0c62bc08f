#!/usr/bin/env bash
# Let clang check the C that Cython makes of fasth2 against the headers of 64-bit and 32-bit Windows: its 32-bit long,
# its macros. No object is made, and MSVC may find more. A warning is an error. Run as root.
#
#     tools/check_windows_c.sh ENVIRONMENT/bin/python
#
# CPython's headers are those of the source that tools/build_python.sh keeps in FASTH2_CACHE, Windows's are MinGW's.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${FASTH2_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fasth2}
if ! compgen -G "$cache/source/python3.13-*/PC/pyconfig.h.in" >/dev/null; then
    tools/build_python.sh free-threaded >/dev/null
fi
source=$(echo "$cache"/source/python3.13-*/)

needed=()
command -v clang >/dev/null || needed+=(clang)
[ -e /usr/x86_64-w64-mingw32/include/windows.h ] || needed+=(mingw-w64-x86-64-dev)
[ -e /usr/i686-w64-mingw32/include/windows.h ] || needed+=(mingw-w64-i686-dev)
if [ "${#needed[@]}" -gt 0 ]; then
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${needed[@]}"
fi

# Cython runs whatever the command is.
"$1" setup.py --quiet --version >/dev/null
headers=.work/windows
mkdir -p "$headers"
cp "$source/PC/pyconfig.h.in" "$headers/pyconfig.h"
failed=0
for machine in x86_64 i686; do
    for file in build/c/src/fasth2/_*.c build/c/src/fasth2/*/_*.c; do
        clang --target="$machine-w64-mingw32" -fsyntax-only -std=c11 -DMS_WINDOWS -Isrc/fasth2 \
            -isystem "/usr/$machine-w64-mingw32/include" -isystem "$headers" -isystem "$source/Include" \
            -Werror -Wall -Wextra -Wshorten-64-to-32 -Wimplicit-int-conversion -Wno-unused-function \
            -Wno-unused-parameter -Wno-missing-field-initializers "$file" || failed=1
    done
done
if [ "$failed" = 1 ]; then
    echo "this C is not for Windows" >&2
    exit 1
fi
echo "no warning for Windows, x86_64 and i686"
