#!/usr/bin/env bash
# Compares the six jq programs of KTRDR's observability guide with `ktrdr-diagnose file`, on the same generated trace of
# 50 000 spans (S2): user CPU seconds, medians of five alternating runs. The programs are unchanged except that they read a
# file instead of curl's output. They only read the first trace, so S2 has one.
#
# Usage: scripts/compare-with-jq.sh [trace.json]
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh jq
cargo build --release --quiet --bin ktrdr-diagnose --example corpus
target=${CARGO_TARGET_DIR:-target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
file=${1:-$work/s2.json}
[ $# -gt 0 ] || "$target/release/examples/corpus" s2 >"$file"

jq_programs() {
  jq '.data[0].spans[] | {span: .operationName, service: .process.serviceName, duration_ms: (.duration / 1000),
    error: ([.tags[] | select(.key == "error" and .value == "true")] | length > 0)}' "$file" |
    jq -s 'sort_by(.duration_ms) | reverse'
  jq '.data[0].spans[] | {span: .operationName,
    attributes: (.tags | map({key: .key, value: .value}) | from_entries)}' "$file"
  jq '.data[0].spans[] | select(.operationName == "worker_registry.select_worker") | .tags[] |
    select(.key | startswith("worker_registry.")) | {key: .key, value: .value}' "$file"
  jq '.data[0].spans[] | select(.tags[] | select(.key == "error" and .value == "true")) |
    {span: .operationName, service: .process.serviceName,
     exception_type: (.tags[] | select(.key == "exception.type") | .value),
     exception_message: (.tags[] | select(.key == "exception.message") | .value)}' "$file"
  jq '.data[0].spans[] | {span: .operationName, duration_ms: (.duration / 1000)}' "$file" |
    jq -s 'sort_by(.duration_ms) | reverse | .[0]'
  jq '.data[0].spans[] | select(.operationName | startswith("POST") or startswith("GET")) |
    {http_call: .operationName, url: (.tags[] | select(.key == "http.url") | .value),
     status: (.tags[] | select(.key == "http.status_code") | .value),
     error: (.tags[] | select(.key == "error.type") | .value)}' "$file"
}

diagnosis() {
  "$target/release/ktrdr-diagnose" file "$file" --now 2026-11-23T10:00:00Z --format json
}

# User CPU seconds of a command, including its children.
user_seconds() {
  local TIMEFORMAT=%U
  { time "$1" >"$work/out" 2>"$work/err"; } 2>&1
}

for _ in 1 2 3 4 5; do
  user_seconds jq_programs >>"$work/jq"
  user_seconds diagnosis >>"$work/ours"
done
[ -s "$work/out" ] || { echo "ktrdr-diagnose printed nothing" >&2; exit 1; }

median() { sort -n "$1" | sed -n 3p; }
LC_ALL=C awk -v theirs="$(median "$work/jq")" -v ours="$(median "$work/ours")" -v size="$(wc -c <"$file")" 'BEGIN {
  printf "body %.1f MB\njq, six programs   %.2f s user\nktrdr-diagnose     %.2f s user\nratio              %.0f x\n",
    size / 1e6, theirs, ours, theirs / (ours > 0 ? ours : 0.005) }'
