#!/usr/bin/env bash
# Build fasth2 in one of tools/debian_root.sh's folders and run its tests there. Run as root.
#
#     tools/test_in_root.sh ROOT PYTHON [tools/test_installed.py's arguments]
#
# PYTHON is the interpreter's name there. FASTH2_HOST_PYTHON (python3) turns the .pyx files into C here, since
# that takes long on an imitated machine, and fetches the wheels, since the folder needs no network. With --everything
# those are requirements/test.txt's, for this machine's kind; without, none has compiled parts.
set -euo pipefail

root=$(realpath "$1") python=$2
shift 2
cd "$(dirname "$0")/.."
host=$(realpath -s "$(command -v "${FASTH2_HOST_PYTHON:-python3}")")
version=$(chroot "$root" "$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
platforms=(--platform any)
requirements=requirements/test-pure.txt
if [[ " $* " == *" --everything "* ]]; then
    requirements=requirements/test.txt
    for libc in 2_28 2_17 2_5; do
        platforms+=(--platform "manylinux_${libc}_$(uname -m)")
    done
    platforms+=(--platform "manylinux2014_$(uname -m)")
fi
rm -rf "$root/wheels"
"$host" -m pip download --quiet --disable-pip-version-check --only-binary :all: --python-version "$version" \
    "${platforms[@]}" --dest "$root/wheels" -r requirements/build.txt -r "$requirements"

rm -rf "$root/fasth2"
mkdir "$root/fasth2"
{
    git ls-files -z --cached --others --exclude-standard
    if [ "$requirements" = requirements/test.txt ]; then
        printf '.work/gunicorn\0'
    fi
} | xargs -0 tar -cf - | tar -xf - -C "$root/fasth2"
(cd "$root/fasth2" && "$host" setup.py --quiet --version >/dev/null)

mounted=()
finish() {
    for one in "${mounted[@]}"; do umount -l "$one"; done
}
trap finish EXIT
for one in proc dev; do
    mount --rbind "/$one" "$root/$one"
    mount --make-rslave "$root/$one"
    mounted=("$root/$one" "${mounted[@]}")
done
chroot "$root" env -i HOME=/root PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 CI="${CI:-}" \
    PYTHON="$python" FASTH2_SLOW="${FASTH2_SLOW:-}" sh -euc '
    cd /fasth2
    "$PYTHON" -m venv --clear /venv
    /venv/bin/pip install --quiet --no-index --find-links /wheels /wheels/*.whl
    /venv/bin/pip install --quiet --no-index --no-build-isolation --no-deps /fasth2
    exec /venv/bin/python tools/test_installed.py "$@"
' sh "$@"
