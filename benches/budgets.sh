#!/usr/bin/env bash
# Fails if the binary is larger, or executes more instructions, than benches/budgets.txt allows.
#
# It checks only figures that repeat, never times. `cargo test` checks requests and bytes. $GATE selects another binary.
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
# This measures no time, so it uses the unoptimized program that `cargo test` has built.
cargo run --locked --quiet --example measure -- --gate "$gate" --work "$work/bench" budgets
