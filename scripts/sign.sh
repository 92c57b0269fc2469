#!/usr/bin/env bash
# Signs the plugins in dist/ for private use with Grafana's own tool, and writes release/ again. A signature covers each
# file of a folder. Therefore only the archive with the executables of all platforms is signed, or the only one there is.
#   GRAFANA_ACCESS_POLICY_TOKEN=… GRAFANA_ROOT_URLS=https://grafana.example.com/ scripts/sign.sh
set -euo pipefail
cd "$(dirname "$0")/.."

: "${GRAFANA_ACCESS_POLICY_TOKEN:?set it to a token of grafana.com with the scope plugins:write}"
: "${GRAFANA_ROOT_URLS:?set it to the root_url of the Grafanas that are to load the plugins, separated by commas}"
for plugin in dist/*/; do
  npx --yes @grafana/sign-plugin@3.3.3 --distDir "$plugin" --signatureType private --rootUrls "$GRAFANA_ROOT_URLS"
  [ -s "$plugin/MANIFEST.txt" ] || { echo "sign: $plugin got no MANIFEST.txt" >&2; exit 1; }
done
scripts/archives.sh --plugins
