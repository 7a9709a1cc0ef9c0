#!/usr/bin/env bash
# The checks that need the npm clients of the platforms' vendors: `npm test` in
# deploy/peers. In CI a missing installation is a failure, never a pass.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ ! -f deploy/peers/package.json ]; then exit 0; fi
if [ ! -d deploy/peers/node_modules ]; then echo "peers: not installed; run deploy/test/setup.sh" >&2; exit 1; fi
exec deploy/test/with-redis.sh npm test --prefix deploy/peers
