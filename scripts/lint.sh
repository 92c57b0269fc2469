#!/usr/bin/env bash
# Checks formatting, clippy and rustdoc without warnings, licences, banned crates and sources of dependencies, spelling and
# wording.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh cargo-fmt cargo-clippy cargo-deny typos
PATH=$(scripts/tools.sh --path):$PATH

scripts/check-text.sh
typos
cargo fmt --check
cargo deny --all-features check --hide-inclusion-graph licenses bans sources
cargo clippy --locked --workspace --all-targets -- -D warnings
cargo clippy --locked --no-default-features -- -D warnings
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items
