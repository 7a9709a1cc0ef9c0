#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: redis-server and chromium
# from Debian, and the npm test clients in deploy/peers. Changes nothing that is
# already there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || missing+=(chromium)

if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ]; then as_root=(env)
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=(sudo)
  else
    echo "setup: ${missing[*]} not found and no right to install; run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

for tool in go node npm; do
  command -v "$tool" >/dev/null || { echo "setup: $tool not found; Go and Node are needed" >&2; exit 1; }
done

# The npm clients are installed once per package.json; the stamp remembers which.
if [ -f deploy/peers/package.json ]; then
  mkdir -p .test
  want="$(sha256sum deploy/peers/package.json)"
  if [ ! -d deploy/peers/node_modules ] || [ "$(cat .test/peers.stamp 2>/dev/null)" != "$want" ]; then
    echo "setup: installing the npm test clients"
    npm install --prefix deploy/peers --no-package-lock --no-audit --no-fund --loglevel=error
    printf '%s\n' "$want" > .test/peers.stamp
  fi
fi
