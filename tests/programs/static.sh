#!/usr/bin/env bash
# The release recipe: one static binary that needs nothing, not even a libc, and starts in an empty root, where it knows the
# time zones too.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash samples/deploy/build-static.sh >/dev/null
binary=${CARGO_TARGET_DIR:-target}/x86_64-unknown-linux-gnu/release/sladd
case "$(ldd "$binary" 2>&1)" in *"statically linked"*|*"not a dynamic executable"*) ;; *) echo "not static:"; ldd "$binary"; exit 1;; esac
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
cp "$binary" "$root/sladd"
line='192.0.2.77 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8.5.0"'
minimised() { printf '%s\n' "$line" | chroot "$root" /sladd -q "$@"; }
case "$(minimised)" in '192.0.2.0 - - '*'"class=security_log until=2027-05-21 policy=hosting/'*) ;; *) echo "wrong output in an empty root"; exit 1;; esac
cat > "$root/zone.toml" <<'TOML'
base = "hosting"
name = "zone"
version = 1
[source]
format = "nginx:$remote_addr [$time_local] $status"
zone = "Europe/Oslo"
TOML
chroot "$root" /sladd check /zone.toml > /dev/null || { echo "no time zones in an empty root"; exit 1; }
echo "static: ldd says so, and it works in an empty root, time zones included ($(stat -c %s "$binary") bytes)"
