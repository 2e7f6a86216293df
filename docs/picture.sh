#!/bin/sh
# Renders the Markdown report as GitHub shows it, including charts, to a PNG.
#
#   sh docs/picture.sh [MARKDOWN [PNG [light|dark [WIDTH]]]]
#
# Without arguments it renders docs/pr-comment.md, which a test keeps current, to docs/pr-comment.png. A chart that Mermaid
# cannot parse is an error. MERMAID selects another version of Mermaid than the one GitHub used in September 2026.
#
# Needs node 20 or newer, npm, and chromium with fonts (Debian: chromium, fonts-liberation, fonts-noto-color-emoji).

set -eu
cd "$(dirname "$0")/.."

markdown=${1:-docs/pr-comment.md}
png=${2:-docs/pr-comment.png}
theme=${3:-light}
width=${4:-860}
pins="mermaid@${MERMAID:-11.17.2} markdown-it@15.0.3 github-markdown-css@5.9.0 puppeteer-core@25.16.0"
tools=$PWD/target/picture

fail() {
    printf 'picture: %s\n' "$1" >&2
    exit 1
}

for tool in node npm chromium; do
    command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing; install it with the system's package manager"
done
[ -f "$markdown" ] || fail "$markdown is missing"
case $theme in light | dark) ;; *) fail "the theme is light or dark, not $theme" ;; esac

# The stamp is written last, so that an interrupted installation starts over.
if [ "$(cat "$tools/pins" 2>/dev/null || true)" != "$pins" ]; then
    rm -rf "$tools"
    mkdir -p "$tools"
    # shellcheck disable=SC2086 # One argument for each package.
    npm install --prefix "$tools" --cache "$tools/cache" --ignore-scripts --no-fund --no-audit --loglevel error $pins \
        >/dev/null
    rm -rf "$tools/cache"
    printf '%s\n' "$pins" >"$tools/pins"
fi

cp docs/picture.mjs "$tools/picture.mjs"
CHROMIUM=$(command -v chromium)
export CHROMIUM
node "$tools/picture.mjs" "$markdown" "$png" "$theme" "$width"
