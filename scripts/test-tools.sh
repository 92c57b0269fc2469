#!/usr/bin/env bash
# Installs what the tests need beside cargo. What is there already costs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${KTRDR_TEST_CACHE:-$HOME/.cache/ktrdr-diagnosis}
deny_version=0.20.2

missing=()
for tool in jq zip prometheus; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ "${missing[*]}" = prometheus ] && [ "$(id -u)" != 0 ] && [ -z "${CI:-}" ]; then
  echo "test-tools: prometheus is not installed; the tests that ask it will be skipped" >&2
  missing=()
fi
if [ ${#missing[@]} -gt 0 ]; then
  as_root=(env)
  # Nobody's own machine: there it may ask for more.
  [ "$(id -u)" = 0 ] || [ -z "${CI:-}" ] || as_root=(sudo -n env)
  if command -v apt-get >/dev/null && "${as_root[@]}" test -w /var/lib/dpkg 2>/dev/null; then
    # The tests start a Prometheus of their own: the package must not start its service.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee /usr/sbin/policy-rc.d >/dev/null
      "${as_root[@]}" chmod +x /usr/sbin/policy-rc.d
      trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
  else
    echo "test-tools: please install ${missing[*]}" >&2
    exit 1
  fi
fi

for component in rustfmt clippy; do
  cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || rustup component add "$component"
done

if [ "$("$cache/cargo-deny/bin/cargo-deny" --version 2>/dev/null || true)" != "cargo-deny $deny_version" ]; then
  # Without optimisation: it builds in a third of the time and runs for a second.
  target=$(mktemp -d)
  CARGO_TARGET_DIR=$target CARGO_PROFILE_DEV_DEBUG=0 \
    cargo install --quiet --locked --debug --force --version "$deny_version" --root "$cache/cargo-deny" cargo-deny
  rm -rf "$target"
fi
