#!/usr/bin/env bash
# Signals, stalls, short writes and memory of a running pipe.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
line='203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] "GET /a/b.html HTTP/1.1" 200 5 "-" "curl/8.5.0"'
yes "$line" 2>/dev/null | head -400000 > "$work/big.log" || true
fail() { echo "signals: $*"; exit 1; }

# SIGTERM drains what is in the pipe: nothing that was written before it is lost.
mkfifo "$work/in"
"$sladd" --summary json -o "$work/out.log" < "$work/in" 2> "$work/sum" & pid=$!
exec 7> "$work/in"; head -1000 "$work/big.log" >&7; sleep 0.3; kill -TERM $pid; head -500 "$work/big.log" >&7 || true; exec 7>&-
wait $pid || fail "SIGTERM: exit code $?"
[ "$(wc -l < "$work/out.log")" = 1500 ] || fail "SIGTERM: $(wc -l < "$work/out.log") of 1500 lines"

# A writer that never closes: the deadline ends the run.
rm "$work/in"; mkfifo "$work/in"; exec 7<> "$work/in"
"$sladd" -q -o "$work/out2.log" < "$work/in" & pid=$!
head -10 "$work/big.log" >&7; sleep 0.3; [ "$(wc -l < "$work/out2.log")" = 10 ] || fail "a line waits while the input pauses"
kill -INT $pid; SECONDS=0; wait $pid || fail "SIGINT: exit code $?"; [ $SECONDS -le 8 ] || fail "SIGINT: took $SECONDS s"
exec 7>&-

# SIGUSR1 reopens the output file.
rm "$work/in"; mkfifo "$work/in"
"$sladd" -q -o "$work/rot.log" < "$work/in" & pid=$!
exec 7> "$work/in"; head -5 "$work/big.log" >&7; sleep 0.3; mv "$work/rot.log" "$work/rot.log.1"; kill -USR1 $pid; sleep 0.3; head -7 "$work/big.log" >&7; exec 7>&-
wait $pid; [ "$(wc -l < "$work/rot.log.1") $(wc -l < "$work/rot.log")" = "5 7" ] || fail "USR1"

# EINTR and short writes are invisible.
"$sladd" -q < "$work/big.log" > "$work/plain.out"
head -3000 "$work/big.log" > "$work/small.log"; head -3000 "$work/plain.out" > "$work/small.want"
strace -f -qq -o /dev/null -e trace=read,write,writev -e inject=read,write:error=EINTR:when=3+7 "$sladd" -q < "$work/small.log" > "$work/small.out" || fail "EINTR: exit code $?"
cmp "$work/small.want" "$work/small.out" || fail "EINTR changes the output"

# A full disk is an error with its code, and no partial line is left behind but the last.
mkdir "$work/tiny"; if mount -t tmpfs -o size=256k tmpfs "$work/tiny" 2>/dev/null; then
  set +e; "$sladd" -q -o "$work/tiny/out.log" < "$work/big.log" 2> "$work/err"; code=$?; set -e
  umount "$work/tiny"
  [ $code = 74 ] || fail "full disk: exit code $code"; grep -q 'cannot write' "$work/err" || fail "full disk: $(cat "$work/err")"
fi

# Memory stays where it is.
for args in "" "--policy minimal" "--encode json"; do
  peak=$( { /usr/bin/time -f %M "$sladd" -q $args < "$work/big.log" > /dev/null; } 2>&1 | tail -1)
  [ "$peak" -le 32768 ] || fail "peak memory $peak KiB with '$args'"
done

# A stalled reader under shed: the writer is done long before the reader.
mkfifo "$work/stall"; sleep 20 < "$work/stall" & sleeper=$!
SECONDS=0; "$sladd" --on-stall shed --summary json < "$work/big.log" > "$work/stall" 2> "$work/shed" & pid=$!
sleep 3; kill $sleeper; wait $pid || true; [ $SECONDS -lt 15 ] || fail "shed waits"
python3 - "$work/shed" <<'PY'
import json, sys
s = json.load(open(sys.argv[1]))
assert s["lines"] == 400000 == s["minimised"] + s["scrubbed"] + s["sealed"] + s["dropped"], s
assert s["shed"] > 0, s
PY
# An idle pipe costs next to nothing.
rm -f "$work/in"; mkfifo "$work/in"; exec 7<> "$work/in"; "$sladd" -q < "$work/in" > /dev/null & pid=$!
for i in 1 2 3 4 5 6 7 8 9 10; do echo "$line" >&7; sleep 0.2; done
ticks=$(awk '{print $14+$15}' /proc/$pid/stat); kill -KILL $pid; exec 7>&-
[ "$ticks" -le 20 ] || fail "a trickle costs $ticks ticks in 2 s"
echo "signals: TERM, INT, USR1, EINTR, full disk, memory, shed and trickle as promised"
