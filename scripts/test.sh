#!/usr/bin/env bash
# Runs all tests. First compiles everything in three parallel jobs, then runs the tests that have time limits one after the
# other. The output of a part is printed when the part has ended. A table at the end shows the cost of each part.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh
# Go is installed at this point, so a test that skips itself because Go is missing would hide a mistake.
export KTRDR_TESTS_NEED_GO=1

results=$(mktemp -d)
jobs=()
end() {
  local job
  for job in "${jobs[@]}"; do
    kill -- "-$job" 2>/dev/null || true
  done
  rm -rf "$results"
}
trap end EXIT

part() { # name, command...
  local name=$1 log TIMEFORMAT='%R %U %S' verdict=passed
  shift
  log=$(mktemp -p "$results" log.XXXXXX)
  echo "    $name ..."
  # `time` also reports CPU seconds, which mean more than elapsed time while jobs run in parallel.
  { time "$@" >"$log" 2>&1; } 2>"$log.time" || verdict=failed
  {
    flock 9
    printf '==> %s: %s\n' "$name" "$verdict"
    cat "$log"
    awk -v name="$name" -v verdict="$verdict" \
      '{ printf "%5.0f s %6.0f s CPU  %s%s\n", $1, $2 + $3, name, verdict == "failed" ? " (failed)" : "" }' \
      "$log.time" >>"$results/$verdict"
  } 9>"$results/lock"
}

# -count=1: Go caches results and does not notice changes in files outside of the module.
validators() { (cd tests/validators && gofmt -l . && test -z "$(gofmt -l .)" && go vet ./... && go test -count=1 ./...); }
host_tests() { (cd tests/grafana-host && gofmt -l . && test -z "$(gofmt -l .)" && go vet ./... && go test ./...); }

rust_job() {
  part 'lint' scripts/lint.sh
  part 'compile the tests' cargo test --locked --workspace --no-run
  part 'compile the static executables' scripts/executables.sh
}

go_job() {
  part 'compose files, workflows, tools, what Grafana provisions' validators
  part "Grafana's decoder: its own tests" host_tests
  part 'build the real Jaegers' scripts/build-jaeger.sh
}

browser_job() {
  part 'browser side: types, lint, bundles' scripts/frontend.sh static
}

# Its own process group, so that an interrupted run leaves no processes.
job() {
  set -m
  "$@" &
  set +m
  jobs+=("$!")
}
job rust_job
job go_job
job browser_job
wait "${jobs[@]}"
jobs=()

part 'cargo test' cargo test --locked --workspace --no-fail-fast
part 'browser side: unit tests' scripts/frontend.sh unit
part 'browser side in Chromium' scripts/frontend.sh browser
part 'static executables, archives' scripts/check-dist.sh

count() { if [ -e "$results/$1" ]; then grep -c '' "$results/$1"; else echo 0; fi; }
echo
echo "what it cost (of $SECONDS s):"
cat "$results/passed" "$results/failed" 2>/dev/null || true
echo
echo "parts: $(count passed) passed, $(count failed) failed"
[ ! -e "$results/failed" ]
