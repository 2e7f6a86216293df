#!/bin/sh
# Starts the demo's ClearML sandbox in the background, and sets its address and keys as outputs of the step.
#
# The run of 2222… (0.85) has the tag, 3333… is worse (0.74), and 4444… has uncommitted changes. All streams are redirected,
# because a step ends only when no process holds its output.

set -eu
cd "$(dirname "$0")/../.."
log=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/sandbox.log

cargo build --locked --quiet --example demo
: >"$log"
cargo run --locked --quiet --example demo -- --serve >"$log" 2>&1 </dev/null &
sandbox=$!

tries=60
until grep -q 'export COMMIT_ID=' "$log"; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ] || ! kill -0 "$sandbox" 2>/dev/null; then
        cat "$log" >&2
        echo "start-sandbox: it did not start" >&2
        exit 1
    fi
    sleep 1
done

# setting OUTPUT VARIABLE
setting() {
    value=$(tr -d '\r' <"$log" | sed -n "s/^ *export $2='\(.*\)'\$/\1/p")
    [ -n "$value" ] || { echo "start-sandbox: it did not print $2" >&2 && exit 1; }
    printf '%s=%s\n' "$1" "$value" >>"$GITHUB_OUTPUT"
}

setting api-host CLEARML_API_HOST
setting access-key CLEARML_API_ACCESS_KEY
setting secret-key CLEARML_API_SECRET_KEY
