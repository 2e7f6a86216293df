#!/bin/sh
# Publishes a draft, which creates its tag: `publish-release.sh ID VERSION COMMIT FOLDER`.
#
# Publishing cannot be undone, so this compares the draft with the tested files again, and checks where the tag points.

set -eu
id=$1 version=$2 commit=$3 folder=$4
tag=v$version
scripts=$(dirname "$0")
releases=repos/$GITHUB_REPOSITORY/releases

fail() {
    printf 'publish-release: %s\n' "$1" >&2
    exit 1
}

release=$(gh api "$releases/$id")
is=$(printf '%s' "$release" | jq -r '"\(.tag_name) \(.target_commitish) draft=\(.draft)"')
printf '%s' "$release" | sh "$scripts/compare-digests.sh" "$folder"

case $is in
"$tag $commit draft=true")
    # "legacy": a fix of an older version does not become the latest release.
    gh api --method PATCH "$releases/$id" -F draft=false -f make_latest=legacy >/dev/null
    ;;
"$tag $commit draft=false") echo "$tag was published by an earlier attempt" ;;
*) fail "release $id is '$is', not the draft of $tag at $commit" ;;
esac

tries=5
until points=$(gh api "repos/$GITHUB_REPOSITORY/git/ref/tags/$tag" --jq .object.sha); do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "$tag is published, but there is no such tag"
    sleep "${PAUSE:-3}"
done
[ "$points" = "$commit" ] || fail "$tag points at $points instead of $commit"
echo "$tag is published at $commit"
