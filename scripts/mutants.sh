#!/usr/bin/env bash
# Makes small semantic changes to the code, one at a time, and reports those that no test notices (cargo-mutants).
#   scripts/mutants.sh                  code that differs from main, including uncommitted changes
#   scripts/mutants.sh --base COMMIT    code that differs from another commit or branch
#   scripts/mutants.sh FILE...          all code of these files; globs are allowed
#   scripts/mutants.sh ... --list       only lists the changes; other options of cargo-mutants work as well
#   scripts/mutants.sh ... -- ARG...    arguments for `cargo test` instead of those below
# A change takes about as long as compiling the crate and the tests. The reports are in target/mutants/*/mutants.out.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh cargo-mutants
PATH=$(scripts/tools.sh --path):$PATH

# A change in a crate is judged by the crate's own tests, one in the root package by the behaviour tests that need no real
# Jaeger, browser or Go.
crates=(--package diagnosis --package frames --package grafana-plugin-protocol --package jaeger --package trace)
crate_tests=() root_tests=(--lib --test golden --test corpus_diagnoses --test jaeger_client --test investigate
  --test investigate_corpus)
base=main files=() options=()
while [ $# -gt 0 ]; do
  case $1 in
    --base)
      base=${2:?--base needs a commit or a branch}
      shift
      ;;
    --)
      shift
      crate_tests=("$@") root_tests=("$@")
      break
      ;;
    -*) options+=("$1") ;;
    *) files+=(--file "$1") ;;
  esac
  shift
done

reports=target/mutants
mkdir -p "$reports"
if [ ${#files[@]} -gt 0 ]; then
  chosen=("${files[@]}")
else
  git diff "$(git merge-base "$base" HEAD)" -- '*.rs' >"$reports/change.diff"
  chosen=(--in-diff "$reports/change.diff")
fi
# A permanent target folder, so that dependencies are compiled once.
export CARGO_TARGET_DIR=$PWD/$reports/build
status=0
mutants() { # reports, packages... -- arguments for cargo test
  local to=$1
  shift
  mkdir -p "$reports/$to"
  # The status is not 0 if a change survives. The other packages are tried anyway.
  cargo mutants --output "$reports/$to" --no-shuffle "${chosen[@]}" "${options[@]}" "$@" || status=$?
}
mutants crates "${crates[@]}" -- --locked "${crate_tests[@]}"
mutants root --package ktrdr-diagnosis -- --locked "${root_tests[@]}"
exit "$status"
