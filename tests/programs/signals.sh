#!/usr/bin/env bash
# Signals, stalls, interrupted and short writes, latency and memory of a running pipe.
set -euo pipefail
sladd=$(realpath "$1"); here=$(dirname "$(realpath "$0")"); work=$(mktemp -d)
trap 'for p in $(jobs -p); do kill -KILL $p 2>/dev/null || true; done; rm -rf "$work"' EXIT
seq 400000 | sed 's|.*|203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] "GET /a/b.html HTTP/1.1" 200 & "-" "curl/8.5.0"|' > "$work/big.log"
fail() { echo "signals: $*"; exit 1; }
lines() { wc -l < "$1"; }

# SIGTERM drains what is in the pipe: nothing that was written before it, or until the writer closes, is lost.
mkfifo "$work/in"
"$sladd" --summary json -o "$work/out.log" < "$work/in" 2> "$work/sum" & pid=$!
exec 7> "$work/in"; head -1000 "$work/big.log" >&7; sleep 0.3; kill -TERM $pid; head -500 "$work/big.log" >&7; exec 7>&-
wait $pid || fail "SIGTERM: exit code $?"
[ "$(lines "$work/out.log")" = 1500 ] || fail "SIGTERM: $(lines "$work/out.log") of 1500 lines"
grep -q '"lines":1500,"minimised":1500' "$work/sum" || fail "SIGTERM: $(cat "$work/sum")"

# A writer that never closes: the deadline of 5 seconds ends the run, and what it wrote meanwhile is there.
for signal in INT TERM; do
  rm -f "$work/in" "$work/out2.log"; mkfifo "$work/in"; exec 7<> "$work/in"
  "$sladd" -q -o "$work/out2.log" < "$work/in" & pid=$!
  head -10 "$work/big.log" >&7; sleep 0.7; [ "$(lines "$work/out2.log")" = 10 ] || fail "a line waits while the input pauses"
  kill -$signal $pid; begun=$(date +%s%N); sleep 1; head -10 "$work/big.log" >&7
  wait $pid || fail "SIG$signal: exit code $?"; took=$(( ($(date +%s%N) - begun) / 1000000 ))
  [ $took -ge 4500 ] && [ $took -le 6500 ] || fail "SIG$signal: the deadline took $took ms"
  [ "$(lines "$work/out2.log")" = 20 ] || fail "SIG$signal: $(lines "$work/out2.log") of 20 lines"
  exec 7>&-
done

# SIGUSR1 reopens the output file.
rm "$work/in"; mkfifo "$work/in"
"$sladd" -q -o "$work/rot.log" < "$work/in" & pid=$!
exec 7> "$work/in"; head -5 "$work/big.log" >&7; sleep 0.5; mv "$work/rot.log" "$work/rot.log.1"; kill -USR1 $pid; sleep 0.5; head -7 "$work/big.log" >&7; exec 7>&-
wait $pid; [ "$(lines "$work/rot.log.1") $(lines "$work/rot.log")" = "5 7" ] || fail "USR1: $(lines "$work/rot.log.1") $(lines "$work/rot.log")"

# EINTR is invisible, on a file and on standard output.
"$sladd" -q < "$work/big.log" > "$work/plain.out"
head -3000 "$work/big.log" > "$work/small.log"; head -3000 "$work/plain.out" > "$work/small.want"
# The loader reads each library once, and gives up where that is interrupted: those reads are not ours.
first=$(( $(ldd "$sladd" | grep -c '=> /') + 1 ))
eintr() { strace -f -qq -o "$work/trace" -e trace=read,write,poll,ppoll -e inject=read,write,poll,ppoll:error=EINTR:when=$first+2 "$@"; }
cat "$work/small.log" | eintr "$sladd" -q > "$work/small.out" || fail "EINTR: exit code $?"
cmp "$work/small.want" "$work/small.out" || fail "EINTR changes the output"
cat "$work/small.log" | eintr "$sladd" -q -o "$work/small.file" || fail "EINTR with a file: exit code $?"
cmp "$work/small.want" "$work/small.file" || fail "EINTR changes the file"
[ "$(grep -c 'EINTR.*INJECTED' "$work/trace")" -ge 5 ] || fail "EINTR: not injected"

# Short writes, latency, stalls: measured by a program that holds both ends.
python3 "$here/stalls.py" "$sladd" "$work"

# A full disk is an error with its code and one clear word.
full() { set +e; "$@" 2> "$work/err"; code=$?; set -e; [ $code = 74 ] || fail "full disk: exit code $code"
  grep -q 'cannot write .*No space left on device' "$work/err" || fail "full disk: $(cat "$work/err")"; }
full "$sladd" -q < "$work/small.log" > /dev/full
mkdir "$work/tiny"; if mount -t tmpfs -o size=256k tmpfs "$work/tiny" 2>/dev/null; then
  full "$sladd" -q -o "$work/tiny/out.log" < "$work/big.log"
  # What was written is what should have been, and the next run starts a line of its own.
  cmp -n "$(stat -c %s "$work/tiny/out.log")" "$work/tiny/out.log" "$work/plain.out" || fail "full disk: other bytes"
  umount "$work/tiny"
else echo "!!! signals: no tmpfs can be mounted here; the full disk is /dev/full alone"; fi

# A reader that goes away is the end, without a word.
set +e; "$sladd" < "$work/big.log" 2> "$work/err" | head -1 > /dev/null; codes=("${PIPESTATUS[@]}"); set -e
[ "${codes[0]}" = 0 ] || fail "EPIPE: exit code ${codes[0]}"
if grep . "$work/err"; then fail "EPIPE: a word"; fi

# Memory stays where it is: usual lines, lines of 64 KiB, one line without end, a stalled reader.
python3 - "$work" <<'PY'
import random, sys
work, draw = sys.argv[1], random.Random(5)
def word(n): return "".join(draw.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(n))
with open(work + "/mixed.log", "w") as f:
    for i in range(120000):
        f.write('%d.%d.%d.%d - %s [21/Nov/2026:10:00:00 +0100] "GET /%s?q=%s HTTP/1.1" 200 5 "https://%s.example.org/%s" "Mozilla/5.0 (%s) Firefox/%d.0"\n'
            % (draw.randrange(1, 224), i % 256, i // 256 % 256, i % 251, word(8), word(12), word(9), word(7), word(5), word(20), i % 200))
with open(work + "/wide.log", "w") as f:
    head, tail = '203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] "GET /', ' HTTP/1.1" 200 5 "-" "curl/8.5.0"\n'
    for i in range(1200):
        unit = ["a/", "%40", "203.0.113.9/", "x@example.org/", "?a=b&", "0123456789abcdef", ":", "&idfa=AEBE52E7-03EE-455A-B3C4-E57283966239"][i % 8]
        body = "?q=1" * (unit[0] == "&") + unit * 70000
        f.write(head + body[: 65536 - len(head) - len(tail) - i % 2] + tail)
PY
peak() { # what it is, the input, arguments
  local what=$1 input=$2; shift 2
  /usr/bin/time -f %M -o "$work/peak" "$sladd" -q "$@" < "$input" > /dev/null || fail "$what: exit code $?"
  local peak; peak=$(tail -1 "$work/peak"); [ "$peak" -le 32768 ] || fail "peak memory $peak KiB: $what $*"
  [ "$peak" -le "$most" ] || most=$peak
}
most=0
for args in "" "--policy minimal" "--policy strict" "--encode json" "--format text"; do
  for input in big mixed wide; do peak "$input" "$work/$input.log" $args; done
  peak "a line without end" <(head -c 300000000 /dev/zero | tr '\0' a) $args
done
for stall in block shed; do
  for input in big wide; do
    mkfifo "$work/unread"; sleep 600 < "$work/unread" & reader=$!
    "$sladd" --on-stall $stall -q < "$work/$input.log" > "$work/unread" & pid=$!
    sleep 1.5; peak=$(awk '/VmHWM/ { print $2 }' /proc/$pid/status 2>/dev/null || echo 0)
    kill $reader; wait $pid || fail "$stall: exit code $?"; rm "$work/unread"
    [ "$peak" -le 32768 ] || fail "peak memory $peak KiB while the output stalls ($stall, $input)"
    [ "$peak" -le "$most" ] || most=$peak
  done
done
echo "signals: TERM, INT, USR1, EINTR, short writes, full disk, EPIPE, stalls and trickle as promised; peak memory $most KiB"
