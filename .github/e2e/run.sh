#!/bin/sh
# Gates runs of the real SDK on a ClearML server: `run.sh BINARY`, with CLEARML_API_HOST and the keys in the environment.
#
# Asserts the exit codes 0, 1 and 3, and after each which run has the tag, according to the SDK rather than the binary. The
# server must be empty.

set -eu
cd "$(dirname "$0")/../.."
binary=$PWD/$1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The whole configuration of SDK and binary. The SDK's git detection sometimes hangs in its own thread.
cat >"$work/clearml.conf" <<'END'
sdk.development {
    vcs_repo_detect_async: false
    report_use_subprocess: false
    worker.report_period_sec: 1
}
END
export CLEARML_CONFIG_FILE="$work/clearml.conf"
export CLEARML_WEB_HOST=http://127.0.0.1:8080 CLEARML_FILES_HOST=http://127.0.0.1:8081
export CLEARML_PROJECT=e2e/model CLEARML_TASK_NAME=train
export CLEARML_SCALAR_TITLE=validation CLEARML_SCALAR_SERIES=accuracy CLEARML_SCALAR_THRESHOLD=3

fail() {
    printf 'end to end: %s\n' "$1" >&2
    exit 1
}

# gate COMMIT EXIT_CODE WORDS
gate() {
    code=0
    COMMIT_ID=$1 "$binary" >"$work/out" 2>&1 || code=$?
    cat "$work/out"
    [ "$code" = "$2" ] || fail "exit code $code instead of $2 for $1"
    grep -F -q "$3" "$work/out" || fail "no '$3' in the output for $1"
}

# tag_is_on COMMIT [TAG]: only the run of this commit has the tag.
tag_is_on() {
    on=$("$work/venv/bin/python" .github/e2e/seed.py tagged "${2:-Best Performance}")
    [ "$on" = "$1" ] || fail "'${2:-Best Performance}' is on '$on' instead of '$1'"
    echo "-- '${2:-Best Performance}' is on $on"
}

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/sdk/requirements.txt
"$work/venv/bin/python" .github/e2e/seed.py runs "$work/model" >"$work/commits"
cat "$work/commits"
while IFS='=' read -r name commit; do
    case $name in
    BASELINE) baseline=$commit ;;
    BETTER) better=$commit ;;
    WORSE) worse=$commit ;;
    WITHIN) within=$commit ;;
    DIRTY) dirty=$commit ;;
    esac
done <"$work/commits"

"$work/venv/bin/python" .github/e2e/seed.py tag "$baseline" keep-me

gate "$baseline" 0 "PASSED, first"
tag_is_on "$baseline"
gate "$worse" 1 "FAILED, degraded"
tag_is_on "$baseline"
gate "$dirty" 3 "uncommitted changes"
gate ffffffffffffffffffffffffffffffffffffffff 3 "NO VERDICT"
tag_is_on "$baseline"
gate "$better" 0 "PASSED, improved"
tag_is_on "$better"
tag_is_on "$baseline" keep-me
gate "$better" 0 "PASSED, unchanged"
CLEARML_PROMOTE=never gate "$within" 0 "PASSED, tolerated"
tag_is_on "$better"
echo "end to end: passed"
