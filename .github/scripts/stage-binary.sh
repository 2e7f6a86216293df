#!/bin/sh
# Checks a binary and copies it to a directory under its release name: `stage-binary.sh FILE TARGET VERSION FOLDER`.
#
# The binary must run, print its version, and need no libraries that a machine may lack. The copy comes last, so that a
# failed check, or a shell that never started, leaves nothing to upload.

set -eu
file=$1 target=$2 version=$3 folder=$4

fail() {
    printf 'stage-binary: %s\n' "$1" >&2
    exit 1
}

# Static-PIE binaries have a dynamic section, but it must not name an interpreter or a library.
check_linux() {
    headers=$(readelf --wide --program-headers --dynamic "$file") || fail "readelf cannot read $file"
    case $headers in
    *INTERP* | *"(NEEDED)"*) fail "$file is not static:
$headers" ;;
    *LOAD*) ;;
    *) fail "readelf shows no program in $file" ;;
    esac
}

check_mac() {
    libraries=$(otool -L "$file") || fail "otool cannot read $file"
    foreign=$(printf '%s\n' "$libraries" | sed 1d | grep -v -E '^[[:space:]]+(/usr/lib/|/System/Library/)' || :)
    [ -z "$foreign" ] || fail "$file needs what is not part of macOS: $foreign"
}

# A machine without the Visual C++ runtime has none of these. Import tables contain the names in plain text.
check_windows() {
    if LC_ALL=C grep -a -i -q -E '(vcruntime|msvcp|ucrtbase|api-ms-win-crt-)[-0-9a-z_]*\.dll' "$file"; then
        fail "$file needs the Visual C++ runtime: was it built with +crt-static?"
    fi
}

# Every runner downloads this file, so its size has a limit.
check_size() {
    raw=$(wc -c <"$file")
    packed=$(gzip -9 -c "$file" | wc -c)
    echo "$((raw)) bytes, $((packed)) compressed"
    if [ "$raw" -ge 2000000 ] || [ "$packed" -ge 1000000 ]; then
        fail "$file has outgrown 2 MB, or 1 MB compressed"
    fi
}

[ -s "$file" ] || fail "$file is missing or empty"
suffix=
case $target in
*-linux-musl) check_linux ;;
*-apple-darwin) check_mac ;;
*-windows-msvc)
    check_windows
    suffix=.exe
    ;;
*) fail "cannot check a binary for $target" ;;
esac
case $target in x86_64-unknown-linux-musl) check_size ;; esac

case $file in */*) ;; *) file=./$file ;; esac
said=$("$file" --version) || fail "$file does not run: exit code $?"
said=$(printf '%s' "$said" | tr -d '\r')
[ "$said" = "clearml-gate $version" ] || fail "$file says '$said' instead of 'clearml-gate $version'"

mkdir -p "$folder"
cp "$file" "$folder/clearml-gate-$target$suffix"
echo "$folder/clearml-gate-$target$suffix"
