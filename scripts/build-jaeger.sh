#!/usr/bin/env bash
# Builds the real Jaegers for the tests with Go, into a cache outside of the repository:
#   scripts/build-jaeger.sh [VERSION...]        default: all of v1.42.0 v1.76.0 v2.13.0
# Prints a line "VERSION PATH" for each. Versions that are in the cache are not built again.
#
# Each module under tests/real-jaeger/ pins Jaeger and, by its go.sum (Jaeger's own), all dependencies. Jaeger v2.13.0
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
    # Build in a copy, so that the build cannot change the pinned versions.
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
