#!/usr/bin/env bash
# Formatting, clippy and docs without a warning; licences, banned crates and sources of the dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --check
cargo clippy --locked --all-targets -- -D warnings
RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items
PATH="${KTRDR_TEST_CACHE:-$HOME/.cache/ktrdr-diagnosis}/cargo-deny/bin:$PATH" \
  cargo deny --all-features check --hide-inclusion-graph licenses bans sources
