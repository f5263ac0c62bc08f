#!/usr/bin/env bash
# Put the tests of one version of Starlette, from its sdist, into a folder.
#
#     tools/fetch_starlette_tests.sh .venv/bin/python 1.10.0 .work/starlette/1.10.0
#
# The folder appears whole or not at all.
set -euo pipefail

python=$1
version=$2
folder=$3

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$python" -m pip --quiet --disable-pip-version-check download --no-deps --no-binary starlette --dest "$work" "starlette==$version"
mkdir "$work/source"
tar --extract --gzip --file "$work"/starlette-*.tar.gz --strip-components 1 --directory "$work/source"
test -d "$work/source/tests"

rm -rf "$folder"
mkdir "$folder"
mv "$work/source/tests" "$folder/"
