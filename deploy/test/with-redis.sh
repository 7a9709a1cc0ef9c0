#!/usr/bin/env bash
# Runs a command with NEOBOT_TEST_REDIS set to a redis-server of its own on a
# free loopback port, in memory only, stopped afterwards. A server that is given
# from outside is used as it is; without redis-server the command runs without.
set -euo pipefail

if [ -n "${NEOBOT_TEST_REDIS:-}" ]; then exec "$@"; fi
if ! command -v redis-server >/dev/null; then
  if [ -n "${CI:-}" ]; then echo "with-redis: redis-server not found" >&2; exit 1; fi
  echo "with-redis: redis-server not found: tests that need a real one are left out (make test installs it)" >&2
  exec "$@"
fi

dir="$(mktemp -d)"
pid=""
stop() {
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
  rm -rf "$dir"
}
trap stop EXIT

# Nobody hands out free ports: try some until one is ours.
for _ in $(seq 20); do
  port=$((20000 + RANDOM % 30000))
  redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$dir" --daemonize no >"$dir/log" 2>&1 &
  pid=$!
  for _ in $(seq 100); do
    if redis-cli -p "$port" ping >/dev/null 2>&1 && kill -0 "$pid" 2>/dev/null; then
      NEOBOT_TEST_REDIS="127.0.0.1:$port" "$@"
      exit 0
    fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
  done
  kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; pid=""
done
echo "with-redis: redis-server does not start:" >&2
cat "$dir/log" >&2
exit 1
