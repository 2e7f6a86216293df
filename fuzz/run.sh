#!/usr/bin/env bash
# Fuzzes what reads text from outside: `fuzz/run.sh [seconds] [target...]`, 30 seconds for each of all targets by default.
#
# Begins with the corpus in the repository, whose every file is also read by `cargo test`. What is found on the way is
# kept under target/fuzz; `fuzz/run.sh keep` brings what reaches new code into the repository. Fails at the first input that
# breaks a promise, and says where that input is. $JOBS targets run at once, as many as there are processors by default.
set -euo pipefail
cd "$(dirname "$0")/.."
CARGO_FUZZ=0.13.2
work=$PWD/target/fuzz
# Larger files teach nothing more and are slow.
LARGEST=65536

targets() { sed -n 's/^name = "\(.*_.*\|report\)"$/\1/p' fuzz/Cargo.toml; }

build() {
    [ -x "$work/tools/bin/cargo-fuzz" ] || cargo install --quiet --locked --root "$work/tools" cargo-fuzz@$CARGO_FUZZ
    # The gate has no unsafe code to be watched, and is several times faster without a sanitizer; nor does it need a nightly
    # compiler then. Overflows and debug assertions are on.
    PATH="$work/tools/bin:$PATH" cargo fuzz build --sanitizer none --target-dir "$work/build" >/dev/null
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

keep() {
    local target smallest
    for target in $(targets); do
        smallest=$work/smallest/$target
        rm -rf "$smallest"
        mkdir -p "$smallest"
        "$(binary "$target")" -merge=1 -max_len=$LARGEST "$smallest" "fuzz/corpus/$target" "$work/corpus/$target" >/dev/null 2>&1
        rm -rf "fuzz/corpus/$target"
        cp -r "$smallest" "fuzz/corpus/$target"
        printf '%-16s %6s files\n' "$target" "$(find "fuzz/corpus/$target" -type f | wc -l)"
    done
}

mkdir -p "$work"
build
if [ "${1:-}" = keep ]; then
    keep
    exit
fi
seconds=${1:-30}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || mapfile -t all < <(targets)
[ $# -gt 0 ] || set -- "${all[@]}"
export -f one binary
export work LARGEST
printf '%s\n' "$@" | xargs -P "${JOBS:-$(nproc)}" -I {} bash -euo pipefail -c 'one {} '"$seconds"
