#!/usr/bin/env bash
# What pipe, sidecar and bulk seal is opened by `age` on the machine with the identity, byte for byte and in order; nowhere else does a
# raw value stand. What `age` seals our own identity opens.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d); trap '[ -z "$(jobs -p)" ] || kill $(jobs -p); rm -rf "$work"' EXIT
fail() { echo "seal: $*"; exit 1; }
cd "$work"
# Another machine: only what is printed there comes here.
mkdir -m 700 elsewhere log raw
age-keygen -o elsewhere/identity.txt 2> /dev/null
recipient=$(age-keygen -y elsewhere/identity.txt)
"$sladd" key identity elsewhere/own.txt > own.age1
policy() {
  cat > "$1.toml" <<TOML
base = "hosting"
name = "seal"
version = 1
[source]
malformed = "seal"
[seal]
recipient = ["$recipient", "$(grep -o 'age1[a-z0-9]*' own.age1)"]
directory = "$work/$1"
[state]
directory = "$work/state"
[[input]]
follow = ["$work/log/access.log*"]
[[output]]
file = "$work/out.log"
TOML
}
for front in pipe beside bulk; do policy "$front"; done
line() {
  case $(($1 % 3)) in
    0) printf 'no format %d: kari@example.org from 198.51.100.77 said password=hemmelig\n' "$1" ;;
    1) printf '198.51.100.77 - kari [21/Nov/2026:10:00:00 +0100] "GET /%d HTTP/1.1" 200 %d "-" "curl/8"\n' "$1" "$1" ;;
    2) printf 'nor has this, %d \\x16\\x03 ::ffff:198.51.100.77\r\n' "$1" ;;
  esac
}
for i in $(seq 1 3000); do line "$i"; done > raw/access.log
LC_ALL=C grep -vE '^198' raw/access.log > elsewhere/wanted
count=$(wc -l < elsewhere/wanted)
# All that was sealed, in order: names begin with the time. Two files that bulk reads at once have no order.
opened() { for file in "$1"/*.age; do age -d -i "$2" "$file"; done | if [ "$1" = bulk ]; then sort -V; else cat; fi; }
holds() {
  local wanted=elsewhere/wanted
  [ "$1" != bulk ] || { wanted=elsewhere/sorted; sort -V elsewhere/wanted > $wanted; }
  opened "$1" elsewhere/identity.txt | cmp - $wanted || fail "$1: age does not give back what came"
  opened "$1" elsewhere/own.txt | cmp - $wanted || fail "$1: age does not open it with an identity of ours"
  for file in "$1"/*.age; do
    [ "$(stat -c %a "$file")" = 640 ] || fail "$1: $file is open to others"
    ! age -d -i <(age-keygen 2> /dev/null) "$file" > /dev/null 2>&1 || fail "$1: anybody opens $file"
  done
}

"$sladd" --policy ./pipe.toml < raw/access.log > piped.log 2> piped.said
grep -q " + $count sealed + 0 dropped" piped.said || { cat piped.said; fail "pipe: another account"; }
[ "$(wc -l < piped.log)" = 3000 ] || fail "pipe: one line in is not one line out"
holds pipe

"$sladd" sidecar --policy ./beside.toml 2> beside.said & beside=$!
for part in $(seq 0 150 2850); do sed -n "$((part + 1)),$((part + 150))p" raw/access.log >> log/access.log; sleep 0.1; done
for _ in $(seq 300); do [ "$(wc -l < out.log 2> /dev/null || echo 0)" -ge 3000 ] && break; sleep 0.1; done
kill "$beside"; wait "$beside" || { cat beside.said; fail "sidecar: it did not end well"; }
grep -q " + $count sealed + 0 dropped" beside.said || { cat beside.said; fail "sidecar: another account"; }
holds beside

mkdir old; head -n 1500 raw/access.log > old/1.log; tail -n +1501 raw/access.log | gzip > old/2.log.gz
"$sladd" bulk -q --threads 1 --policy ./bulk.toml --out made old
holds bulk

# Nothing else on this machine shows any of it. The raw log is what an administrator deletes.
rm -r raw log old
if grep -rlaE 'hemmelig|kari@|198\.51\.100\.77|AGE-SECRET' --exclude-dir=elsewhere .; then fail "raw values stand in these files"; fi

# The other way round.
echo 'of age' > elsewhere/plain
age -r "$(grep -o 'age1[a-z0-9]*' own.age1)" -o sealed elsewhere/plain
mkdir -m 700 keys
! "$sladd" key import sealed --identity elsewhere/own.txt --directory keys > said 2>&1 || fail "keys were made of a text"
grep -q 'what was sealed are no keys' said || { cat said; fail "what age sealed was not opened"; }
echo "seal: 3 front ends, $count lines each, opened by age; nothing raw beside"
