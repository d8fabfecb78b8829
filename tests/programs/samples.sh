#!/usr/bin/env bash
# Every sample policy is valid and passes its examples, every sample log comes out under every built-in, and what comes
# out is its own minimised form.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
for policy in samples/policies/*.toml; do
  "$sladd" check "$policy" >/dev/null
  grep -q '^\[\[example\]\]' "$policy" && "$sladd" test "$policy" >/dev/null
done
for log in samples/logs/*.log; do
  for policy in hosting strict minimal; do
    # One key directory, so that a second run makes the same pseudonyms.
    "$sladd" -q --policy "$policy" < "$log" > "$work/once"
    [ "$(wc -l < "$work/once")" = "$(wc -l < "$log")" ] || { echo "$log under $policy: lines lost"; exit 1; }
    "$sladd" -q --policy "$policy" < "$work/once" > "$work/twice"
    cmp "$work/once" "$work/twice" || { echo "$log under $policy: a second run changes it"; exit 1; }
    "$sladd" -q --policy "$policy" --encode json < "$log" | python3 -c 'import sys,json
for line in sys.stdin: json.loads(line)' || { echo "$log under $policy: not valid JSON"; exit 1; }
  done
done
"$sladd" generate man "$work/man"; for page in "$work"/man/*; do man --warnings -l "$page" >/dev/null 2>"$work/w" || true; done
echo "samples: $(ls samples/logs | wc -l) logs x 3 policies, $(ls samples/policies/*.toml | wc -l) policies"
