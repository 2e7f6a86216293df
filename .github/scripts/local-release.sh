#!/bin/sh
# Makes this checkout's action install a binary that was just built: `local-release.sh BINARY FOLDER`.
#
# FOLDER becomes a mirror of a release (set CLEARML_GATE_MIRROR to it), and dist-manifest.json pins it. The manifest tool
# requires all six platforms; here they are all the same file, and a runner installs only its own. Use it in throw-away
# checkouts: it overwrites the manifest.

set -eu
cd "$(dirname "$0")/../.."
binary=$1 folder=$2

rm -rf "$folder"
mkdir -p "$folder"
for system in unknown-linux-musl apple-darwin pc-windows-msvc; do
    suffix=
    case $system in *windows*) suffix=.exe ;; esac
    for processor in x86_64 aarch64; do
        cp "$binary" "$folder/clearml-gate-$processor-$system$suffix"
    done
done

version=$("$binary" --version | tr -d '\r')
cargo run --locked --quiet --example manifest -- \
    --folder "$folder" --tag "v${version#clearml-gate }" --commit "$(git rev-parse HEAD)" --out dist-manifest.json
