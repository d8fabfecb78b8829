#!/usr/bin/env bash
# A key gets its name also on file systems that cannot rename without replacing, and many processes that start at once
# agree on it there as well. strace makes the kernel say so.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
fail() { echo "keys: $*"; exit 1; }
cat > "$work/policy.toml" <<TOML
base = "hosting"
name = "keys"
version = 1
[keys]
directory = "$work/keys"
TOML
line='203.0.113.77 - kari [21/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 5 "-" "curl/8"'
mkdir -m 700 "$work/keys"
for errno in EINVAL ENOSYS EOPNOTSUPP; do
  rm -f "$work"/keys/*
  # The name without a replacing rename comes by a link; several at once must agree on one key.
  for i in 1 2 3 4; do
    echo "$line" | strace -f -qq -o "$work/trace.$i" -e trace=renameat2,linkat -e "inject=renameat2:error=$errno" \
      "$sladd" -q --policy "$work/policy.toml" > "$work/out.$i" 2> "$work/err.$i" &
  done
  wait
  grep -q "renameat2.*$errno.*INJECTED" "$work"/trace.* || fail "$errno: nothing was renamed"
  grep -q 'linkat(.*= 0' "$work"/trace.* || fail "$errno: no link was made"
  [ "$(sort -u "$work"/out.* | wc -l)" = 1 ] || fail "$errno: two keys for one day"
  grep -q ' p1\.20261121\.[0-9a-f]\{16\} ' "$work/out.1" || { cat "$work"/err.*; fail "$errno: no pseudonym"; }
  [ "$(find "$work/keys" -type f ! -name clock | wc -l)" = 1 ] || fail "$errno: something half made is left"
  [ "$(stat -c %a "$work"/keys/*.key)" = 400 ] || fail "$errno: the key is open to others"
done
# What a rename makes is the same key: no process needs to know how it came.
echo "$line" | "$sladd" -q --policy "$work/policy.toml" | cmp - "$work/out.1" || fail "another key without strace"
echo "keys: 3 refusals x 4 processes, one key each time"
