#!/bin/sh
# Commits the manifest on top of the commit that was built: `commit-manifest.sh VERSION BUILT MANIFEST`.
#
# Verifies that the new commit differs from the built one only by dist-manifest.json, with exactly the bytes of that
# manifest, and prints the commit. Run it in a clean checkout of BUILT.

set -eu
version=$1 built=$2 manifest=$3
name=dist-manifest.json
bot='github-actions[bot]'
address='41898282+github-actions[bot]@users.noreply.github.com'

fail() {
    printf 'commit-manifest: %s\n' "$1" >&2
    exit 1
}

[ "$(git rev-parse HEAD)" = "$built" ] || fail "the checkout is at $(git rev-parse HEAD), not at $built"
[ -z "$(git status --porcelain --untracked-files=no)" ] || fail "the checkout has uncommitted changes"
[ -s "$manifest" ] || fail "$manifest is missing or empty"

cp "$manifest" "$name"
git add -- "$name"
git -c user.name="$bot" -c user.email="$address" -c commit.gpgsign=false \
    commit --quiet --no-verify --message "Release v$version" || fail "nothing to commit: is this the manifest of another release?"
commit=$(git rev-parse HEAD)

[ "$(git rev-parse "$commit^@")" = "$built" ] || fail "$commit does not have $built as its one parent"
# A regular file before and after, changed in place: no change of mode or name, and no second file.
changed=$(git diff-tree -r --raw --no-renames --no-abbrev "$built" "$commit")
hash=$(git hash-object --no-filters "$manifest")
case $changed in
":100644 100644 "????????????????????????????????????????" $hash M	$name") ;;
*) fail "$commit differs from $built by more than the manifest $hash:
$changed" ;;
esac

echo "$commit"
