#!/usr/bin/env bash
# syslog_ng.sh SLADD: syslog-ng sends 2,000 messages each to a sidecar by UDP, TCP with lines, TCP with counts (RFC 5424), a unix
# stream and unix datagrams: all come out, once, minimised. Then a sidecar sends to syslog-ng by TCP, TLS and unix datagrams, over a
# restart of it: every record stands in its files, under its name, and its parser reads each field as it was meant.
#
# Debian's syslog-ng-core cannot be installed beside rsyslog. Where it is not on the PATH it is unpacked below the target directory.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d); chmod 755 "$work"
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
declare -A pids=()
stop() { for name in "${!pids[@]}"; do kill "${pids[$name]}" 2>/dev/null || true; done; wait 2>/dev/null || true; }
trap 'stop; rm -rf "$work"' EXIT
fail() { echo "syslog-ng: $*"; tail -n 4 "$work"/*.err 2>/dev/null || true; exit 1; }
until_true() { for _ in $(seq 900); do "$@" && return; sleep 0.1; done; fail "waited for: $*"; }

# unpack PACKAGE...: into the cache, without installing them.
unpack() {
  local at=$target/syslog-ng; mkdir -p "$at/debs" "$at/root"
  (cd "$at/debs" && apt-get download -qq "$@") > "$work/apt.err" 2>&1 || return 1
  for deb in "$at"/debs/*.deb; do dpkg -x "$deb" "$at/root"; done
  rm -f "$at"/debs/*.deb
}
lacks() { LD_LIBRARY_PATH=$libraries ldd "$binary" "$modules"/libafsocket.so "$modules"/libaffile.so "$modules"/libsyslogformat.so 2>/dev/null | awk '/not found/ { print $1 }' | sort -u; }
modules=; libraries=${LD_LIBRARY_PATH:-}
if binary=$(type -P syslog-ng); then
  own=()
else
  root=$target/syslog-ng/root; binary=$root/usr/sbin/syslog-ng
  [ -x "$binary" ] || unpack syslog-ng-core || { apt-get update -qq && unpack syslog-ng-core; } || fail "it cannot be fetched"
  modules=$(echo "$root"/usr/lib/syslog-ng/[0-9]*)
  libraries=$root/usr/lib/syslog-ng:$root/usr/lib/$(uname -m)-linux-gnu:$root/lib/$(uname -m)-linux-gnu${libraries:+:$libraries}
  if [ -n "$(lacks)" ]; then
    mapfile -t needs < <(apt-cache depends --no-recommends --no-suggests syslog-ng-core | awk '$1 == "Depends:" && $2 ~ /^lib/ { print $2 }')
    unpack "${needs[@]}" || fail "its libraries cannot be fetched"
    [ -z "$(lacks)" ] || fail "it lacks $(lacks | tr '\n' ' ')"
  fi
  own=(--module-path "$modules")
fi
read -r udp lines counts tcp tls < <(python3 - <<'PY'
import socket
open_ = [socket.socket() for _ in range(5)]
for s in open_: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in open_])
PY
)
# ng NAME, with its configuration in NAME.conf; all that it keeps is its own.
ng() {
  LD_LIBRARY_PATH=$libraries "$binary" "${own[@]}" --foreground --no-caps -f "$work/$1.conf" --persist-file "$work/$1.persist" --control "$work/$1.ctl" \
    --pidfile "$work/$1.pid" >> "$work/$1.err" 2>&1 & pids[$1]=$!
}
begin() { : > "$work/$1.err"; "$sladd" sidecar --policy "$work/$1.toml" 2>> "$work/$1.err" & pids[$1]=$!; until_true grep -q "state in" "$work/$1.err"; }
end() { kill -TERM "${pids[$1]}"; wait "${pids[$1]}" || fail "$1 ended with $?"; unset "pids[$1]"; }
version=$(LD_LIBRARY_PATH=$libraries "$binary" "${own[@]}" --version 2> "$work/version.err" | head -1) || fail "it does not start"
header="@version: $(grep -oE '[0-9]+\.[0-9]+' <<< "$version" | head -1)"

# Half of them access lines, half free text; each is told by its number, and all plant somebody.
python3 - "$work" <<'PY'
import random, sys
work, draw = sys.argv[1], random.Random(7)
planted, messages, access = set(), [], []
for n in range(2000):
    ip, user = "%d.%d.%d.%d" % (draw.randrange(11, 90), draw.randrange(256), draw.randrange(256), draw.randrange(1, 255)), "kari%05d" % draw.randrange(10**5)
    planted |= {ip, user}
    line = '%s - - [21/Nov/2026:10:00:00 +0100] "GET /n%dx?email=%s@example.org HTTP/1.1" 200 5 "-" "curl/8.5.0"' % (ip, n, user)
    access.append(line)
    messages.append("<134>Nov 21 10:00:00 host app[7]: " + (line if n % 2 else "mail to %s@example.org from %s, see /n%dx" % (user, ip, n)))
open(work + "/messages", "w").write("".join(line + "\n" for line in messages))
open(work + "/access", "w").write("".join(line + "\n" for line in access))
open(work + "/planted", "w").write("".join(word + "\n" for word in sorted(planted)))
PY
nobody() { if grep -rqFf "$work/planted" "$@"; then fail "somebody is left in $(grep -rlFf "$work/planted" "$@" | head -3 | tr '\n' ' ')"; fi; }
# marks FILE [WAY]: the numbers that came this way, as often as they stand there.
marks() { grep -E "${2:-}" "$work/$1" 2>/dev/null | grep -oE '/n[0-9]+x' | sort || true; }

# It sends.
ways=(byudp bylines bycounts bystream bydgram)
{
  printf 'base = "hosting"\nname = "example-host"\nversion = 1\n[state]\ndirectory = "%s/takes.state"\n[status]\nlisten = "%s/status.sock"\n' "$work" "$work"
  for at in "udp:127.0.0.1:$udp" "tcp:127.0.0.1:$lines" "tcp:127.0.0.1:$counts" "unix-stream:$work/stream.sock" "unix-datagram:$work/dgram.sock"; do printf '[[input]]\nsyslog = "%s"\n' "$at"; done
  printf '[[output]]\nfile = "%s/takes.log"\n' "$work"
} > "$work/takes.toml"
{
  printf '%s\noptions { keep-hostname(yes); use-dns(no); stats-freq(0); };\nsource all { file("%s/messages" follow-freq(1) read-old-records(yes)); };\n' "$header" "$work"
  printf 'destination byudp { network("127.0.0.1" port(%s) transport("udp")); };\ndestination bylines { network("127.0.0.1" port(%s) transport("tcp")); };\n' "$udp" "$lines"
  printf 'destination bycounts { syslog("127.0.0.1" port(%s) transport("tcp")); };\n' "$counts"
  printf 'destination bystream { unix-stream("%s/stream.sock"); };\ndestination bydgram { unix-dgram("%s/dgram.sock"); };\n' "$work" "$work"
  for way in "${ways[@]}"; do printf 'rewrite %s { set("%s" value("PROGRAM")); };\nlog { source(all); rewrite(%s); destination(%s); flags(flow-control); };\n' "$way" "$way" "$way" "$way"; done
} > "$work/sends.conf"
"$sladd" check "$work/takes.toml" > /dev/null || fail "the policy"
begin takes; ng sends
metric() { curl -sf --unix-socket "$work/status.sock" http://localhost/metrics | awk -v name="$1" 'index($0, name) == 1 { sum += $NF } END { print sum + 0 }'; }
taken() { [ "$(marks takes.log | wc -l)" -ge "$((10000 - $(metric sladd_input_lost_datagrams_total)))" ]; }
until_true taken
lost=$(metric sladd_input_lost_datagrams_total)
end sends; end takes
for way in "${ways[@]}"; do
  came=$(marks takes.log "$way" | wc -l); once=$(marks takes.log "$way" | uniq | wc -l)
  [ "$came" = "$once" ] || fail "$way: $((came - once)) messages came twice"
  [ "$once" = 2000 ] || { [ "$way" = byudp ] && [ "$((once + lost))" = 2000 ]; } || fail "$way: $once of 2,000 messages, $lost datagrams counted as lost"
done
nobody "$work/takes.log" "$work/takes.state" "$work/takes.err"

# It takes.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=sladd-test -addext subjectAltName=IP:127.0.0.1,DNS:localhost \
  -addext basicConstraints=critical,CA:FALSE -keyout "$work/key.pem" -out "$work/cert.pem" 2> "$work/openssl.err" || fail "a certificate"
fields='$PRI|$FACILITY|$LEVEL|$HOST|$PROGRAM|$PID|$R_ISODATE|$ISODATE|${.SDATA.sladd@32473.id}|$MSG\n'
{
  printf '%s\noptions { keep-hostname(yes); use-dns(no); stats-freq(0); time-zone("UTC"); };\n' "$header"
  printf 'source tcp { syslog(ip("127.0.0.1") port(%s) transport("tcp")); };\n' "$tcp"
  printf 'source tls { syslog(ip("127.0.0.1") port(%s) transport("tls") tls(key-file("%s/key.pem") cert-file("%s/cert.pem") peer-verify(optional-untrusted))); };\n' "$tls" "$work" "$work"
  printf 'source dgram { unix-dgram("%s/ng.sock" flags(syslog-protocol) so-rcvbuf(1048576)); };\n' "$work"
  for way in tcp tls dgram; do printf 'destination %s { file("%s/%s.log" template("%s")); };\nlog { source(%s); destination(%s); flags(flow-control); };\n' "$way" "$work" "$way" "$fields" "$way" "$way"; done
} > "$work/receives.conf"
mkdir "$work/in"
cat > "$work/gives.toml" <<CONF
base = "hosting"
name = "example-host"
version = 1
[state]
directory = "$work/gives.state"
[[input]]
follow = ["$work/in/access.log"]
[[output]]
file = "$work/gives.log"
[[output]]
syslog = "tcp:127.0.0.1:$tcp"
enterprise = 32473
[[output]]
syslog = "tls:127.0.0.1:$tls"
ca = "$work/cert.pem"
enterprise = 32473
[[output]]
syslog = "unix-datagram:$work/ng.sock"
enterprise = 32473
CONF
"$sladd" check "$work/gives.toml" > /dev/null || fail "the policy that sends"
ng receives; until_true test -S "$work/ng.sock"; begin gives
all() { for way in tcp tls dgram; do [ "$(marks "$way.log" | uniq | wc -l)" -ge "$1" ] || return 1; done; }
stands() { [ "$(wc -l < "$work/gives.log")" -ge "$1" ]; }
head -600 "$work/access" >> "$work/in/access.log"; until_true all 600
# While it is restarted lines go on; then it is gone for good for a while, by a kill.
(for part in 601,800 801,1000 1001,1200; do sed -n "${part}p" "$work/access" >> "$work/in/access.log"; sleep 0.2; done) & writer=$!
end receives; sleep 0.3; ng receives; wait $writer; until_true all 1200
kill -KILL "${pids[receives]}"; wait "${pids[receives]}" 2> /dev/null || true; unset "pids[receives]"
sed -n 1201,1600p "$work/access" >> "$work/in/access.log"
until_true stands 1600
rm -f "$work/ng.sock"; ng receives; until_true all 1600
sed -n 1601,2000p "$work/access" >> "$work/in/access.log"; until_true all 2000
end gives; end receives
nobody "$work"/gives.log "$work"/gives.state "$work"/gives.err "$work"/tcp.log "$work"/tls.log "$work"/dgram.log
python3 - "$work" "$(hostname)" <<'PY' || fail "what it parsed"
import re, sys
work, host = sys.argv[1:]
records = [line.rstrip("\n") for line in open(work + "/gives.log")]
number = lambda text: int(re.search(r"/n(\d+)x", text)[1])
made = {number(record): record for record in records}
if len(records) != 2000 or len(made) != 2000: sys.exit("%d records in our file" % len(records))
names, again = {}, []
for way in ("tcp", "tls", "dgram"):
    got, lines = {}, [line.rstrip("\n") for line in open("%s/%s.log" % (work, way), errors="replace")]
    for line in lines:
        pri, facility, level, sender, app, pid, received, stamp, name, message = line.split("|", 9)
        if (pri, facility, level, sender, app, pid) != ("134", "local0", "info", host, "sladd", ""): sys.exit("%s: fields: %r" % (way, line[:120]))
        if not re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)", stamp) or stamp[:4] != received[:4]: sys.exit("%s: time: %r" % (way, stamp))
        if not re.fullmatch(r"[0-9a-f]+-[0-9]+", name): sys.exit("%s: name: %r" % (way, name))
        n = number(message)
        if message != made[n]: sys.exit("%s: another record: %r" % (way, message[:200]))
        if got.setdefault(n, name) != name: sys.exit("%s: two names for one record" % way)
    if len(got) != 2000: sys.exit("%s: %d of 2,000 records" % (way, len(got)))
    if len(set(got.values())) != 2000: sys.exit("%s: %d names" % (way, len(set(got.values()))))
    if names.setdefault("all", got) != got: sys.exit("%s: other names than at another receiver" % way)
    again.append("%d by %s" % (len(lines) - 2000, way))
print("; a second time came, over a restart and a kill, " + ", ".join(again))
PY
echo "syslog-ng: ${version}: 10,000 messages of it ($lost of UDP counted as lost), 2,000 records to it by each of three ways"
