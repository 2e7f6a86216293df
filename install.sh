#!/bin/sh
# Installs and verifies the clearml-gate binary that dist-manifest.json pins, and prints its path.
#
#   gate=$(sh install.sh) && "$gate" --version
#
# Prints only the path to standard output, everything else to standard error. The manifest is next to this script. Needs
# curl or wget (only to download) and sha256sum, openssl or shasum. Environment variables (an empty one counts as unset):
#   CLEARML_GATE_MIRROR   URL or directory with the files of the release, instead of the URL in the manifest. Any mirror is
#                         safe, because the binary must have the hash in the manifest.
#   RUNNER_TOOL_CACHE, XDG_CACHE_HOME, HOME, RUNNER_TEMP   where to keep the binary: the first writable one.
#   GITHUB_OUTPUT   file for bin, version, target, sha256 and cache-hit.   GITHUB_PATH   file for the binary's directory.
#
# Exit codes: 0 ok, 2 environment, 3 no binary for this platform, 4 bad manifest, 5 download, 6 checksum, 7 cannot write,
# 8 the binary does not run.

set -euf
unset IFS
LC_ALL=C
export LC_ALL
umask 022

tries=3
staging=
newline='
'

say() {
    printf 'clearml-gate: %s\n' "$1" >&2
}

# die CODE PROBLEM [DETAIL...]
die() {
    code=$1
    say "$2"
    shift 2
    if [ $# -gt 0 ]; then printf '  %s\n' "$@" >&2; fi
    exit "$code"
}

# Removes unfinished files, and maps undocumented exit codes (1 is the gate's "degraded").
finish() {
    code=$?
    trap - EXIT
    if [ -n "$staging" ]; then rm -rf "$staging"; fi
    case $code in
    0 | [2-8] | 129 | 130 | 143) ;;
    *) die 2 "a command failed with exit code $code" "Its message is above. Nothing was installed." ;;
    esac
    exit "$code"
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# ---- Platform: from the runner, then from the system, then from uname. Under x64 Git Bash on ARM64 Windows, and under
# ---- Rosetta, uname reports x86_64.

detect_target() {
    detect_system
    detect_processor
    target=$processor-$system
    program=clearml-gate
    case $system in *windows*) program=clearml-gate.exe ;; esac
}

detect_system() {
    word=${RUNNER_OS:-}
    case $word in
    Linux | macOS | Windows) ;;
    *) if [ "${OS:-}" = Windows_NT ]; then word=Windows; else word=$(uname -s); fi ;;
    esac
    case $word in
    Linux) system=unknown-linux-musl ;;
    macOS | Darwin) system=apple-darwin ;;
    Windows* | MINGW* | MSYS* | CYGWIN*) system=pc-windows-msvc ;;
    *) system=$word ;;
    esac
}

detect_processor() {
    word=${RUNNER_ARCH:-}
    case $word in
    X64 | ARM64) ;;
    *)
        case $system in
        *windows*) word=$(windows_processor) ;;
        *darwin*) word=$(mac_processor) ;;
        *) word=$(uname -m) ;;
        esac
        ;;
    esac
    case $word in
    X64 | x86_64 | amd64 | AMD64) processor=x86_64 ;;
    ARM64 | arm64 | aarch64) processor=aarch64 ;;
    *) processor=$word ;;
    esac
}

windows_processor() {
    case ${PROCESSOR_ARCHITEW6432:-},$(uname -s) in
    ?*,*) printf '%s\n' "$PROCESSOR_ARCHITEW6432" ;;
    *-ARM64) echo ARM64 ;;
    *) printf '%s\n' "${PROCESSOR_ARCHITECTURE:-$(uname -m)}" ;;
    esac
}

mac_processor() {
    if [ "$(sysctl -n hw.optional.arm64 2>/dev/null || :)" = 1 ]; then echo arm64; else uname -m; fi
}

# ---- Manifest: extracts one line of facts from cargo-dist's JSON. The reader is strict, because the result gets run: it
# ---- rejects broken JSON, a duplicate key, two binaries for one platform, and a name that could leave its directory.

# shellcheck disable=SC2016 # The dollar signs belong to awk.
manifest_reader='
function bad(why) { print "bad", why; exit }

function step() {
    sub(/^[ \t\r\n]+/, "", rest)
    kind = substr(rest, 1, 1)
    if (kind == "") kind = "end"
    else if (kind == "\"") scan_text()
    else if (index("{}[]:,", kind)) rest = substr(rest, 2)
    else scan_word()
}

function scan_text() {
    if (!match(rest, /^"([^"\\]|\\.)*"/)) bad("it ends inside a string")
    token = substr(rest, 2, RLENGTH - 2)
    rest = substr(rest, RLENGTH + 1)
    gsub(/\\\//, "/", token)
    kind = "text"
}

function scan_word() {
    if (!match(rest, /^[-+.0-9A-Za-z]+/)) bad("it is not JSON")
    token = substr(rest, 1, RLENGTH)
    rest = substr(rest, RLENGTH + 1)
    if (token !~ /^(true|false|null|-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?)$/) bad("it is not JSON")
    kind = "word"
}

function want(expected) { if (kind != expected) bad("it is not JSON: " expected " expected, " kind " found"); step() }

function value(at) {
    if (at in kinds) bad("duplicate key: " last_name(at))
    kinds[at] = kind
    if (kind == "{") object(at)
    else if (kind == "[") array(at)
    else if (kind == "text" || kind == "word") { if (kind == "text") texts[at] = token; step() }
    else bad("it is not JSON: a value expected, " kind " found")
}

function object(at,    name) {
    step()
    if (kind != "}") {
        do {
            if (kind == ",") step()
            name = token
            want("text")
            want(":")
            if (at == S "artifacts") ids++
            value(at S name)
        } while (kind == ",")
    }
    want("}")
}

function array(at) {
    sizes[at] = 0
    step()
    if (kind != "]") {
        do {
            if (kind == ",") step()
            value(at S sizes[at]++)
        } while (kind == ",")
    }
    want("]")
}

function last_name(at,    parts) { return parts[split(at, parts, S)] }

function checked(at, pattern) {
    if (texts[at] !~ pattern) bad("its " last_name(at) " is missing or invalid")
    return texts[at]
}

function find_release(    i) {
    for (i = 0; i < sizes[S "releases"]; i++)
        if (texts[S "releases" S i S "app_name"] == "clearml-gate") {
            if (release != "") bad("it has two releases of clearml-gate")
            release = S "releases" S i
        }
    if (release == "") bad("it has no release of clearml-gate")
}

function find_artifact(    i, j, id, at, triple) {
    for (i = 0; i < sizes[release S "artifacts"]; i++) {
        id = texts[release S "artifacts" S i]
        at = S "artifacts" S id
        if (kinds[at] != "{") bad("its release lists an artifact without a description")
        if (texts[at S "kind"] != "extra-artifact") continue
        for (j = 0; j < sizes[at S "target_triples"]; j++) {
            triple = checked(at S "target_triples" S j, WORD)
            triples = triples (triples == "" ? "" : ",") triple
            if (triple != target) continue
            if (artifact != "") bad("it has two binaries for " target)
            artifact = at
        }
    }
}

{ rest = rest $0 "\n" }

END {
    S = SUBSEP
    WORD = "^[A-Za-z0-9][A-Za-z0-9._+-]*$"
    sub(/^\357\273\277/, "", rest)
    step()
    value("")
    if (kind != "end") bad("there is text after its end")

    find_release()
    hosting = release S "hosting" S "github"
    base = checked(hosting S "artifact_base_url", "^https?://[A-Za-z0-9._~:%/-]+$")
    path = checked(hosting S "artifact_download_path", "^/[A-Za-z0-9._~:%/+-]+$")
    sub(/\/+$/, "", base)
    sub(/\/+$/, "", path)
    home = base "/" checked(hosting S "owner", WORD) "/" checked(hosting S "repo", WORD)
    if (texts[S "announcement_tag"] == "" && !ids) { print "unreleased", home; exit }

    tag = checked(S "announcement_tag", WORD)
    find_artifact()
    if (artifact == "") { print "lacking", home, tag, (triples == "" ? "none" : triples); exit }
    hash = tolower(checked(artifact S "checksums" S "sha256", "^[0-9A-Fa-f]+$"))
    if (length(hash) != 64) bad("its sha256 for " target " is invalid")
    version = checked(release S "app_version", WORD)
    name = checked(artifact S "name", WORD)
    # Check before printing: some awks print the fields before a bad value.
    print "pinned", home, tag, version, name, hash, base path
}
'

read_manifest() {
    here=.
    case $0 in */*) here=${0%/*} ;; esac
    manifest=$here/dist-manifest.json
    if [ ! -f "$manifest" ] || [ ! -r "$manifest" ]; then
        die 4 "cannot read the manifest $manifest" \
            "install.sh needs the dist-manifest.json of the same release or commit next to it."
    fi
    have awk || die 2 "awk is missing, which is needed to read $manifest" "Install awk (mawk, gawk or busybox)."
    facts=$(awk -v target="$target" "$manifest_reader" <"$manifest") || die 2 "awk failed on $manifest" \
        "Its message is above. Install another awk (mawk, gawk or busybox)."
    # shellcheck disable=SC2086 # Split on purpose: no value contains a space.
    set -- $facts
    case ${1:-}$# in
    pinned7) home=$2 tag=$3 version=$4 name=$5 sha256=$6 source=$7 ;;
    unreleased2) die_unreleased "$2" ;;
    lacking4) die_lacking "$2" "$3" "$4" ;;
    *)
        die 4 "$manifest is not a manifest of clearml-gate: ${facts#bad }" \
            "Nothing was downloaded or run. Take install.sh and dist-manifest.json from the same release or commit."
        ;;
    esac
}

die_unreleased() {
    die 3 "no release yet: build from source" "cargo install --git $1 --locked" \
        "or, in a checkout: cargo build --release --locked"
}

die_lacking() {
    die 3 "$2 has no binary for $target" "It has: $3" "Build from source: cargo install --git $1 --tag $2 --locked"
}

# ---- Cache: the first directory with the right binary, otherwise the first writable one.

# The path for this shell: runners on Windows use C:\paths.
to_shell_path() {
    shell_path=$1
    case $system,$1 in
    *windows*,*\\* | *windows*,[A-Za-z]:*) if have cygpath; then shell_path=$(cygpath -u "$1"); fi ;;
    esac
}

# The path for the other steps of a job: on Windows they may use cmd or PowerShell.
to_native_path() {
    native_path=$1
    case $system in *windows*) if have cygpath; then native_path=$(cygpath -w "$1"); fi ;; esac
}

# first_cache TEST: sets `folder` and `bin` to the first place for which TEST succeeds.
first_cache() {
    for root in "${RUNNER_TOOL_CACHE:-}" "${XDG_CACHE_HOME:-}" "${HOME:+$HOME/.cache}" "${RUNNER_TEMP:-}"; do
        to_shell_path "$root"
        case $shell_path in
        *"$newline"*) continue ;; # A newline would forge lines in GITHUB_OUTPUT.
        /* | [A-Za-z]:[/\\]*) ;;
        *) continue ;;
        esac
        folder=${shell_path%/}/clearml-gate/$version/$target
        bin=$folder/$program
        if "$1"; then return 0; fi
    done
    return 1
}

# Hashes the file on every run, so that only the pinned bytes are used.
holds_the_binary() {
    if [ ! -f "$bin" ] || [ -h "$bin" ]; then return 1; fi
    hash_of "$bin" || return 1
    if [ "$hash" != "$sha256" ]; then
        say "the cached $bin has SHA-256 $hash instead of $sha256; downloading it again"
        return 1
    fi
    # A restored cache may have lost the executable bit.
    [ -x "$bin" ] || chmod 755 "$bin" 2>/dev/null
}

# The staging directory is next to the final place, so that the last step is a rename. `mkdir` makes sure that only one
# process owns it; `$$` alone is not unique if containers share a cache.
can_be_written() {
    if [ -d "$bin" ]; then return 1; fi
    mkdir -p "$folder" 2>/dev/null || return 1
    number=0
    while [ "$number" -lt 100 ]; do
        if mkdir "$folder/.new-$$-$number" 2>/dev/null; then
            staging=$folder/.new-$$-$number
            return 0
        fi
        if [ ! -e "$folder/.new-$$-$number" ]; then return 1; fi
        number=$((number + 1))
    done
    return 1
}


# ---- Hash

# Fastest first: shasum is a Perl script. (In yash the loop variable is local to the function.)
choose_hasher() {
    for tool in sha256sum openssl shasum; do
        hasher=$tool
        if have "$tool"; then return 0; fi
    done
    die 2 "cannot verify a binary: none of sha256sum, openssl and shasum is installed" "Install one of them (coreutils)."
}

hash_of() {
    case $hasher in
    sha256sum) hash=$(sha256sum <"$1") || return 1 ;;
    shasum) hash=$(shasum -a 256 <"$1") || return 1 ;;
    openssl) hash=$(openssl dgst -sha256 -r <"$1") || return 1 ;;
    esac
    hash=${hash%% *}
}

verify() {
    hash_of "$1" || die 7 "cannot read back $1" "Is the disk full or failing?"
    if [ "$hash" = "$sha256" ]; then return 0; fi
    die 6 "the checksum of $name is wrong: it was deleted and not run" \
        "from      $shown" \
        "expected  $sha256 ($manifest)" \
        "got       $hash" \
        "The file was changed at its source or on the way, or it is the error page of a proxy. Try again. If that does not" \
        "help, open the address in a browser and report this at $home/issues. This check cannot be skipped."
}

# ---- Download

fetch() {
    mirror=${CLEARML_GATE_MIRROR:-}
    case $mirror in
    http://* | https://*) source=${mirror%/} ;;
    *://*) die 2 "CLEARML_GATE_MIRROR is neither an http(s) URL nor a directory" "It is $mirror" ;;
    ?*)
        copy_from_folder "$1"
        return
        ;;
    esac
    choose_downloader
    download "$source/$name" "$1"
}

copy_from_folder() {
    to_shell_path "$mirror"
    shown=${shell_path%/}/$name
    case $shown in /* | [A-Za-z]:*) ;; *) shown=./$shown ;; esac
    if [ ! -f "$shown" ] || [ ! -r "$shown" ]; then
        die 5 "$name is not in the mirror" "CLEARML_GATE_MIRROR is $mirror, but there is no readable file $shown." \
            "Put the files of $tag there: $home/releases/tag/$tag"
    fi
    cp "$shown" "$1" || die 7 "cannot copy $shown to $folder" "The message of cp is above. Is the disk full?"
}

choose_downloader() {
    for tool in curl wget; do
        downloader=$tool
        if have "$tool"; then return 0; fi
    done
    die 2 "cannot download $name: neither curl nor wget is installed" \
        "Install one of them, or set CLEARML_GATE_MIRROR to a directory that contains $name."
}

# Retries only failures that may be temporary: a 404 is final.
download() {
    shown=$(without_password "$1")
    try=1
    until run_downloader "$1" "$2"; do
        case $downloader$status in curl23 | wget3) die_unwritable_download ;; esac
        case $reason in
        *rror:\ 408* | *rror:\ 429* | *ERROR\ 408* | *ERROR\ 429* | *HTTP/?.?\ 408* | *HTTP/?.?\ 429*) ;;
        *rror:\ 4??* | *ERROR\ 4??* | *HTTP/?.?\ 4??* | *response\ 4??*) die_download ;;
        esac
        if [ "$try" -ge "$tries" ]; then die_download; fi
        say "download failed ($reason); trying again in $try s"
        sleep "$try"
        try=$((try + 1))
    done
}

# The URL of a mirror may contain credentials, which must not be logged.
without_password() {
    rest=${1#*://}
    host=${rest%%/*}
    printf '%s://%s/%s\n' "${1%%://*}" "${host##*@}" "${rest#*/}"
}

# run_downloader URL FILE: sets `status` and `reason`.
run_downloader() {
    status=0
    case $downloader in
    curl)
        reason=$(curl --fail --location --globoff --silent --show-error --connect-timeout 20 --max-time 120 \
            --output "$2" "$1" 2>&1 </dev/null) || status=$?
        ;;
    wget)
        # busybox wget has no retries to turn off, and -T crashes the builds of Debian and Ubuntu.
        limits=
        if wget --version >/dev/null 2>&1 </dev/null; then limits='-t 1 -T 60'; fi
        # shellcheck disable=SC2086 # Zero or more options.
        reason=$(wget -nv $limits -O "$2" "$1" 2>&1 </dev/null) || status=$?
        ;;
    esac
    # shellcheck disable=SC2086 # Joins the lines.
    set -- $reason
    reason="$* [$downloader, exit code $status]"
    return "$status"
}

die_download() {
    die 5 "cannot download $name of $tag" \
        "from     $shown" \
        "because  $reason" \
        "Check that this machine can reach that host (does it need HTTPS_PROXY?), or set CLEARML_GATE_MIRROR to a URL or" \
        "directory with the files of $home/releases/tag/$tag"
}

die_unwritable_download() {
    die 7 "cannot write $name to $folder" "because  $reason" "Is the disk full?"
}

# ---- Use

# Also on runs with a warm cache: it takes a few milliseconds, and exit code 0 then means that the binary runs on this
# machine. No output counts as a failure: some shells report success without having started anything.
check_that_it_runs() {
    status=0
    said=$("$1" --version 2>&1 </dev/null) || status=$?
    if [ "$status" -eq 0 ] && [ -n "$said" ]; then return 0; fi
    die 8 "the binary does not run on this machine: exit code $status of $1 --version" \
        "Its output: ${said:-none}" \
        "Its hash is correct. Is $folder on a filesystem mounted noexec (set RUNNER_TOOL_CACHE or XDG_CACHE_HOME to another" \
        "one), is $target the wrong platform, or does a virus scanner or policy block it?" \
        "Or build from source: cargo install --git $home --tag $tag --locked"
}

# A failed rename is fine if another process installed the same bytes: Windows cannot replace a running program.
put_in_place() {
    if mv -f "$staging/$program" "$bin" 2>/dev/null || holds_the_binary; then return 0; fi
    die 7 "cannot replace $bin" "Is it in use, or owned by another user?"
}

install_binary() {
    first_cache can_be_written || die 7 "there is no writable directory for $program" \
        "None of RUNNER_TOOL_CACHE (${RUNNER_TOOL_CACHE:-unset}), XDG_CACHE_HOME (${XDG_CACHE_HOME:-unset})," \
        "HOME (${HOME:-unset}) and RUNNER_TEMP (${RUNNER_TEMP:-unset}) is writable below clearml-gate/$version/$target." \
        "Set one of them to a writable directory, as an absolute path."
    fetch "$staging/$program"
    verify "$staging/$program"
    chmod 755 "$staging/$program" || die 7 "cannot make $staging/$program executable"
    check_that_it_runs "$staging/$program"
    put_in_place
}

report() {
    to_native_path "$bin"
    if [ -n "${GITHUB_OUTPUT:-}" ]; then
        append "$GITHUB_OUTPUT" "bin=$native_path" "version=$version" "target=$target" "sha256=$sha256" "cache-hit=$hit"
    fi
    if [ -n "${GITHUB_PATH:-}" ]; then
        to_native_path "$folder"
        append "$GITHUB_PATH" "$native_path"
    fi
    printf '%s\n' "$bin" || die 7 "cannot write to standard output"
}

append() {
    file=$1
    shift
    { printf '%s\n' "$@" >>"$file"; } 2>/dev/null || die 7 "cannot write to $file" \
        "clearml-gate is installed at $bin, but GITHUB_OUTPUT or GITHUB_PATH is not a writable file."
}

main() {
    if [ $# -gt 0 ]; then die 2 "install.sh takes no arguments" "It is configured with environment variables: see its first lines."; fi
    trap finish EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    detect_target
    read_manifest
    choose_hasher
    hit=false
    if first_cache holds_the_binary; then
        hit=true
        check_that_it_runs "$bin"
    else
        install_binary
    fi
    report
}

# At the end, so that a truncated script does nothing.
main "$@"
