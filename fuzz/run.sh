#!/usr/bin/env bash
# Fuzzes the code that reads text from outside: `fuzz/run.sh [seconds] [target...]`. By default 30 seconds for each target.
#
# It starts from the corpus in the repository, which `cargo test` reads too. New inputs go to target/fuzz; `fuzz/run.sh new`
# picks those that reach code which no input in the repository reaches. The script fails at the first input that breaks a
# promise, and prints where it is. $JOBS targets run at once, by default one per processor. Needs a C++ compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/target/fuzz
# Larger inputs are slow and find nothing more.
LARGEST=65536

targets() { sed -n 's/^name = "\(.*_.*\|report\)"$/\1/p' fuzz/Cargo.toml; }

# What cargo-fuzz passes to the compiler, without its sanitizers: the gate has no unsafe code, runs several times faster
# without them, and so needs no nightly compiler. Overflow checks and debug assertions are on.
build() {
    local host pass flags='--cfg fuzzing -Cpasses=sancov-module -Cdebug-assertions'
    for pass in level=4 inline-8bit-counters pc-table trace-compares; do
        flags+=" -Cllvm-args=-sanitizer-coverage-$pass"
    done
    host=$(rustc -vV | sed -n 's/^host: //p')
    # With a target, cargo does not pass the flags to build scripts.
    RUSTFLAGS=$flags cargo build --quiet --release --locked --manifest-path fuzz/Cargo.toml --target "$host" \
        --target-dir "$work/build"
}

binary() { find "$work"/build/*/release -maxdepth 1 -type f -name "$1" -perm -u+x; }

one() {
    local target=$1 seconds=$2 log=$work/log/$1
    mkdir -p "$work/corpus/$target" "$work/artifacts/$target" "$work/log"
    if "$(binary "$target")" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=$LARGEST -print_final_stats=1 \
        -artifact_prefix="$work/artifacts/$target/" "$work/corpus/$target" "fuzz/corpus/$target" >"$log" 2>&1; then
        printf '%-16s %12s executions\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
    else
        tail -n 40 "$log"
        printf '%s: broken by %s\n' "$target" "$(sed -n 's/.*Test unit written to //p' "$log")"
        return 1
    fi
}

# The corpus itself stays as it is: a person picks from what is new, and gives it a name that says what it is.
new() {
    local target
    for target in $(targets); do
        rm -rf "$work/new/$target"
        mkdir -p "$work/new/$target" "$work/corpus/$target"
        cp "fuzz/corpus/$target"/* "$work/new/$target"
        # Without counters: only which code runs matters here, not how often.
        "$(binary "$target")" -merge=1 -use_counters=0 -max_len=$LARGEST "$work/new/$target" "$work/corpus/$target" \
            >/dev/null 2>&1
        (cd "fuzz/corpus/$target" && printf '%s\n' *) | (cd "$work/new/$target" && xargs rm)
        printf '%-16s %6s files in %s\n' "$target" "$(find "$work/new/$target" -type f | wc -l)" "target/fuzz/new/$target"
    done
}

mkdir -p "$work"
build
if [ "${1:-}" = new ]; then
    new
    exit
fi
seconds=${1:-30}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || mapfile -t all < <(targets)
[ $# -gt 0 ] || set -- "${all[@]}"
export -f one binary
export work LARGEST
printf '%s\n' "$@" | xargs -P "${JOBS:-$(nproc)}" -I {} bash -euo pipefail -c 'one {} '"$seconds"
