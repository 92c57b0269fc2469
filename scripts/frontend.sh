#!/usr/bin/env bash
# The browser side. Node packages that are missing are installed first.
#   scripts/frontend.sh build     both plugins into dist/ (or $DIST)
#   scripts/frontend.sh check     types, lint, unit tests, build
#   scripts/frontend.sh browser   the built plugins in Chromium against the real backend
#   scripts/frontend.sh matrix    the same with the packages of Grafana 12.4, 11.6 and 13.2
#   scripts/frontend.sh page      the same page for people, with the example traces
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh --check npm

packages() { # folder
  [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] || npm --prefix "$1" ci --no-audit --no-fund
}

chromium() {
  scripts/tools.sh chromium
  CHROMIUM=$(command -v "${CHROMIUM:-chromium}")
  export CHROMIUM
}

backend() { cargo build --locked --example stand_in --bin gpx_ktrdr_diagnosis; }
run() { npm --prefix frontend run --silent "$@"; }

packages frontend
case "${1:-}" in
  build) run build ;;
  check) run check && packages frontend/browser/hosts/11.6 && run typecheck:11.6 ;;
  browser) chromium && backend && run build && run test:browser ;;
  matrix)
    packages frontend/browser/hosts/11.6
    packages frontend/browser/hosts/13.2
    chromium && backend && run build && run test:matrix
    ;;
  page) backend && run build && run demo-page -- "${@:2}" ;;
  *) echo "usage: scripts/frontend.sh build|check|browser|matrix|page" >&2; exit 2 ;;
esac
