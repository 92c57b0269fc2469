#!/usr/bin/env bash
# Prints the changelog's section of this version. Fails if a tag is given and does not match the version.
#   scripts/release-notes.sh [vVERSION]
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
tag=${1:-v$version}
[ "$tag" = "v$version" ] || { echo "release-notes: the tag is $tag, but Cargo.toml says $version" >&2; exit 1; }
notes=$(awk -v heading="## $version" '$0 == heading { on = 1; next } /^## / { on = 0 } on' CHANGELOG.md)
[ -n "${notes//[[:space:]]/}" ] || { echo "release-notes: CHANGELOG.md has no section \"## $version\"" >&2; exit 1; }
printf '%s\n' "$notes"
