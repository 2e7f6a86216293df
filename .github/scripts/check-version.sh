#!/bin/sh
# Checks that VERSION can be released from this checkout: `check-version.sh VERSION`.
#
# The version must be X.Y.Z and equal the one in Cargo.toml, the workflow must have started on main, and neither the tag nor
# the branch of that release may exist.

set -eu
version=$1

fail() {
    printf 'check-version: %s\n' "$1" >&2
    exit 1
}

# refs KIND/NAME: all refs with this prefix. v1.2.3 is also a prefix of v1.2.30.
refs() {
    gh api --paginate "repos/$GITHUB_REPOSITORY/git/matching-refs/$1" --jq '.[].ref'
}

must_be_free() {
    found=$(refs "$1") || fail "GitHub did not say whether $1 exists"
    if printf '%s\n' "$found" | grep -F -x -q "refs/$1"; then
        fail "$1 exists already. $2"
    fi
}

printf '%s\n' "$version" | grep -E -x -q '(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)' ||
    fail "'$version' is not a version such as 1.2.3, without a v"

written=$(awk '/^\[/ { here = $0 == "[package]" } here && $1 == "version" { gsub(/"/, "", $3); print $3 }' Cargo.toml)
[ "$written" = "$version" ] || fail "Cargo.toml has version '$written', but the release is $version"

[ "${GITHUB_REF:-}" = refs/heads/main ] || fail "started on '${GITHUB_REF:-}'; releases are made from refs/heads/main"

must_be_free "tags/v$version" "A published version never changes: raise the version in Cargo.toml."
must_be_free "heads/release/v$version" \
    "If an earlier attempt stopped before publishing, delete that branch and its draft release, and start again."

echo "v$version can be released from $(git rev-parse HEAD)"
