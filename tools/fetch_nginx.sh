#!/usr/bin/env bash
# Put Debian sid's nginx, with the libraries that it needs, into a folder; nothing is installed. Prints the folder.
#
#     tools/fetch_nginx.sh
#
# The folder is in FASTH2_CACHE (the user's cache folder by default), outside the tree, and appears whole or not at all.
# FOLDER/nginx runs it.
set -euo pipefail

cache=${FASTH2_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fasth2}
folder=$cache/nginx
if [ -x "$folder/nginx" ]; then
    echo "$folder"
    exit 0
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/nginx.XXXXXX")
trap 'rm -rf "$work"' EXIT
# _apt, as which apt fetches, has to get there too.
chmod 755 "$work"
mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' |
    sed -n 's/ Debian$//p' | head -n 1)
mkdir -p "$work/lists/partial" "$work/archives/partial"
touch "$work/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$work/sources.list"
cat >"$work/apt.conf" <<END
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$work/lists";
Dir::State::Status "$work/status";
Dir::Cache "$work";
APT::Sandbox::User "root";
END
export APT_CONFIG=$work/apt.conf
apt-get update -q >&2
mkdir "$work/packages" "$work/folder"
(cd "$work/packages" && apt-get download -q nginx libc6 libcrypt1 libpcre2-8-0 libssl3t64 libzstd1 zlib1g >&2)
for package in "$work"/packages/*.deb; do
    dpkg-deb --extract "$package" "$work/folder"
done
loader=$(cd "$work/folder" && echo usr/lib/*/ld-linux-*.so.*)
cat >"$work/folder/nginx" <<END
#!/bin/sh
exec "$folder/$loader" --library-path "$folder/$(dirname "$loader")" "$folder/usr/sbin/nginx" "\$@"
END
chmod +x "$work/folder/nginx"
rm -rf "$folder"
mv "$work/folder" "$folder"
# It runs from its place only, so it is tried there.
if ! "$folder/nginx" -v; then
    rm -rf "$folder"
    exit 1
fi
echo "$folder"
