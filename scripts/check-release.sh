#!/usr/bin/env bash
# Checks release/: Grafana's installer accepts the archives, they are complete and of this version, the checksums match.
set -euo pipefail
cd "$(dirname "$0")/.."

(cd release && sha256sum --check --quiet SHA256SUMS)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
(cd tests/validators && go run ./cmd/release ../../release "$version")
