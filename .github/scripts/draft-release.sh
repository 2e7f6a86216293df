#!/bin/sh
# Creates a draft release and uploads its files: `draft-release.sh VERSION COMMIT FOLDER`. Prints the id of the draft.
#
# Only maintainers see a draft, and it creates no tag. The files on GitHub are then compared with the uploaded ones.

set -eu
version=$1 commit=$2 folder=$3
tag=v$version
scripts=$(dirname "$0")

fail() {
    printf 'draft-release: %s\n' "$1" >&2
    exit 1
}

# A draft cannot be found by its tag, only in the list.
with_this_tag() {
    all=$(gh api --paginate "repos/$GITHUB_REPOSITORY/releases?per_page=100") || fail "GitHub did not list the releases"
    printf '%s' "$all" | jq -s --arg tag "$tag" 'add | map(select(.tag_name == $tag))'
}

found=$(with_this_tag)
[ "$(printf '%s' "$found" | jq length)" = 0 ] || fail "a release $tag exists already: $(printf '%s' "$found" |
    jq -r '.[].html_url'). If it is the draft of an earlier attempt that stopped, delete it and start again."

gh release create "$tag" --repo "$GITHUB_REPOSITORY" --draft --target "$commit" --title "$tag" --generate-notes \
    "$folder"/* >&2

# GitHub computes the digests after the upload, which may take a moment.
tries=10
while :; do
    found=$(with_this_tag)
    [ "$(printf '%s' "$found" | jq length)" = 1 ] || fail "there is not exactly one release $tag now"
    release=$(printf '%s' "$found" | jq '.[0]')
    waiting=$(printf '%s' "$release" | jq '[.assets[] | select(.digest == null or .state != "uploaded")] | length')
    tries=$((tries - 1))
    if [ "$waiting" = 0 ] || [ "$tries" = 0 ]; then break; fi
    sleep "${PAUSE:-3}"
done
printf '%s' "$release" | sh "$scripts/compare-digests.sh" "$folder" >&2

printf '%s' "$release" | jq .id
