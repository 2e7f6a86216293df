#!/bin/sh
# Compares the results of steps with the expected ones: EXPECTED and GOT, from the environment.
#
# Sets the output `met=true`, for jobs on runners whose bash may report success without having started anything.

set -eu

printf 'expected:\n%s\n\ngot:\n%s\n' "$EXPECTED" "$GOT"
if [ "$EXPECTED" != "$GOT" ]; then
    echo "expect: these differ" >&2
    exit 1
fi
echo met=true >>"$GITHUB_OUTPUT"
