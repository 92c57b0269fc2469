#!/usr/bin/env bash
# Lays out dist/: what Grafana's plugin folder gets, the data source and the panel. Grafana's own image has no libgcc, so the
# executable is linked statically, which wants an explicit target.
#   scripts/dist.sh [--dev]       --dev: without optimisation, for tests of the layout
set -euo pipefail
cd "$(dirname "$0")/.."

profile=release flags=(--release)
if [ "${1:-}" = --dev ]; then
  profile=debug flags=()
fi
target=x86_64-unknown-linux-gnu
name=gpx_ktrdr_diagnosis
to=dist/ktrdr-diagnosis-datasource

RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked "${flags[@]}" --target "$target" --target-dir target/static --bin "$name"

rm -rf dist
mkdir -p "$to"
if command -v npm >/dev/null; then
  scripts/frontend.sh build
else
  echo 'dist: npm is missing, so dist/ gets the backend alone, without editors and panel' >&2
  cp plugin.json README.md CHANGELOG.md LICENSE "$to/"
fi
install -m 0755 "target/static/$target/$profile/$name" "$to/${name}_linux_amd64"
echo "dist: $(du -sh dist | cut -f1) in $(ls dist | tr '\n' ' ')"
