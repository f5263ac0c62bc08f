#!/usr/bin/env bash
# Make a virtual environment with programs that use h2, and without h2: what runs there can only run on fasth2.
#
#     tools/make_program_environment.sh .venv/bin/python requirements/programs/hypercorn.txt .work/programs/311/hypercorn
#
# The folder has the file .made once it is complete.
set -euo pipefail

python=$1
requirements=$2
folder=$3

rm -rf "$folder"
"$python" -m venv "$folder"
pip=("$folder/bin/python" -m pip --quiet --disable-pip-version-check)
"${pip[@]}" install -r "$requirements"
"${pip[@]}" uninstall --yes h2 hpack hyperframe 2>/dev/null
for package in h2 hpack hyperframe; do
    if "$folder/bin/python" -c "import $package" 2>/dev/null; then
        echo "$package can still be imported in $folder" >&2
        exit 1
    fi
done
touch "$folder/.made"
