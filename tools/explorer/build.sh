#!/usr/bin/env bash
# Bundles the parts of AG Grid Community and Chart.js that the explorer's page uses into checker/explorer/vendor/.
# Needs node and the npm registry; only who changes a version runs it. Users and tests need neither.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
vendor=../../checker/explorer/vendor
npm ci --no-audit --no-fund
mkdir -p "$vendor"
for part in grid charts; do
  npx esbuild "$part.js" --bundle --minify --format=iife --target=es2020 --charset=ascii --legal-comments=none \
    --outfile="$vendor/$part.min.js"
done
cp node_modules/ag-grid-community/LICENSE.txt "$vendor/LICENSE.ag-grid-community.txt"
cp node_modules/chart.js/LICENSE.md "$vendor/LICENSE.chart.js.txt"
cp node_modules/@kurkle/color/LICENSE.md "$vendor/LICENSE.kurkle-color.txt"
node versions.js > "$vendor/versions.json"
