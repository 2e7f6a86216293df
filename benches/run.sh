#!/usr/bin/env bash
# Measures the gate against the same job done with the ClearML SDK: `benches/run.sh [part...]`, all parts by default.
#
#   cold      a fresh folder, nothing cached: install, then the verdict
#   warm      both installed: wall time and peak memory
#   requests  requests and bytes
#   latency   with 50, 100 and 200 ms for a round trip, plain and encrypted, against the theoretical minimum
#   scale     up to a million tasks, 10,000 runs of the commit, 1,000 tagged, 2,000 metrics
#   install   what install.sh adds when its cache is warm, under each shell
#   size      the binary by crate, instructions at the start, peak memory
#   build     a cold release build and its crates
#
# Prints Markdown tables. Needs python3 (3.11 or newer) with venv, and access to PyPI and Debian, from which it installs
# packages. Everything it creates stays under target/bench. $GATE is the binary to measure (default: the host's release
# build), $RUNS the number of repetitions. It asserts nothing; benches/budgets.sh does.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/target/bench
# cargo-bloat reads machine code, so its version determines which compilers it understands.
BLOAT=0.12.1

die() {
    printf 'run.sh: %s\n' "$1" >&2
    exit 1
}

install() {
    local missing=()
    for package in "$@"; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The SDK version that the tests pin: its wheels, and an environment with it installed.
prepare_peer() {
    local requirements=tests/sdk/requirements.txt
    cmp -s "$requirements" "$work/wheels.txt" && return
    rm -rf "$work/wheels" "$work/venv"
    python3 -m venv "$work/venv"
    "$work/venv/bin/python" -m pip download --quiet --no-cache-dir --disable-pip-version-check -d "$work/wheels" -r "$requirements"
    "$work/venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-index \
        --find-links "$work/wheels" -r "$requirements"
    cp "$requirements" "$work/wheels.txt"
}

# A release of six files (only the one for this machine is real), and install.sh with a manifest that pins them.
prepare_release() {
    local target suffix version
    rm -rf "$work/release" "$work/action"
    mkdir -p "$work/release" "$work/action"
    for target in {x86_64,aarch64}-{unknown-linux-musl,apple-darwin,pc-windows-msvc}; do
        case $target in *windows*) suffix=.exe ;; *) suffix= ;; esac
        cp "$gate" "$work/release/clearml-gate-$target$suffix"
    done
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
    cargo run --locked --quiet --example manifest -- --folder "$work/release" --tag "v$version" \
        --commit 0000000000000000000000000000000000000000 --out "$work/action/dist-manifest.json"
    cp install.sh "$work/action"
}

measure() {
    cargo run --locked --quiet --profile bench --example measure -- --gate "$gate" --work "$work" ${RUNS:+--runs "$RUNS"} "$1"
}

about() {
    printf 'Measured on %s, %s, %s cores, Linux %s, %s, Python %s, clearml %s.\nGate: %s, %s bytes, commit %s.\n' \
        "$(date -u +%Y-%m-%d)" "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)" \
        "$(rustc --version)" "$(python3 -c 'import platform; print(platform.python_version())')" \
        "$(sed -n 's/^clearml==//p' tests/sdk/requirements.txt)" \
        "${gate#"$PWD/"}" "$(stat -c %s "$gate")" "$(git describe --always --dirty)"
}

size() {
    # shellcheck disable=SC2016 # Markdown quotes
    printf '\n### Size by crate\n\nThe host release build, by `cargo bloat --release --crates`.\n\n'
    [ -x "$work/tools/bin/cargo-bloat" ] || cargo install --quiet --locked --root "$work/tools" cargo-bloat@$BLOAT
    # cargo-bloat needs the symbols to assign functions to crates.
    CARGO_TARGET_DIR=$work/bloat CARGO_PROFILE_RELEASE_STRIP=none PATH="$work/tools/bin:$PATH" \
        cargo bloat --quiet --locked --release --bin clearml-gate --crates -n 20 2>/dev/null | sed -n '/File/,$p' | sed 's/^/    /'
    printf '\n'
    measure size
}

build() {
    local started=$SECONDS folder=$work/cold
    rm -rf "$folder"
    cargo fetch --locked --quiet
    CARGO_TARGET_DIR=$folder cargo build --locked --quiet --release --bin clearml-gate
    printf '\n### Build\n\nCold release build for the host, sources already downloaded: %s s. Crates in the binary: %s.\n' \
        $((SECONDS - started)) \
        "$(cargo tree --locked --package clearml-gate --edges normal --prefix none --no-dedupe | sed 's/ (.*//' | sort -u | wc -l)"
    rm -rf "$folder"
}

[ $# -gt 0 ] || set -- cold warm requests latency scale install size build
for part in "$@"; do
    [[ " cold warm requests latency scale install size build " == *" $part "* ]] || die "no such part: $part"
done
mkdir -p "$work/home"
install time valgrind curl
python3 -c 'import venv, ensurepip' 2>/dev/null || install python3 python3-venv
prepare_peer
gate=${GATE:-}
if [ -z "$gate" ]; then
    cargo build --locked --quiet --release --bin clearml-gate
    gate=${CARGO_TARGET_DIR:-$PWD/target}/release/clearml-gate
fi
gate=$(realpath "$gate")
prepare_release
cargo build --locked --quiet --profile bench --example measure
about
for part in "$@"; do
    case $part in
        install)
            printf '\n### install.sh with a warm cache\n\nMilliseconds, and the ratio to hashing the same file alone.\n\n'
            benches/install.sh | sed 's/^/    /'
            ;;
        size | build) "$part" ;;
        *) measure "$part" ;;
    esac
done
