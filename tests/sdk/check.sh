#!/bin/sh
# Tests sandbox and gate with the real ClearML SDK, which creates the tasks and reads the tags after the gate ran.
#
# Needs python3 (3.11 or newer) with venv, git, cargo and a package index. $CLEARML_GATE is the gate to run, by default
# target/debug/clearml-gate, which the caller must build. All files go under target.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
gate=${CLEARML_GATE:-$root/target/debug/clearml-gate}
venv=$root/target/sdk-venv
work=$root/target/sdk-work

if [ ! -x "$gate" ]; then
    echo "check.sh: no gate to run at $gate; build it or set CLEARML_GATE" >&2
    exit 1
fi

# A complete installation stores its list of requirements, so that a changed list is installed again.
if ! cmp -s tests/sdk/requirements.txt "$venv/installed.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check -r tests/sdk/requirements.txt
    cp tests/sdk/requirements.txt "$venv/installed.txt"
fi

cargo build --quiet -p clearml-sandbox --example serve
serve=${CARGO_TARGET_DIR:-$root/target}/debug/examples/serve

rm -rf "$work"
mkdir -p "$work"
exec "$venv/bin/python" tests/sdk/story.py "$serve" "$gate" "$work"
