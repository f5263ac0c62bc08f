#!/usr/bin/env bash
# Build a CPython 3.13 of a kind that nobody packages, from Debian trixie's source package, once: what is there is
# left alone. Prints the path of its interpreter.
#
#     tools/build_python.sh free-threaded          --disable-gil
#     tools/build_python.sh free-threaded-tsan     --disable-gil --with-thread-sanitizer
#     tools/build_python.sh debug                  --with-pydebug
#
# Interpreters and sources are kept in FASTH2_CACHE (the user's cache folder by default), outside the tree.
set -euo pipefail

kind=$1
case $kind in
    free-threaded) options=(--disable-gil) ;;
    # It only ever runs tests: pip would take minutes on it.
    free-threaded-tsan) options=(--disable-gil --with-thread-sanitizer --without-ensurepip --disable-test-modules) ;;
    debug) options=(--with-pydebug) ;;
    *) echo "unknown kind of interpreter: $kind" >&2; exit 2 ;;
esac
cache=${FASTH2_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fasth2}
prefix=$cache/python-$kind
if [ -x "$prefix/bin/python3" ]; then
    echo "$prefix/bin/python3"
    exit
fi
mkdir -p "$cache"
log=$cache/python-$kind.log
exec 3>&1 >"$log" 2>&1
trap 'echo "tools/build_python.sh $kind failed; see $log" >&2; tail -n 20 "$log" >&2' ERR

if ! compgen -G "$cache/source/python3.13-*/configure" >/dev/null; then
    packages=(build-essential ca-certificates dpkg-dev debian-archive-keyring libbz2-dev libffi-dev liblzma-dev libssl-dev
              libsqlite3-dev zlib1g-dev uuid-dev pkg-config)
    apt-get update
    apt-get install -y --no-install-recommends "${packages[@]}"
    # Sources and package lists of their own: those of the machine stay as they are.
    apt=$cache/apt
    mkdir -p "$apt"/{lists/partial,cache/archives/partial,empty} "$cache/source"
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 '/debian$' || true)
    # The machine's own mirror of Debian, or the one that FASTH2_MIRROR names.
    printf 'deb-src %s trixie main\n' "${FASTH2_MIRROR:-${mirror:?no mirror of Debian is known; set FASTH2_MIRROR}}" \
        >"$apt/sources.list"
    options_of_apt=(-o "Dir::Etc::SourceList=$apt/sources.list" -o "Dir::Etc::SourceParts=$apt/empty"
                    -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
    apt-get "${options_of_apt[@]}" update
    # Without Debian's patches, which take pip out and move site-packages.
    (cd "$cache/source" && apt-get "${options_of_apt[@]}" source --download-only python3.13 &&
        dpkg-source --skip-patches -x python3.13_*.dsc)
fi

source=$(echo "$cache"/source/python3.13-*/)
build=$cache/build-$kind
rm -rf "$build"
mkdir "$build"
cd "$build"
# A sanitized interpreter reports what CPython does on purpose while it builds itself.
export TSAN_OPTIONS=report_bugs=0
"$source/configure" --prefix="$prefix" "${options[@]}"
make -s -j"$(nproc)"
# Modules are turned into byte code when they are first imported, not the whole library now.
make -s install COMPILEALL_OPTS=-l
rm -rf "$build"
test -x "$prefix/bin/python3"
echo "$prefix/bin/python3" >&3
