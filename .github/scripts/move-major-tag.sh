#!/bin/sh
# Moves the tag vX, which most workflows use, to the release vX.Y.Z: `move-major-tag.sh VERSION COMMIT`.
#
# The tag stays if a higher version with the same major exists, so that a fix of an older version does not move it back.

set -eu
version=$1 commit=$2
major=v${version%%.*}
git=repos/$GITHUB_REPOSITORY/git

# From the list, because a request for a missing tag fails like any other failure. The list for v1 also has v10.
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
