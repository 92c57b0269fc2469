#!/usr/bin/env bash
# Measures culprits on recorded faults and prints the tables of docs/culprits.md.
# PATH holds a folder per system, each with faults.json, normal.csv.gz and a file per fault (see docs/culprits.md).
set -euo pipefail

recorded=${1:-${KTRDR_FAULTS:-}}
if [ -z "$recorded" ]; then
  echo "usage: $0 PATH (or KTRDR_FAULTS=PATH $0)" >&2
  exit 2
fi
recorded=$(cd "$recorded" && pwd)
cd "$(dirname "$0")/.."

KTRDR_FAULTS=$recorded cargo test --release --locked --quiet -p diagnosis --test culprits -- \
  --ignored --exact measure::recorded_faults --nocapture
