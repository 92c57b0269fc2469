#!/usr/bin/env bash
# Measures what a history costs: see docs/performance.md. Without arguments it uses the embedded Jaeger.
#   scripts/measure-history.sh [QUERY_URL OTLP_URL [PID]]
# QUERY_URL is where a real Jaeger answers, OTLP_URL where it receives traces over HTTP, PID its process, whose CPU time is
# reported. Use a Jaeger without other traces that keeps at least 200 000.
set -euo pipefail
cd "$(dirname "$0")/.."

case $# in
  0) ;;
  2 | 3)
    export KTRDR_BENCH_JAEGER=$1 KTRDR_BENCH_OTLP=$2 KTRDR_BENCH_JAEGER_PID=${3:-}
    ;;
  *)
    sed -n '2,5p' "$0" >&2
    exit 2
    ;;
esac
exec cargo bench --locked --bench history
