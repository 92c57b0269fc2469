#!/usr/bin/env bash
# Builds both programs for one platform, as released, into target/executables/<os>_<arch>/ (the names of Go, which Grafana
# uses). Grafana's own image has no libgcc, so on Linux both are linked statically.
#   scripts/executables.sh [--dev] [TARGET]     TARGET: a Rust triple, default this machine's; --dev: not optimised
set -euo pipefail
cd "$(dirname "$0")/.."

profile=release flags=(--release)
if [ "${1:-}" = --dev ]; then
  profile=debug flags=()
  shift
fi
target=${1:-$(rustc -vV | sed -n 's/^host: //p')}

case $target in
  x86_64-*) arch=amd64 ;;
  aarch64-*) arch=arm64 ;;
  *) echo "executables: no name for the processor of $target" >&2; exit 2 ;;
esac
static='-C target-feature=+crt-static' suffix=
case $target in
  *-linux-*) os=linux ;;
  *-apple-darwin) os=darwin static= ;;
  *-windows-*) os=windows suffix=.exe ;;
  *) echo "executables: no name for the system of $target" >&2; exit 2 ;;
esac

# crt-static needs an explicit target, or build scripts would be static too.
build() { RUSTFLAGS="${RUSTFLAGS:-} $static" cargo build --locked "${flags[@]}" --target "$target" --target-dir target/static "$@"; }
build --bin ktrdr-diagnose
# The plugin is built without the example traces and the simulated KTRDR.
build --bin gpx_ktrdr_diagnosis --no-default-features

to=target/executables/${os}_$arch
built=target/static/$target/$profile
rm -rf "$to"
mkdir -p "$to"
install -m 0755 "$built/gpx_ktrdr_diagnosis$suffix" "$to/gpx_ktrdr_diagnosis_${os}_$arch$suffix"
install -m 0755 "$built/ktrdr-diagnose$suffix" "$to/ktrdr-diagnose$suffix"
echo "executables: $to, $(du -sh "$to" | cut -f1)"
