#!/bin/sh
# Compares the files of a directory with those of a release on GitHub: `compare-digests.sh FOLDER <release.json`.
#
# Both must have the same names with the same SHA-256, all uploaded. An extra file on either side is a difference.

set -eu
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ls "$folder" >"$work/names"
[ -s "$work/names" ] || { echo "compare-digests: $folder is empty" >&2 && exit 1; }
while IFS= read -r name; do
    hash=$(sha256sum <"$folder/$name")
    printf '%s sha256:%s uploaded\n' "$name" "${hash%% *}"
done <"$work/names" | LC_ALL=C sort >"$work/ours"

jq -r '.assets[] | "\(.name) \(.digest) \(.state)"' | LC_ALL=C sort >"$work/theirs"

if ! diff -u "$work/ours" "$work/theirs" >"$work/difference"; then
    echo "compare-digests: ours (-) and GitHub's (+) files differ:" >&2
    cat "$work/difference" >&2
    exit 1
fi
cat "$work/ours"
