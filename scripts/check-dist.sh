#!/usr/bin/env bash
# The layout of dist/, and the executable: static, and it starts in a root that holds no library.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/dist.sh "$@"
to=dist/ktrdr-diagnosis-datasource
binary=$to/gpx_ktrdr_diagnosis_linux_amd64
for file in plugin.json README.md CHANGELOG.md LICENSE; do
  [ -s "$to/$file" ] || { echo "check-dist: $to/$file is missing" >&2; exit 1; }
done
[ -x "$binary" ] || { echo "check-dist: $binary is not executable" >&2; exit 1; }
executable=$(jq -r .executable "$to/plugin.json")
[ "${executable}_linux_amd64" = "$(basename "$binary")" ] || { echo "check-dist: plugin.json names the executable $executable" >&2; exit 1; }
if ldd "$binary" >/dev/null 2>&1 && ! ldd "$binary" 2>&1 | grep -q 'statically linked'; then
  echo "check-dist: $binary needs shared libraries:" >&2
  ldd "$binary" >&2
  exit 1
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root/tmp" "$root/dev"
# A static executable takes its randomness from /dev, which every container has; files do for a start.
head -c 65536 /dev/urandom | tee "$root/dev/random" >"$root/dev/urandom"
cp "$binary" "$root/plugin"
# By their full paths: the environment is emptied below.
chroot=$(PATH=$PATH:/usr/sbin command -v chroot)
enter=("$chroot" "$root")
[ "$(id -u)" = 0 ] || enter=("$(command -v unshare)" --user --map-root-user "$chroot" "$root")

# Started by hand it explains itself and ends; started as Grafana does it prints the line of the handshake.
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
