#!/usr/bin/env bash
# Measures the time that install.sh adds to a job with a warm cache: `benches/install.sh [runs]`, 40 by default.
#
# Prints the median and the 95th percentile in milliseconds for every installed shell, and the ratio of the median to just
# hashing the same file, which is comparable between machines. It asserts nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-40}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A release as large as the real one: each of its six files is a script that prints the version.
mkdir "$work/release" "$work/action"
for target in {x86_64,aarch64}-{unknown-linux-musl,apple-darwin,pc-windows-msvc}; do
    case $target in *windows*) suffix=.exe ;; *) suffix= ;; esac
    { printf '#!/bin/sh\necho clearml-gate 0.1.0\nexit\n#' && head -c 1700000 /dev/zero | tr '\0' x; } \
        >"$work/release/clearml-gate-$target$suffix"
done
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
cargo run --quiet --example manifest -- --folder "$work/release" --tag "v$version" \
    --commit 0000000000000000000000000000000000000000 --out "$work/action/dist-manifest.json"
cp install.sh "$work/action"

# measure COMMAND...: the sorted times of the runs, in microseconds.
measure() {
    local start
    for _ in $(seq "$runs"); do
        start=${EPOCHREALTIME/./}
        "$@" >/dev/null 2>&1
        echo $((${EPOCHREALTIME/./} - start))
    done | sort -n
}

at() { sed -n "$((($2 * runs + 99) / 100))p" <<<"$1"; }

export HOME=$work/home RUNNER_TOOL_CACHE=$work/cache CLEARML_GATE_MIRROR=$work/release
mkdir "$HOME"
file=$(sh "$work/action/install.sh" 2>/dev/null)
alone=$(at "$(measure sha256sum "$file")" 50)
printf '%-14s %9s %9s %22s\n' shell 'median ms' 'p95 ms' "median / hashing alone"
for shell in dash bash 'bash --posix' 'busybox ash' yash mksh ksh; do
    read -ra command <<<"$shell"
    command -v "${command[0]}" >/dev/null || continue
    times=$(measure "${command[@]}" "$work/action/install.sh")
    awk -v shell="$shell" -v m="$(at "$times" 50)" -v p="$(at "$times" 95)" -v alone="$alone" \
        'BEGIN { printf "%-14s %9.1f %9.1f %22.1f\n", shell, m / 1000, p / 1000, m / alone }'
done
