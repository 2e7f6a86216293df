#!/bin/sh
# Moves vX, which most workflows name, to the release vX.Y.Z: `move-major-tag.sh VERSION COMMIT`.
#
# It stays when a higher version of the same major exists: a fix of an older one is not what vX promises.

set -eu
version=$1 commit=$2
major=v${version%%.*}
git=repos/$GITHUB_REPOSITORY/git

# By the list, because asking for a tag that is not there fails as everything else does. It holds v10 as well as v1.
refs=$(gh api --paginate "$git/matching-refs/tags/$major" --jq '.[].ref')

highest=$(printf '%s\n' "$refs" | sed -n "s,^refs/tags/\($major\.[0-9]*\.[0-9]*\)\$,\1,p" | sort -V | tail -n 1)
if [ "$highest" != "v$version" ]; then
    echo "$major stays: ${highest:-nothing} is the highest, not v$version"
    exit 0
fi

if printf '%s\n' "$refs" | grep -F -x -q "refs/tags/$major"; then
    gh api --method PATCH "$git/refs/tags/$major" -f sha="$commit" -F force=true >/dev/null
else
    gh api --method POST "$git/refs" -f ref="refs/tags/$major" -f sha="$commit" >/dev/null
fi

points=$(gh api "$git/ref/tags/$major" --jq .object.sha)
if [ "$points" != "$commit" ]; then
    echo "move-major-tag: $major points at $points instead of $commit" >&2
    exit 1
fi
echo "$major is v$version now, at $commit"
