#!/usr/bin/env bash
# Every fuzz target for the time given (60s). Fails on a find, after all targets have had their turn.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
time=${1:-60s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
bad=()
while read -r file; do
  for name in $(grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | cut -c6-); do
    echo "== $name ($(dirname "$file"))"
    if go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 1s "$(dirname "$file")" 2>&1 | tee "$log"; then continue; fi
    # The go command sometimes ends a target whose time is up with this error and without a find.
    if grep -q 'context deadline exceeded' "$log" && ! grep -qE 'Failing input|panic:|DATA RACE' "$log"; then
      echo "-- time was up, nothing found"
      continue
    fi
    bad+=("$name")
  done
done < <(grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | sort)
if [ ${#bad[@]} -gt 0 ]; then
  echo "found something: ${bad[*]}" >&2
  exit 1
fi
