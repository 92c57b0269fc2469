#!/usr/bin/env bash
# All tests, in the order of what fails soonest; a table of what each part cost comes at the end.
# Go builds Grafana's decoder and the real Jaegers; without Go those tests say so and are skipped, but never in CI.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -z "${CI:-}" ] || export KTRDR_TESTS_NEED_GO=1
log=$(mktemp)
costs=()
passed=0 failed=0 skipped=0

part() { # name, command...
  local name=$1 started=$SECONDS
  shift
  echo "==> $name"
  if "$@" 2>&1 | tee "$log"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    name="$name (failed)"
  fi
  costs+=("$(printf '%5d s  %s' $((SECONDS - started)) "$name")")
}

go_part() {
  if command -v go >/dev/null; then
    part "$@"
  elif [ -n "${KTRDR_TESTS_NEED_GO:-}" ]; then
    part "$1" sh -c 'echo "Go is not installed, and CI needs it"; exit 1'
  else
    echo "==> $1: skipped, Go is not installed"
    skipped=$((skipped + 1))
  fi
}

node_part() {
  if command -v npm >/dev/null; then
    part "$@"
  else
    echo "==> $1: skipped, Node.js is not installed"
    skipped=$((skipped + 1))
  fi
}

# -count=1: Go remembers results, and does not see that files outside of the module have changed.
validators() { (cd tests/validators && gofmt -l . && test -z "$(gofmt -l .)" && go vet ./... && go test -count=1 ./...); }
host_tests() { (cd tests/grafana-host && gofmt -l . && test -z "$(gofmt -l .)" && go vet ./... && go test ./...); }

part 'tools' scripts/test-tools.sh
part 'lint' scripts/lint.sh
go_part "Grafana's decoder: its own tests" host_tests
go_part 'compose files, workflows, what Grafana provisions' validators
go_part 'build the real Jaegers' scripts/build-jaeger.sh
part 'cargo test' cargo test --locked --no-fail-fast
node_part 'browser side: types, lint, unit tests, bundles' scripts/frontend.sh check
node_part 'browser side in Chromium' scripts/frontend.sh browser
part 'static executables, archives' scripts/check-dist.sh

echo
echo 'what it cost:'
printf '%s\n' "${costs[@]}"
echo
echo "parts: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
