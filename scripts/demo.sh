#!/usr/bin/env bash
# The demonstration: builds the command line tool and the plugin (without optimisation, which is three times faster to
# build and fast enough here), and lets the one show what the other says of example traces. Arguments are handed on:
# scripts/demo.sh --keep leaves the example Jaeger running.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --locked --bins
exec cargo run --quiet --locked --bin ktrdr-diagnose -- demo "$@"
