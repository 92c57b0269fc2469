#!/usr/bin/env bash
# Known vulnerabilities of the released dependencies. Only releases check this, because the result changes without a change
# of the code.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh cargo-deny npm
PATH=$(scripts/tools.sh --path):$PATH cargo deny --all-features check --hide-inclusion-graph advisories
npm --prefix frontend audit --omit=dev --audit-level=high
