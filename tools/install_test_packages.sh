#!/usr/bin/env bash
# Install the Debian packages that the tests and benchmarks use, where they are missing.
set -euo pipefail

missing=()
command -v curl >/dev/null || missing+=(curl)
command -v node >/dev/null || missing+=(nodejs)
command -v chromium >/dev/null || missing+=(chromium)
{ command -v nghttp && command -v h2load; } >/dev/null || missing+=(nghttp2-client)
echo '#include <nghttp2/nghttp2.h>' | "${CC:-cc}" -E -x c - >/dev/null 2>&1 || missing+=(libnghttp2-dev)

if [ "${#missing[@]}" -eq 0 ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "These packages are needed and this system has no apt-get to install them: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
fi
echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
