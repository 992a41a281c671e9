#!/usr/bin/env bash
# Installs what e2e/package-lock.json pins, each package checked against its hash. No package's scripts run, and
# the lock file names no host: npm's own configuration says where packages come from.
#
# npm ci begins by deleting node_modules, and the stamp with it, so an interrupted install is never taken for a whole one.
set -euo pipefail
cd "$(dirname "$0")/.."
. setup/common.sh
stamp=e2e/node_modules/.ready

exclusively .setup/node_modules.lock
if [ "$stamp" -nt e2e/package.json ] && [ "$stamp" -nt e2e/package-lock.json ] && [ "$stamp" -nt setup/npm.sh ]; then
  exit 0 # another make was faster
fi

echo "setup: e2e/node_modules, with node $(node --version) and npm $(npm --version 2>/dev/null)"
rm -f "$stamp"
cd e2e
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
touch node_modules/.ready
