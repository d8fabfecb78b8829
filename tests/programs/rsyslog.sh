#!/usr/bin/env bash
# rsyslog hands 2,000 messages to `sladd --reply rsyslog-json` (mmexternal), which gives them back, and to `sladd --reply ok`
# (omprog), which writes them: all arrive, minimised, in their order, also when the helpers are killed half way.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d)
rsyslogd=$(type -P rsyslogd || echo /usr/sbin/rsyslogd)
pid=
stop() { if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; pid=; fi; }
trap 'stop; rm -rf "$work"' EXIT
fail() { echo "rsyslog: $*"; head -5 "$work/rsyslogd.err" "$work/unanswered.log" 2>/dev/null || true; exit 1; }
# Until a file has so many lines.
arrive() { for _ in $(seq 600); do [ "$(cat "$work/$1" 2>/dev/null | wc -l)" -ge "$2" ] && return; sleep 0.1; done; fail "$1: $(cat "$work/$1" 2>/dev/null | wc -l) of $2 lines"; }

python3 - "$work" <<'PY'
import random, sys
work, draw = sys.argv[1], random.Random(7)
planted, lines = set(), []
for n in range(1, 2001):
    ip, user = "%d.%d.%d.%d" % (draw.randrange(11, 90), draw.randrange(256), draw.randrange(256), draw.randrange(1, 255)), "kari%05d" % draw.randrange(10**5)
    planted |= {ip, user + "@example.org"}
    if n % 4 == 0:
        lines.append("<38>Nov 21 10:00:00 host app[7]: n%d mail to %s@example.org from %s" % (n, user, ip))
    else:
        lines.append('<134>Nov 21 10:00:00 host nginx: %s - - [21/Nov/2026:10:00:00 +0100] "GET /n%d?email=%s@example.org HTTP/1.1" 200 5 "-" "curl/8.5.0"' % (ip, n, user))
open(work + "/first", "w").write("".join(line + "\n" for line in lines[:1000]))
open(work + "/second", "w").write("".join(line + "\n" for line in lines[1000:]))
open(work + "/planted", "w").write("".join(word + "\n" for word in sorted(planted)))
PY
cat > "$work/rsyslog.conf" <<CONF
global(workDirectory="$work" maxMessageSize="16k")
module(load="imptcp")
module(load="mmexternal")
module(load="omprog")
template(name="given_back" type="string" string="%syslogtag%%msg%|%rawmsg%|%\$!sladd%\n")
template(name="handed_over" type="string" string="%msg:2:\$%\n")
ruleset(name="both") {
  action(type="omprog" template="handed_over" confirmMessages="on" reportFailures="on" action.resumeRetryCount="-1" action.resumeInterval="1"
         binary="$sladd pipe --reply ok --quiet --reference-time 2026-11-21T10:00:00Z --output $work/over.log")
  action(type="mmexternal" binary="$sladd pipe --reply rsyslog-json --reference-time 2026-11-21T10:00:00Z")
  # A message that no helper answered stays as it came; only the mark tells.
  if (\$!sladd == "minimised") then {
    action(type="omfile" file="$work/back.log" template="given_back")
  } else {
    action(type="omfile" file="$work/unanswered.log" template="given_back")
  }
}
input(type="imptcp" path="$work/socket" ruleset="both")
CONF
"$rsyslogd" -N1 -f "$work/rsyslog.conf" > "$work/rsyslogd.err" 2>&1 || fail "the configuration: $(cat "$work/rsyslogd.err")"
"$rsyslogd" -n -f "$work/rsyslog.conf" -i "$work/pid" > "$work/rsyslogd.err" 2>&1 & pid=$!
for _ in $(seq 300); do [ -S "$work/socket" ] && break; sleep 0.1; done
tell() { python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(open(sys.argv[2], "rb").read()); s.close()' "$work/socket" "$work/$1"; }

begun=$(date +%s%N); tell first; arrive back.log 1000; arrive over.log 1000
took=$(( ($(date +%s%N) - begun) / 1000000 ))
# The helpers die, one at once and one when asked; rsyslog starts others for the next message.
mapfile -t helpers < <(pgrep -P "$pid" -f -- '--reply')
[ "${#helpers[@]}" -ge 2 ] || fail "${#helpers[@]} helpers"
kill -KILL "${helpers[0]}"; kill -TERM "${helpers[@]:1}"
for helper in "${helpers[@]}"; do
  for _ in $(seq 300); do case $(cut -d ' ' -f 3 "/proc/$helper/stat" 2>/dev/null || echo Z) in Z) break;; esac; sleep 0.1; done
done
tell second; arrive back.log 2000; arrive over.log 2000
stop

[ ! -e "$work/unanswered.log" ] || fail "$(wc -l < "$work/unanswered.log") messages were not answered"
for log in back over; do
  [ "$(wc -l < "$work/$log.log")" = 2000 ] || fail "$log: $(wc -l < "$work/$log.log") lines"
  if grep -qFf "$work/planted" "$work/$log.log"; then fail "$log: an identifier is left"; fi
  diff <(grep -oE '(^|[/ :])n[0-9]+' "$work/$log.log" | tr -d '/ :' | awk '!seen[$0]++') <(seq 2000 | sed 's/^/n/') > "$work/diff" || fail "$log: another order: $(head -4 "$work/diff")"
  [ "$(grep -c 'class=security_log until=2027-05-21' "$work/$log.log")" = 2000 ] || fail "$log: no tag"
done
# The message is given back behind its tag, with its blank; that nothing of it is left in the raw one was looked for above.
grep -qE '^nginx: [0-9.]+\.0 - - \[21/Nov/2026:10:00:00 \+0100\] "GET /n1\?email= HTTP/1.1" 200 5 "-" "curl/8" "class=' "$work/back.log" || fail "back: $(head -1 "$work/back.log")"
[ "$(stat -c %a "$work/over.log")" = 640 ] || fail "over: mode $(stat -c %a "$work/over.log")"
echo "rsyslog: 2,000 messages through mmexternal and 2,000 through omprog, helpers killed half way; the first 1,000 through both took $took ms"
