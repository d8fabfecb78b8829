#!/usr/bin/env bash
# A sealed store, from a sidecar's first line to the last day: read with the file of its keys alone, swept without it; what a backup
# holds dies with the keys, or with the file.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d); trap '[ -z "$(jobs -p)" ] || kill $(jobs -p); rm -rf "$work"' EXIT
fail() { echo "sealed_store: $*"; exit 1; }
cd "$work"
mkdir -m 700 log elsewhere keys state
(umask 077; head -c 32 /dev/urandom > wrap.key)
policy() {
  cat > policy.toml <<TOML
base = "hosting"
name = "sealed"
version = 1
[keys]
directory = "$work/keys"
wrap = "$work/wrap.key"
[state]
directory = "$work/state"
[[input]]
follow = ["$work/log/access.log"]
[[output]]
store = "$work/store"
seal = true
TOML
}
policy
today=$(LC_ALL=C date -u +%d/%b/%Y)
for i in $(seq 1 3000); do
  printf '198.51.100.%d - kari [%s:00:00:01 +0000] "GET /page-%d?token=hemmelig HTTP/1.1" 200 %d "-" "curl/8"\n' $((i % 250)) "$today" "$i" "$i"
done > elsewhere/raw
"$sladd" -q --policy ./policy.toml < elsewhere/raw | sort > elsewhere/wanted

"$sladd" sidecar --policy ./policy.toml 2> said & beside=$!
for part in $(seq 0 150 2850); do sed -n "$((part + 1)),$((part + 150))p" elsewhere/raw >> log/access.log; sleep 0.02; done
size() { find store/open -name '*.log' -size +0 -printf '%s\n' 2> /dev/null | awk '{ sum += $1 } END { print sum + 0 }'; }
for _ in $(seq 300); do [ "$(size)" = "$(wc -c < elsewhere/wanted)" ] && break; sleep 0.1; done
dark() { ! grep -rlaE 'page-|HTTP/1|class=|198\.51' "$1" || fail "something can be read in $1, $2"; }
dark store "open"
# What is sealed does not become plain by a reload.
sed -i 's/^seal = true/seal = false/; s/^version = 1/version = 2/' policy.toml; kill -HUP "$beside"
for _ in $(seq 100); do grep -q 'the policy ' said && break; sleep 0.1; done
grep -q 'the policy stays as it was: a restart of the service is needed for what changed: \[\[output\]\] 1' said || { cat said; fail "a reload"; }
policy
kill "$beside"; wait "$beside" || { cat said; fail "the sidecar did not end well"; }
dark store "closed"
[ "$(find store -name '*.sealed' | wc -l)" = 1 ] && [ "$(find store -name '*.zst' | wc -l)" = 0 ] || fail "not one sealed segment"

# Read by who has the file, and by nobody else; checked by anybody.
"$sladd" store read store --wrap wrap.key 2> /dev/null | sort | cmp - elsewhere/wanted || fail "other lines come back"
code=0; "$sladd" store read store > read 2> said || code=$?
[ "$code" = 78 ] && [ ! -s read ] && grep -q 'name the file that their keys are wrapped with' said || { cat said; fail "read without the file: $code"; }
"$sladd" store verify store > said || { cat said; fail "verify without the file"; }
grep -q '1 sealed segment not opened' said || fail "verify does not say what it did not open"
"$sladd" store verify --policy ./policy.toml > said && ! grep -q 'not opened' said || { cat said; fail "verify with the file"; }
"$sladd" store list store | grep -q '  sealed' || fail "list does not say that it is sealed"
printf '[[claim]]\nid = "disk"\nsentence = "Logs lie encrypted."\nclaim = "encrypted_at_rest"\n' > claims.toml
"$sladd" attest --claims claims.toml --policy ./policy.toml --store store > said || { cat said; fail "attest: not true"; }

# Backups: one without keys, one with them. The file is changed: the second is closed too, the store itself goes on.
cp -a store elsewhere/without; rm -r elsewhere/without/keys
cp -a store elsewhere/with
mv wrap.key elsewhere/old.key
(umask 077; head -c 32 /dev/urandom > wrap.key)
"$sladd" key rotate --wrap --old-wrap elsewhere/old.key --policy ./policy.toml > said || { cat said; fail "rotate"; }
grep -q ', and 1 of sealed files' said || { cat said; fail "rotate wrapped another number of keys"; }
"$sladd" store read store --wrap wrap.key 2> /dev/null | sort | cmp - elsewhere/wanted || fail "other lines come back after the file was changed"
for backup in without with; do
  code=0; "$sladd" store read "elsewhere/$backup" --wrap wrap.key > read 2> said || code=$?
  [ "$code" != 0 ] && [ ! -s read ] || { cat said; fail "a backup $backup keys can be read: $code"; }
done
"$sladd" store read elsewhere/with --wrap elsewhere/old.key 2> /dev/null | sort | cmp - elsewhere/wanted || fail "who kept the old file cannot read the backup"

# More lines after the change; then the last day, swept by somebody who has no file.
sed 's/page-/more-/' elsewhere/raw >> log/access.log
"$sladd" sidecar --policy ./policy.toml 2> said & beside=$!
for _ in $(seq 300); do [ "$(size)" -ge "$(wc -c < elsewhere/wanted)" ] && break; sleep 0.1; done
kill "$beside"; wait "$beside" || { cat said; fail "the sidecar did not end well after the change"; }
[ "$("$sladd" store read store --wrap wrap.key 2> /dev/null | wc -l)" = 6000 ] || fail "not 6000 lines"
rm wrap.key
next=$(date -u -d '+1 year' +%Y-%m-%d)
"$sladd" store sweep store --now "$next" > said || { cat said; fail "sweep"; }
grep -q 'gone, and its key before it' said || { cat said; fail "sweep says nothing of keys"; }
[ "$(find store/keys -type f ! -name check | wc -l)" = 0 ] || fail "keys are left"
"$sladd" store verify store > said || { cat said; fail "verify after the sweep"; }
echo "sealed_store: 6000 lines, 2 segments, 2 backups"
