#!/usr/bin/env bash
# Builds the command line tool and the plugin and runs the demonstration. A build without optimisation is three times faster
# and fast enough here. Arguments are passed on: scripts/demo.sh --keep leaves the example Jaeger running.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --locked --bins
exec cargo run --quiet --locked --bin ktrdr-diagnose -- demo "$@"
