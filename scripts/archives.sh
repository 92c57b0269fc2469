#!/usr/bin/env bash
# Writes release/ from dist/, target/executables/ and provisioning/: archives in the format of Grafana's installer (one top
# folder with the plugin's id), a bundle of everything for each platform, the command line tool, and SHA256SUMS. The same
# input gives the same bytes: fixed times, sorted names, no owners.
#   scripts/archives.sh [--plugins]     without --plugins only the command line tool
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C TZ=UTC
[ "${1:-}" != --plugins ] || scripts/tools.sh --check zip

datasource=ktrdr-diagnosis-datasource panel=ktrdr-diagnosis-panel
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Time of the last commit, or 1 January 2026 outside of a clone.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)}
release=$PWD/release
rm -rf release
mkdir release
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

archive() { # name of the zip, folder whose content goes in
  (
    cd "$2"
    find . -type d -exec chmod 0755 {} +
    find . -type f ! -name 'gpx_*' -exec chmod 0644 {} +
    find . -exec touch -d "@$epoch" {} +
    find . -mindepth 1 -type f | sed 's,^\./,,' | sort | zip -q -X -9 -@ "$release/$1"
  )
}

datasource_with() { # folder, pattern of executables
  mkdir -p "$1"
  cp -R "dist/$datasource" "$1/"
  find "$1/$datasource" -name 'gpx_*' ! -name "$2" -delete
  # A signature covers every file. With a file missing it would be invalid, and Grafana would not load the plugin.
  [ ${#platforms[@]} = 1 ] || [ "$2" = 'gpx_*' ] || rm -f "$1/$datasource/MANIFEST.txt"
}

bundle_with() { # folder, pattern of executables
  # The same paths as in a clone, so that deploy/ works in both.
  local top=$1/ktrdr-diagnosis-$version
  datasource_with "$top/dist" "$2"
  cp -R "dist/$panel" "$top/dist/"
  cp -R LICENSE CHANGELOG.md provisioning deploy "$top/"
  mkdir "$top/docs"
  cp -R docs/*.md docs/examples docs/img "$top/docs/"
}

platforms=()
for folder in target/executables/*/; do
  platforms+=("$(basename "$folder")")
done

for platform in "${platforms[@]}"; do
  for tool in "target/executables/$platform"/ktrdr-diagnose*; do
    suffix=${tool##*/ktrdr-diagnose}
    install -m 0755 "$tool" "release/ktrdr-diagnose-$version.$platform$suffix"
  done
done
if [ "${1:-}" = --plugins ]; then
  for platform in "${platforms[@]}"; do
    datasource_with "$stage/datasource-$platform" "gpx_*_$platform*"
    archive "$datasource-$version.$platform.zip" "$stage/datasource-$platform"
    bundle_with "$stage/bundle-$platform" "gpx_*_$platform*"
    archive "ktrdr-diagnosis-$version.$platform.zip" "$stage/bundle-$platform"
  done
  if [ ${#platforms[@]} -gt 1 ]; then
    datasource_with "$stage/datasource" 'gpx_*'
    archive "$datasource-$version.zip" "$stage/datasource"
  fi
  mkdir "$stage/panel"
  cp -R "dist/$panel" "$stage/panel/"
  archive "$panel-$version.zip" "$stage/panel"
fi
(cd release && sha256sum -- * >"$stage/SHA256SUMS" && mv "$stage/SHA256SUMS" .)
echo "release: $(ls release | paste -sd' ' -)"
