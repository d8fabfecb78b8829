#!/usr/bin/env bash
# nginx writes combined, a custom format and escape=json into sladd under load: every request is in the minimised logs,
# no client address is. Then an output that nobody reads: nginx answers as before, and what is shed is counted.
set -euo pipefail
sladd=$(realpath "$1")
work=$(mktemp -d); chmod 755 "$work"
stop() { if [ -f "$work/nginx.pid" ]; then kill "$(cat "$work/nginx.pid")" 2>/dev/null || true; fi; }
trap 'stop; for p in $(jobs -p); do kill $p 2>/dev/null || true; done; rm -rf "$work"' EXIT
mkdir "$work/html"; echo hello > "$work/html/index.html"
custom='$remote_addr "$http_x_forwarded_for" [$time_iso8601] $host "$request" $status $body_bytes_sent $request_time "$http_referer" "$http_user_agent" "$http_cookie"'
json='{"remote_addr":"$remote_addr","xff":"$http_x_forwarded_for","time":"$time_iso8601","request":"$request","status":$status,"body_bytes_sent":$body_bytes_sent,"request_time":$request_time,"http_referer":"$http_referer","http_user_agent":"$http_user_agent","cookie":"$http_cookie"}'
cat > "$work/nginx.conf" <<CONF
user root;
pid $work/nginx.pid; worker_processes 2;
events { worker_connections 256; }
http {
  log_format custom '$custom';
  log_format json escape=json '$json';
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  access_log $work/combined.fifo combined; access_log $work/custom.fifo custom; access_log $work/json.fifo json;
  keepalive_requests 1000000;
  server { listen 127.0.0.1:18080; server_name example.org; root $work/html; }
}
CONF
cat > "$work/load.py" <<'PY'
# Requests from several connections at once; answers how many, and the longest wait for an answer in milliseconds.
import http.client, random, sys, threading, time
each = int(sys.argv[1])
for attempt in range(100):
    try:
        http.client.HTTPConnection("127.0.0.1", 18080).connect(); break
    except OSError: time.sleep(0.1)
ips = ["203.0.113.%d" % i for i in range(1, 200)] + ["8.8.8.%d" % i for i in range(1, 50)]
agents = ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "curl/8.5.0", "evil\" 10.11.12.13 \"x", "\\\\ \\x22 10.11.12.14"]
paths = ["/", "/index.html", "/missing?email=ola%40example.org&device_id=AEBE52E7-03EE-455A-B3C4-E57283966239", "/u/81.2.69.160/x", "/x%22y", "/" + "long/" * 800]
waits, bad = [], []
def client(seed):
    draw, longest = random.Random(seed), 0
    c = http.client.HTTPConnection("127.0.0.1", 18080, timeout=20)
    try:
        for i in range(each):
            begun = time.monotonic()
            c.request(draw.choice(["GET", "GET", "HEAD"]), draw.choice(paths), headers={"X-Forwarded-For": draw.choice(ips), "User-Agent": draw.choice(agents),
                      "Referer": "https://shop.example.com/basket?user=kari.nordmann@example.org", "Cookie": "PHPSESSID=0a1b2c3d4e5f60718293a4b5c6d7e8f9"})
            c.getresponse().read()
            longest = max(longest, time.monotonic() - begun)
    except Exception as error: bad.append(error)
    waits.append(longest)
clients = [threading.Thread(target=client, args=(seed,)) for seed in range(8)]
[t.start() for t in clients]; [t.join() for t in clients]
if bad: sys.exit("load: %r" % bad[0])
print(8 * each, int(max(waits) * 1000))
PY
fail=0
start() {
  for name in combined custom json; do rm -f "$work/$name.fifo"; mkfifo "$work/$name.fifo"; done
}
quit() { kill -QUIT "$(cat "$work/nginx.pid")"; wait "$@" || { echo "nginx: sladd ended with $?"; fail=1; }; }

start
# shed: a stalled disk must never stop the web server.
"$sladd" --on-stall shed --format combined --summary json -o "$work/combined.log" < "$work/combined.fifo" 2> "$work/combined.sum" & a=$!
"$sladd" --on-stall shed --format "nginx:$custom" --summary json -o "$work/custom.log" < "$work/custom.fifo" 2> "$work/custom.sum" & b=$!
"$sladd" --on-stall shed --format json --summary json -o "$work/json.log" < "$work/json.fifo" 2> "$work/json.sum" & c=$!
nginx -c "$work/nginx.conf" -e "$work/error.log"
read -r sent waited < <(python3 "$work/load.py" 1500) || { cat "$work/error.log"; exit 1; }
quit $a $b $c
for name in combined custom json; do
  lines=$(wc -l < "$work/$name.log")
  [ "$lines" = "$sent" ] || { echo "$name: $lines of $sent lines"; cat "$work/$name.sum"; fail=1; }
  grep -q '"unmatched":0' "$work/$name.sum" || { echo "$name: lines that fitted no format:"; cat "$work/$name.sum"; fail=1; }
  if grep -nE '203\.0\.113\.[1-9]|8\.8\.8\.[1-9]|81\.2\.69\.160|10\.11\.12\.1[34]|ola(%40|@)|kari|AEBE52E7|0a1b2c3d4e5f' "$work/$name.log" | head -3 | cut -c1-300 | grep .; then echo "$name: an identifier came out"; fail=1; fi
  tagged=$(grep -c 'class=security_log\|"class":"security_log"' "$work/$name.log") || true
  [ "$tagged" = "$sent" ] || { echo "$name: $((sent - tagged)) records without tag"; fail=1; }
done
python3 - "$work/json.log" <<'PY' || { echo "json: a line is no object"; fail=1; }
import json, sys
for line in open(sys.argv[1], encoding="utf-8"): json.loads(line)
PY

# Nobody reads what sladd writes.
start; mkfifo "$work/stalled"; sleep 600 < "$work/stalled" & reader=$!
"$sladd" --on-stall shed --format combined --summary json < "$work/combined.fifo" > "$work/stalled" 2> "$work/stalled.sum" & a=$!
"$sladd" -q --on-stall shed --format "nginx:$custom" < "$work/custom.fifo" > /dev/null & b=$!
"$sladd" -q --on-stall shed --format json < "$work/json.fifo" > /dev/null & c=$!
nginx -c "$work/nginx.conf" -e "$work/error.log"
read -r stalled longest < <(python3 "$work/load.py" 3000) || { cat "$work/error.log"; exit 1; }
kill -QUIT "$(cat "$work/nginx.pid")"; sleep 1; kill $reader; wait $a $b $c || { echo "stalled: sladd ended with $?"; fail=1; }
python3 - "$work/stalled.sum" "$stalled" <<'PY' || fail=1
import json, sys
s, sent = json.load(open(sys.argv[1])), int(sys.argv[2])
if s["lines"] != sent or s["lines"] != s["minimised"] + s["scrubbed"] + s["sealed"] + s["dropped"] or not s["shed"]:
    sys.exit("stalled: %d requests, %r" % (sent, s))
PY
# The wait holds the scheduler's own delays on a busy machine, and two stalls of 40 ms at most.
[ "$longest" -le 500 ] || { echo "stalled: an answer took $longest ms"; fail=1; }
[ $fail = 0 ] && echo "nginx: 3 formats, $((3 * sent)) lines: 0 identifiers, 0 lines lost; $stalled requests while the output stalled, longest answer $longest ms ($waited ms without)"
exit $fail
