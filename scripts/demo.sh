#!/usr/bin/env bash
# What `make demo` does: builds the plugin and the command line tool, and lets the one show the other at work.
# Arguments are handed on: scripts/demo.sh --keep leaves the example Jaeger running.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --locked --bins
exec cargo run --release --locked --quiet --bin ktrdr-diagnose -- demo "$@"
