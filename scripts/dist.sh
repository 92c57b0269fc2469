#!/usr/bin/env bash
# Creates dist/ (the two plugins, for Grafana's plugin folder) and release/ (the archives and the command line tool, for
# publishing).
#   scripts/dist.sh [--dev]        builds the executables for this machine; --dev: not optimised, for tests of the layout
#   scripts/dist.sh --prebuilt     uses all platforms in target/executables, as the release workflow does
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
  --prebuilt) [ -d target/executables ] || { echo 'dist: target/executables is missing' >&2; exit 1; } ;;
  *)
    rm -rf target/executables
    scripts/executables.sh "$@"
    ;;
esac

rm -rf dist release
to=dist/ktrdr-diagnosis-datasource
mkdir -p "$to"
if command -v npm >/dev/null; then
  scripts/frontend.sh build
  complete=yes
else
  echo 'dist: npm is missing, so dist/ gets the backend alone, without editors and panel, and release/ no plugins' >&2
  cp plugin.json README.md CHANGELOG.md LICENSE "$to/"
  complete=
fi
for executable in target/executables/*/gpx_*; do
  install -m 0755 "$executable" "$to/"
done
echo "dist: $(du -sh dist | cut -f1) in $(ls dist | paste -sd' ' -)"
scripts/archives.sh ${complete:+--plugins}
