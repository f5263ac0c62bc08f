#!/usr/bin/env bash
# Install the Debian packages that the tests and benchmarks use, where they are missing. The proxies among them bring
# services: none is started, now or at the next boot. The tests start their own, on free ports of 127.0.0.1.
set -euo pipefail

PATH=$PATH:/usr/sbin:/sbin
missing=()
services=()
need() {
    # need COMMAND PACKAGE [SERVICE]
    if ! command -v "$1" >/dev/null; then
        missing+=("$2")
        services+=(${3:+"$3"})
    fi
}
need curl curl
need node nodejs
need chromium chromium
need nghttp nghttp2-client
need h2load nghttp2-client
need nghttpd nghttp2-server
need haproxy haproxy haproxy
need nghttpx nghttp2-proxy nghttpx
need nginx nginx nginx
# The server and its modules without its service.
need apache2 apache2-bin
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
# One at a time: another installation would find this one's policy-rc.d, and lose it in the middle.
if [ -z "${FASTH2_INSTALLING:-}" ]; then
    exec "${as_root[@]}" env FASTH2_INSTALLING=1 flock /run/lock/fasth2-packages "${BASH_SOURCE[0]}"
fi
if [ "${#services[@]}" -gt 0 ] && [ ! -e /usr/sbin/policy-rc.d ]; then
    # Debian's way to keep an installation from starting services.
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin /usr/sbin/policy-rc.d
    trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
fi
echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
for service in ${services[@]+"${services[@]}"}; do
    if command -v systemctl >/dev/null; then
        "${as_root[@]}" systemctl disable --quiet "$service" || true
    elif [ -e "/etc/init.d/$service" ]; then
        "${as_root[@]}" update-rc.d "$service" disable
    fi
done
