#!/usr/bin/env bash
# Make a Debian of another release or another machine in a folder, once; one that is there is left alone. Prints the
# folder. Run as root.
#
#     tools/debian_root.sh python3.14    sid, CPython 3.14
#     tools/debian_root.sh python3.15    sid, CPython 3.15
#     tools/debian_root.sh i386          bookworm on 32-bit x86
#     tools/debian_root.sh s390x         bookworm on a big-endian machine, which qemu imitates
#
# Folders are kept in FASTH2_CACHE (the user's cache folder by default), outside the tree.
set -euo pipefail

name=$1
native=$(dpkg --print-architecture)
more=()
build=(gcc libc6-dev make ca-certificates)
case $name in
    python3.14 | python3.15)
        suite=sid arch=$native packages=("${build[@]}" "$name" "$name-dev" "$name-venv")
        # The interpreter's own test modules, and the clients and proxies of tools/install_test_packages.sh.
        more=("lib$name-testsuite" curl nghttp2-client libnghttp2-dev nodejs chromium git
              haproxy nghttp2-proxy nginx apache2-bin) ;;
    i386 | s390x)
        suite=bookworm arch=$name
        packages=("${build[@]}" python3 python3-dev python3-venv) ;;
    *) echo "unknown root: $name" >&2; exit 2 ;;
esac
cache=${FASTH2_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fasth2}
root=$cache/root-$name

use_qemu() {
    local register=/proc/sys/fs/binfmt_misc/register
    [ -e "$register" ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    # A line of the package's own; the interpreter stays open, so the folder needs none.
    [ -e "/proc/sys/fs/binfmt_misc/qemu-$arch" ] || grep -v '^#' "/usr/lib/binfmt.d/qemu-$arch.conf" >"$register"
}

apt_get() {
    # A mirror may lag, and what is made here serves no one.
    chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
        http_proxy="${http_proxy:-}" apt-get -o Acquire::Check-Valid-Until=false "$@"
}

mkdir -p "$cache"
log=$cache/root-$name.log
exec 3>&1 >"$log" 2>&1
trap 'echo "tools/debian_root.sh $name failed; see $log" >&2; tail -n 20 "$log" >&2' ERR

needed=()
command -v debootstrap >/dev/null || needed+=(debootstrap)
if [ "$arch" = s390x ] && [ ! -e /usr/lib/binfmt.d/qemu-s390x.conf ]; then
    needed+=(qemu-user-static)
fi
if [ "${#needed[@]}" -gt 0 ]; then
    apt-get update
    apt-get install -y --no-install-recommends "${needed[@]}"
fi
if [ "$arch" = s390x ]; then
    use_qemu
fi
if [ ! -e "$root/.complete" ]; then
    rm -rf --one-file-system "$root"
    debootstrap --variant=minbase --arch="$arch" --include="$(IFS=,; echo "${packages[*]}")" "$suite" "$root"
    touch "$root/.complete"
fi
if [ "$(cat "$root/.complete")" != "${more[*]}" ]; then
    apt_get update
    apt_get install -y --no-install-recommends "${more[@]}"
    echo "${more[*]}" >"$root/.complete"
fi
echo "$root" >&3
