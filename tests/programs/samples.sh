#!/usr/bin/env bash
# Every sample policy is valid and passes its examples, every sample log comes out under every built-in, and what comes
# out is its own minimised form. The man pages are clean and the completions are valid in their shells.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$(dirname "$0")/../.."
fail() { echo "samples: $*"; exit 1; }
for policy in samples/policies/*.toml; do
  "$sladd" check "$policy" > "$work/said" 2>&1 || { cat "$work/said"; fail "$policy is refused"; }
  if grep -q '^\[\[example\]\]' "$policy"; then "$sladd" test "$policy" > "$work/said" || { cat "$work/said"; fail "$policy: an example fails"; }; fi
done
for statements in samples/policies/statements/*/; do
  "$sladd" check "$statements/policy.toml" > "$work/said" 2>&1 || { cat "$work/said"; fail "$statements: its policy is refused"; }
  code=0; "$sladd" attest --claims "$statements/claims.toml" --policy "$statements/policy.toml" > "$work/said" 2>&1 || code=$?
  # tests/attest.rs holds the answers; not all can be true yet.
  [ "$code" = 1 ] && tail -1 "$work/said" | grep -q ' true, ' || { cat "$work/said"; fail "$statements: attest ended with $code"; }
done
for log in samples/logs/*.log; do
  for policy in hosting strict minimal; do
    "$sladd" -q --policy "$policy" < "$log" > "$work/once"
    [ "$(wc -l < "$work/once")" = "$(wc -l < "$log")" ] || fail "$log under $policy: lines lost"
    "$sladd" -q --policy "$policy" < "$work/once" > "$work/twice"
    cmp "$work/once" "$work/twice" || fail "$log under $policy: a second run changes it"
    "$sladd" -q --policy "$policy" --encode json < "$log" > "$work/json"
    python3 -c 'import sys, json
for line in sys.stdin: json.loads(line)' < "$work/json" || fail "$log under $policy: not valid JSON"
  done
done
"$sladd" generate man "$work/man"
for page in "$work"/man/*; do
  MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l "$page" > "$work/page" 2> "$work/warned" || fail "$page: man refuses it"
  [ ! -s "$work/warned" ] || { cat "$work/warned"; fail "$page: warnings"; }
  [ "$(wc -l < "$work/page")" -ge 10 ] || fail "$page: empty"
done
for shell in bash zsh fish elvish powershell; do
  "$sladd" generate completions $shell > "$work/$shell"
  [ -s "$work/$shell" ] || fail "no completions for $shell"
  case $shell in bash|zsh|fish) if type -P $shell > /dev/null; then $shell -n "$work/$shell" || fail "completions for $shell"; fi;; esac
done
echo "samples: $(ls samples/logs | wc -l) logs x 3 policies, $(ls samples/policies/*.toml | wc -l) policies, $(ls "$work/man" | wc -l) man pages"
