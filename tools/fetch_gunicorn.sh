#!/usr/bin/env bash
# Put one version of gunicorn, as pip installs it, and its source distribution, which has its
# tests, into a folder of its own.
#
#     tools/fetch_gunicorn.sh .venv/bin/python 27.0.1 .work/gunicorn/27.0.1
#
# That makes FOLDER/site, for PYTHONPATH, and FOLDER/src. The folder appears whole or not at all.
set -euo pipefail

python=$1
version=$2
folder=$3

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT

pip=("$python" -m pip --quiet --disable-pip-version-check)
"${pip[@]}" install --no-deps --no-compile --target "$work/site" "gunicorn==$version"
# pip asks a source distribution for its metadata, so the environment has to have setuptools.
"${pip[@]}" download --no-deps --no-binary gunicorn --no-build-isolation --dest "$work" "gunicorn==$version"
mkdir "$work/src"
tar -xzf "$work"/gunicorn-*.tar.gz -C "$work/src" --strip-components 1
rm "$work"/gunicorn-*.tar.gz
test -d "$work/src/tests"

rm -rf "$folder"
mv "$work" "$folder"
