#!/usr/bin/env bash
# Builds the real Jaegers that the tests run against, with Go, into a cache outside the repository:
#   scripts/build-jaeger.sh [VERSION...]        default: all of v1.42.0 v1.76.0 v2.13.0
# Prints one line "VERSION PATH" for each on stdout. What is in the cache already is not built again.
#
# Each module under tests/real-jaeger/ pins Jaeger and, by its go.sum (Jaeger's own), everything below it. Jaeger v2.13.0
# and v1.76.0 are the same commit: one module builds both. Newer versions cannot be required as a module: v2 tags do not
# match the module's path (docs/development.md).
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${KTRDR_TEST_CACHE:-$HOME/.cache/ktrdr-diagnosis}
scripts/tools.sh --check go >&2
mkdir -p "$cache"

build() { # version, module directory, package below github.com/jaegertracing/jaeger, variable that holds the version
  local version=$1 module=tests/real-jaeger/$2 target=$cache/jaeger-$1
  if [ ! -x "$target" ]; then
    echo "build-jaeger: building Jaeger $version (some minutes, once)" >&2
    local started=$SECONDS
    # The module file lies in a scratch copy: building must not change what the repository pins.
    local scratch
    scratch=$(mktemp -d)
    cp "$module/go.mod" "$module/go.sum" "$scratch/"
    (cd "$scratch" && CGO_ENABLED=0 GOFLAGS='-mod=mod -buildvcs=false' nice -n 10 go build -p 2 -trimpath \
      -ldflags "-s -w -X github.com/jaegertracing/jaeger/$4=$version" -o "$target.new" "github.com/jaegertracing/jaeger/$3") >&2
    rm -rf "$scratch"
    mv "$target.new" "$target"
    echo "build-jaeger: Jaeger $version took $((SECONDS - started)) s" >&2
  fi
  echo "$version $target"
}

[ $# -gt 0 ] || set -- v1.42.0 v1.76.0 v2.13.0
for version in "$@"; do
  case $version in
    v1.42.0) build "$version" v1.42.0 cmd/all-in-one pkg/version.latestVersion ;;
    v1.76.0) build "$version" v1.76.0 cmd/all-in-one internal/version.latestVersion ;;
    v2.13.0) build "$version" v1.76.0 cmd/jaeger internal/version.latestVersion ;;
    *) echo "build-jaeger: no module for Jaeger $version under tests/real-jaeger" >&2; exit 2 ;;
  esac
done
