#!/usr/bin/env bash
# Put one version of uvicorn, as pip installs it with what it and its WebSockets need, into a folder of its own.
#
#     tools/fetch_uvicorn.sh .venv/bin/python 0.54.0 .work/uvicorn/0.54.0
#
# The folder, for PYTHONPATH, appears whole or not at all.
set -euo pipefail

python=$1
version=$2
folder=$3

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$python" -m pip --quiet --disable-pip-version-check install --no-compile --target "$work" "uvicorn==$version" websockets wsproto
test -d "$work/uvicorn"

rm -rf "$folder"
mv "$work" "$folder"
trap - EXIT
