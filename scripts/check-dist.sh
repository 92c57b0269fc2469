#!/usr/bin/env bash
# Checks that Grafana accepts dist/ and release/, that the executables are static, and that they work in a root file system
# without libraries, certificates and time zones: handshake, names, TLS.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh jq zip
scripts/dist.sh "$@"
to=dist/ktrdr-diagnosis-datasource
platform=linux_$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
binary=$to/gpx_ktrdr_diagnosis_$platform
tool=target/executables/$platform/ktrdr-diagnose
for file in plugin.json README.md CHANGELOG.md LICENSE; do
  [ -s "$to/$file" ] || { echo "check-dist: $to/$file is missing" >&2; exit 1; }
done
executable=$(jq -r .executable "$to/plugin.json")
[ "${executable}_$platform" = "$(basename "$binary")" ] || { echo "check-dist: plugin.json names the executable $executable" >&2; exit 1; }
for program in "$binary" "$tool"; do
  [ -x "$program" ] || { echo "check-dist: $program is not executable" >&2; exit 1; }
  if ldd "$program" >/dev/null 2>&1 && ! ldd "$program" 2>&1 | grep -q 'statically linked'; then
    echo "check-dist: $program needs shared libraries:" >&2
    ldd "$program" >&2
    exit 1
  fi
done

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root/tmp" "$root/dev"
# A static executable reads randomness from /dev, which every container has. Plain files are enough here.
head -c 65536 /dev/urandom | tee "$root/dev/random" >"$root/dev/urandom"
cp "$binary" "$root/plugin"
# Full paths, because the environment is emptied below.
chroot=$(PATH=$PATH:/usr/sbin command -v chroot)
enter=("$chroot" "$root")
[ "$(id -u)" = 0 ] || enter=("$(command -v unshare)" --user --map-root-user "$chroot" "$root")

# Started by hand, the plugin explains itself and exits. Started by Grafana, it prints the line of the handshake.
if "${enter[@]}" /plugin </dev/null >"$root/out" 2>"$root/err"; then
  echo "check-dist: started by hand, the plugin should refuse" >&2
  exit 1
fi
grep -qi grafana "$root/out" "$root/err" || { echo "check-dist: started by hand, the plugin does not mention Grafana" >&2; exit 1; }
mkfifo "$root/line"
env -i grafana_plugin_type=datasource PLUGIN_PROTOCOL_VERSIONS=2 PLUGIN_MIN_PORT=10000 PLUGIN_MAX_PORT=25000 \
  "${enter[@]}" /plugin </dev/null >"$root/line" 2>"$root/err" &
pid=$!
read -r -t 30 line <"$root/line" || line=
kill "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
case $line in
  '1|2|unix|'*'|grpc'* | '1|2|tcp|127.0.0.1:'*'|grpc'*) echo "check-dist: in an empty root it says $line" ;;
  *) echo "check-dist: in an empty root it says '$line'" >&2; cat "$root/err" >&2; exit 1 ;;
esac

if command -v go >/dev/null; then
  (cd tests/validators && CGO_ENABLED=0 go build -o "$root/emptyroot" ./cmd/emptyroot)
  "$root/emptyroot" "$binary" "$tool"
  # Without Node.js there are no plugins to release.
  if [ -e dist/ktrdr-diagnosis-panel ]; then
    scripts/check-release.sh
    sums=$(cat release/SHA256SUMS)
    scripts/archives.sh --plugins >/dev/null
    [ "$sums" = "$(cat release/SHA256SUMS)" ] || { echo 'check-dist: the archives differ when they are written again' >&2; exit 1; }
  fi
elif [ -n "${KTRDR_TESTS_NEED_GO:-}" ]; then
  echo 'check-dist: Go is not installed, and CI needs it' >&2
  exit 1
else
  echo 'check-dist: Go is not installed; names, TLS and the archives were not checked'
fi
