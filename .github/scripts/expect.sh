#!/bin/sh
# Compares what steps did with what they had to do: EXPECTED and GOT, from the environment.
#
# Says `met=true` in the step's outputs, for jobs on runners whose bash may report success having started nothing.

set -eu

printf 'expected:\n%s\n\ngot:\n%s\n' "$EXPECTED" "$GOT"
if [ "$EXPECTED" != "$GOT" ]; then
    echo "expect: these differ" >&2
    exit 1
fi
echo met=true >>"$GITHUB_OUTPUT"
