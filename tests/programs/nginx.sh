#!/usr/bin/env bash
# nginx writes combined, a custom format and escape=json into sladd under load: every request is in the minimised log,
# no client address is.
set -euo pipefail
sladd=$(realpath "$1")
work=$(mktemp -d); chmod 755 "$work"
trap 'kill $(cat "$work"/nginx.pid 2>/dev/null) 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/html"; echo hello > "$work/html/index.html"
custom='$remote_addr "$http_x_forwarded_for" [$time_iso8601] $host "$request" $status $body_bytes_sent $request_time "$http_referer" "$http_user_agent" "$http_cookie"'
json='{"remote_addr":"$remote_addr","xff":"$http_x_forwarded_for","time":"$time_iso8601","request":"$request","status":$status,"body_bytes_sent":$body_bytes_sent,"request_time":$request_time,"http_referer":"$http_referer","http_user_agent":"$http_user_agent","cookie":"$http_cookie"}'
for name in combined custom json; do mkfifo "$work/$name.fifo"; done
# shed: a stalled reader must never stop the web server.
"$sladd" --on-stall shed --format combined --summary json -o "$work/combined.log" < "$work/combined.fifo" 2> "$work/combined.sum" & a=$!
"$sladd" --on-stall shed --format "nginx:$custom" --summary json -o "$work/custom.log" < "$work/custom.fifo" 2> "$work/custom.sum" & b=$!
"$sladd" --on-stall shed --format json --summary json -o "$work/json.log" < "$work/json.fifo" 2> "$work/json.sum" & c=$!
cat > "$work/nginx.conf" <<CONF
user root;
pid $work/nginx.pid; error_log $work/error.log; worker_processes 1;
events { worker_connections 256; }
http {
  log_format custom '$custom';
  log_format json escape=json '$json';
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  access_log $work/combined.fifo combined; access_log $work/custom.fifo custom; access_log $work/json.fifo json;
  server { listen 127.0.0.1:18080; server_name example.org; root $work/html; }
}
CONF
nginx -c "$work/nginx.conf" -e "$work/error.log"
python3 - <<'PY'
import http.client, random, time
random.seed(7)
for attempt in range(100):
    try:
        http.client.HTTPConnection("127.0.0.1", 18080).connect(); break
    except OSError: time.sleep(0.1)
ips = ["203.0.113.%d" % i for i in range(1, 200)] + ["8.8.8.%d" % i for i in range(1, 50)]
agents = ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "curl/8.5.0", "evil\" 10.11.12.13 \"x"]
for burst in range(20):
    c = http.client.HTTPConnection("127.0.0.1", 18080)
    for i in range(100):
        path = random.choice(["/", "/index.html", "/missing?email=ola%40example.org&device_id=AEBE52E7-03EE-455A-B3C4-E57283966239", "/u/81.2.69.160/x", "/x%22y"])
        c.request("GET", path, headers={"X-Forwarded-For": random.choice(ips), "User-Agent": random.choice(agents),
                  "Referer": "https://shop.example.com/basket?user=kari.nordmann@example.org", "Cookie": "PHPSESSID=0a1b2c3d4e5f60718293a4b5c6d7e8f9"})
        c.getresponse().read()
    c.close()
PY
kill -QUIT "$(cat "$work/nginx.pid")"; wait $a $b $c
fail=0
for name in combined custom json; do
  lines=$(wc -l < "$work/$name.log")
  [ "$lines" = 2000 ] || { echo "$name: $lines of 2000 lines"; fail=1; }
  grep -q '"unmatched":0' "$work/$name.sum" || { echo "$name: lines that fitted no format:"; cat "$work/$name.sum"; fail=1; }
  if grep -nE '203\.0\.113\.[1-9]|8\.8\.8\.[1-9]|81\.2\.69\.160|10\.11\.12\.13|ola(%40|@)|kari|AEBE52E7|0a1b2c3d4e5f' "$work/$name.log" | head -3 | grep .; then echo "$name: an identifier came out"; fail=1; fi
  [ "$(grep -c 'class=security_log\|"class":"security_log"' "$work/$name.log")" = 2000 ] || { echo "$name: a record without tag"; fail=1; }
done
[ $fail = 0 ] && echo "nginx: 3 formats, 6000 lines: 0 identifiers, 0 lines lost"
exit $fail
