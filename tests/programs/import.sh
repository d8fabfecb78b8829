#!/usr/bin/env bash
# The stock configurations of nginx and Apache, and those of this machine's own tests, become valid policies under which a
# line of each server's log is minimised.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
fail() { echo "import: $*"; cat "$work/said" 2>/dev/null || true; exit 1; }
raw='203.0.113.77 - kari [21/Nov/2026:10:00:00 +0100] "GET /a?email=ola%40example.org HTTP/1.1" 200 5 "-" "curl/8.5.0"'
count=0
for config in /etc/nginx/nginx.conf /etc/nginx /etc/apache2/apache2.conf /etc/apache2; do
  [ -e "$config" ] || fail "$config is not here"
  rm -f "$work/web.toml"
  "$sladd" import "$config" -o "$work/web.toml" 2> "$work/said" || fail "$config is refused"
  grep -q 'warning: the error log goes to /var/log/' "$work/said" || fail "$config: no warning of the error log"
  grep -q 'warning: the access log goes to /var/log/' "$work/said" || fail "$config: no warning of the access log"
  if grep 'no variable\|missing: what it logs\|nothing in the configuration defines' "$work/said"; then fail "$config: something was not found"; fi
  "$sladd" check "$work/web.toml" > "$work/said" 2>&1 || fail "$config: the policy is refused"
  if grep -q 'warning' "$work/said"; then fail "$config: the policy has warnings"; fi
  for line in "$raw" "www.example.com:80 $raw"; do
    out=$(echo "$line" | "$sladd" -q --policy "$work/web.toml")
    case $out in *203.0.113.77*|*kari*|*ola*) fail "$config: an identifier came out: $out";; esac
    case $out in *'203.0.113.0 - p1.'*'"GET /a?email= HTTP/1.1" 200 5 "-" "curl/8"'*) ;; *) fail "$config: $out";; esac
    count=$((count + 1))
  done
done
# What nginx and Apache themselves refuse is refused here, and what they take is taken.
printf 'events {}\nhttp { log_format x "$remote_addr\n' > "$work/nginx.conf"
if "$sladd" import "$work/nginx.conf" > /dev/null 2> "$work/said"; then fail "a broken configuration is taken"; fi
grep -q "nginx.conf:2: a quote is not closed" "$work/said" || fail "no place"
if nginx -t -c "$work/nginx.conf" 2> /dev/null; then fail "nginx takes what is broken"; fi
echo "import: 4 stock configurations, $count lines"
