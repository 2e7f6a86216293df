#!/usr/bin/env bash
# Fails when the binary has become larger, or does more at its start or for a whole run, than benches/budgets.txt allows.
#
# Only figures that repeat, never times. Requests and bytes are held by `cargo test`. $GATE is another binary to hold.
set -euo pipefail
cd "$(dirname "$0")/.."
work=${CARGO_TARGET_DIR:-$PWD/target}
gate=${GATE:-$work/release/clearml-gate}
command -v valgrind >/dev/null || {
    printf 'budgets.sh: valgrind is missing (Debian: apt-get install valgrind)\n' >&2
    exit 1
}
[ -n "${GATE:-}" ] || cargo build --locked --quiet --release --bin clearml-gate
mkdir -p "$work/bench"
cargo run --locked --quiet --profile bench --example measure -- --gate "$gate" --work "$work/bench" budgets
