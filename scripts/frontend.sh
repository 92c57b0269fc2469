#!/usr/bin/env bash
# Builds and tests the browser side. Installs missing Node packages first.
#   scripts/frontend.sh build     both plugins into dist/ (or $DIST)
#   scripts/frontend.sh static    types, lint, bundles
#   scripts/frontend.sh unit      unit tests
#   scripts/frontend.sh check     both
#   scripts/frontend.sh browser   the built plugins in Chromium against the real backend
#   scripts/frontend.sh matrix    the same with the packages of Grafana 12.4, 11.6 and 13.2
#   scripts/frontend.sh page      serves the same page with the example traces, to try it by hand
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh --check npm

packages() { # folder
  [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] || npm --prefix "$1" ci --no-audit --no-fund
}

find_chromium() {
  scripts/tools.sh chromium
  CHROMIUM=$(type -P "${CHROMIUM:-chromium}")
  export CHROMIUM
}

backend() { cargo build --locked --example dev_server --bin gpx_ktrdr_diagnosis; }
run() { npm --prefix frontend run --silent "$@"; }
static() {
  packages frontend/browser/hosts/11.6
  run typecheck && run typecheck:11.6 && run lint && run build
}

packages frontend
case "${1:-}" in
  build) run build ;;
  static) static ;;
  unit) run test ;;
  check) static && run test ;;
  browser) find_chromium && backend && run build && run test:browser ;;
  matrix)
    packages frontend/browser/hosts/11.6
    packages frontend/browser/hosts/13.2
    find_chromium && backend && run build && run test:matrix
    ;;
  page) backend && run build && run demo-page -- "${@:2}" ;;
  *) echo "usage: scripts/frontend.sh build|static|unit|check|browser|matrix|page" >&2; exit 2 ;;
esac
