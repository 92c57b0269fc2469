#!/usr/bin/env bash
# Lays out dist/ktrdr-diagnosis-datasource: what Grafana's plugin folder gets. Grafana's own image has no libgcc, so the
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

rm -rf "$to"
mkdir -p "$to"
install -m 0755 "target/static/$target/$profile/$name" "$to/${name}_linux_amd64"
cp plugin.json README.md CHANGELOG.md LICENSE "$to/"
if [ -f frontend/build.mjs ]; then
  npm --prefix frontend ci --no-audit --no-fund
  npm --prefix frontend run build
fi
echo "dist: $to ($(du -sh "$to" | cut -f1))"
