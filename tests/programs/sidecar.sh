#!/usr/bin/env bash
# nginx and Apache under load, a sidecar beside them: files that logrotate renames or copies and truncates, a named pipe, syslog by
# UDP and to a unix socket.
# As many records come out as requests were answered, none twice, and no client's address. Each part is a function; another
# way of getting lines to the sidecar is another part: an input, an access_log, and `compare`.
set -euo pipefail
sladd=$(realpath "$1")
seconds=${2:-4}
work=$(mktemp -d); chmod 755 "$work"
pids=()
cleanup() {
  for file in "$work"/*.pid; do if [ -f "$file" ]; then kill "$(cat "$file")" 2>/dev/null || true; fi; done
  for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
  sleep 0.3; rm -rf "$work"
}
trap cleanup EXIT
fail=0
wrong() { echo "sidecar: $*"; fail=1; }

# Each request is like no other: thread and number stand in parameters that are kept. The client's address is planted.
cat > "$work/load.lua" <<'LUA'
local threads = 0
function setup(thread) thread:set("id", threads); threads = threads + 1 end
function init(args) n = 0 end
function request()
  n = n + 1
  wrk.headers["X-Forwarded-For"] = "203.0.113." .. (n % 250 + 1)
  wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 (81.2.69.160)"
  wrk.headers["Referer"] = "https://example.net/?mail=ola.nordmann@example.org"
  return wrk.format("GET", "/index.html?p=" .. id .. "&page=" .. n)
end
LUA
planted='203\.0\.113\.[1-9]|81\.2\.69\.160|nordmann'
load() { wrk -t2 -c8 -d"$2" -s "$work/load.lua" "http://127.0.0.1:$1" > "$work/wrk.out" || { cat "$work/wrk.out"; exit 1; }; }
answered() { awk '/requests in/ { print $1 }' "$work/wrk.out"; }
# What tells requests apart, of raw lines as of records.
marks() { cat "$@" | grep -oE 'p=[0-9]+&page=[0-9]+' | sort || true; }

mkdir "$work/html"; echo hello > "$work/html/index.html"
# sidecar NAME INPUT: its input as TOML; it writes $work/NAME/out/log.
sidecar() {
  local name=$1 room=$work/$1; mkdir -p "$room/out" "$room/log"; chmod 750 "$room/out"
  printf 'base = "hosting"\nname = "programs"\nversion = 1\n[state]\ndirectory = "%s/state"\n[status]\nlisten = "%s/status.sock"\n[[input]]\n%b\n[[output]]\nfile = "%s/out/log"\n' \
    "$room" "$room" "$2" "$room" > "$room/policy.toml"
  "$sladd" sidecar --policy "$room/policy.toml" 2> "$room/said" & echo $! > "$room/sladd"; pids+=($!)
  for i in $(seq 300); do [ -s "$room/said" ] && break; sleep 0.02; done
}
# Waits until nothing more comes out, and ends the sidecar.
finish() {
  local room=$work/$1 before=-1 now=0
  for i in $(seq 100); do
    now=$(wc -l < "$room/out/log"); [ "$now" != "$before" ] || [ "$now" -lt "$2" ] || break
    before=$now; sleep 0.4
  done
  kill "$(cat "$room/sladd")"; wait "$(cat "$room/sladd")" || wrong "$1: ended with $?: $(cat "$room/said")"
}
# compare NAME WANTED RAW...: records against raw lines. With copytruncate (WANTED is -) what the copies hold is all there.
compare() {
  local name=$1 wanted=$2 room=$work/$1; shift 2
  marks "$room/out/log" > "$room/records"
  [ "$(uniq -d "$room/records" | wc -l)" = 0 ] || wrong "$name: $(uniq -d "$room/records" | wc -l) records came twice"
  if [ $# -gt 0 ]; then
    marks "$@" > "$room/raw"
    local missing; missing=$(comm -23 "$room/raw" "$room/records" | wc -l)
    [ "$missing" = 0 ] || wrong "$name: $missing of $(wc -l < "$room/raw") lines did not come out: $(tail -2 "$room/said")"
  fi
  local records; records=$(wc -l < "$room/records")
  [ "$wanted" = - ] || [ "$records" = "$wanted" ] || wrong "$name: $records records of $wanted requests: $(tail -2 "$room/said")"
  if grep -rnE "$planted" "$room/out" "$room/state" "$room/said" | head -3 | cut -c1-300 | grep .; then wrong "$name: an identifier came out"; fi
  echo "sidecar: $name: $records records"
}

nginx_conf() { # access_log
  cat > "$work/nginx.conf" <<CONF
user root; pid $work/nginx.pid; worker_processes 2;
events { worker_connections 256; }
http {
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; keepalive_requests 1000000;
  access_log $1 combined;
  server {
    listen 127.0.0.1:18082; server_name example.org; root $work/html;
    location = /count { stub_status; access_log off; }
  }
}
CONF
}
nginx_start() { nginx_conf "$1"; nginx -c "$work/nginx.conf" -e "$work/error.log"; for i in $(seq 100); do requests > /dev/null 2>&1 && break; sleep 0.1; done; asked=1; }
# How many requests nginx saw, but for those that ask for it.
requests() { curl -sf http://127.0.0.1:18082/count | awk 'NR == 3 { print $3 }'; }
nginx_stop() { kill -QUIT "$(cat "$work/nginx.pid")"; while [ -f "$work/nginx.pid" ]; do sleep 0.05; done; }
# rotations CONF EACH: again and again while the load lasts.
rotations() { while [ ! -f "$work/over" ]; do sleep "$2"; logrotate -f -s "$work/rotate.state" "$1"; done; }

# nginx to a file that logrotate renames, and tells nginx so.
renamed() {
  rm -f "$work/over"; sidecar renamed "follow = [\"$work/renamed/log/access.log*\"]"
  printf '%s/renamed/log/access.log {\n rotate 1000\n nocompress\n missingok\n su root root\n postrotate\n kill -USR1 $(cat %s/nginx.pid)\n endscript\n}\n' "$work" "$work" > "$work/renamed.conf"
  chmod 600 "$work/renamed.conf"
  nginx_start "$work/renamed/log/access.log"
  rotations "$work/renamed.conf" 0.4 & local rotating=$!
  load 18082 "$seconds"; touch "$work/over"; wait $rotating
  local wanted; wanted=$(answered); nginx_stop
  local raw; raw=$(cat "$work"/renamed/log/access.log* | grep -c 'page=')
  [ "$raw" -ge "$wanted" ] || wrong "renamed: nginx wrote $raw lines of $wanted requests"
  finish renamed "$raw"; compare renamed "$raw" "$work"/renamed/log/access.log*
}
# nginx to a file that logrotate copies and cuts: what it loses between the two is in no file.
copied() {
  rm -f "$work/over"; sidecar copied "follow = [\"$work/copied/log/access.log*\"]"
  printf '%s/copied/log/access.log {\n rotate 1000\n nocompress\n missingok\n su root root\n copytruncate\n}\n' "$work" > "$work/copied.conf"
  chmod 600 "$work/copied.conf"
  nginx_start "$work/copied/log/access.log"
  rotations "$work/copied.conf" 0.4 & local rotating=$!
  load 18082 "$seconds"; touch "$work/over"; wait $rotating; nginx_stop
  # What begins like another is taken for a file of its own when it was quiet for a while.
  sleep 6; finish copied 1; compare copied - "$work"/copied/log/access.log*
}
# nginx to a named pipe.
piped() {
  sidecar piped "fifo = \"$work/piped/log/pipe\""
  for i in $(seq 100); do [ -p "$work/piped/log/pipe" ] && break; sleep 0.05; done
  nginx_start "$work/piped/log/pipe"
  load 18082 "$seconds"; sleep 0.3
  local wanted; wanted=$(requests); local least; least=$(answered); nginx_stop
  finish piped "$least"
  local records; records=$(grep -c 'page=' "$work/piped/out/log")
  [ "$records" -ge "$least" ] && [ "$records" -le "$wanted" ] || wrong "piped: $records records of $least to $wanted requests"
  compare piped -
}
# metric NAME METRIC: what it counts, over all inputs.
metric() { curl -sf --unix-socket "$work/$1/status.sock" http://localhost/metrics | awk -v name="$2" 'index($0, name) == 1 { sum += $NF } END { print sum + 0 }'; }
# datagrams NAME SECONDS SERVER: nginx to a socket that is bound already, and to a file that says what it wrote. It never waits: what the
# socket has no room for is lost.
datagrams() {
  local name=$1 room=$work/$1 raw records lost taken
  nginx_start "syslog:server=$3,tag=nginx,nohostname combined; access_log $room/log/raw"
  # For a while nobody reads: a buffer of UDP is full then, and the system counts what it drops.
  (sleep 1; kill -STOP "$(cat "$room/sladd")"; sleep "$2"; kill -CONT "$(cat "$room/sladd")") & local stopped=$!
  load 18082 $(($2 + 2)); wait $stopped; local least; least=$(answered); nginx_stop
  raw=$(grep -c 'page=' "$room/log/raw")
  [ "$raw" -ge "$least" ] || wrong "$name: nginx wrote $raw lines of $least requests"
  for i in $(seq 300); do
    records=$(wc -l < "$room/out/log"); lost=$(metric "$name" sladd_input_lost_datagrams_total); taken=$(metric "$name" sladd_input_lines_total)
    # Figures are shown a moment later. What nginx had to drop of unix datagrams never comes: nothing more is on its way.
    [ "$records" = "$taken" ] && { [ "$((records + lost))" -ge "$raw" ] || [ "$i" -gt 20 ] && [ "$name" = socket ]; } && break
    sleep 0.1
  done
  finish "$name" 0; records=$(wc -l < "$room/out/log")
  [ "$records" = "$taken" ] || wrong "$name: $records records of $taken messages that were taken"
  if [ "$name" = udp ]; then
    [ "$((records + lost))" = "$raw" ] || wrong "$name: $records records and $lost lost of $raw messages"
  else
    # Of unix datagrams the system lets ten wait, and nginx tells nobody of those that it drops: none of them was ever ours.
    [ "$lost" = 0 ] && [ "$records" -le "$raw" ] && [ "$records" -gt $((raw / 10)) ] || wrong "$name: $records records, $lost lost of $raw messages"
  fi
  compare "$name" -
  [ "$(comm -13 <(marks "$room/log/raw") "$room/records" | wc -l)" = 0 ] || wrong "$name: records of no request"
  echo "sidecar: $name: $raw requests of nginx, $((raw / ($2 + 2))) a second, $lost datagrams counted as lost, $((raw - records - lost)) not sent"
}
udp() {
  sidecar udp 'syslog = "udp:127.0.0.1:18084"\non_stall = "spill"'
  datagrams udp "$seconds" 127.0.0.1:18084
}
socket() {
  sidecar socket "syslog = \"unix-datagram:$work/socket/log/sock\"\non_stall = \"spill\""
  for i in $(seq 100); do [ -S "$work/socket/log/sock" ] && break; sleep 0.05; done
  datagrams socket 1 "unix:$work/socket/log/sock"
}
# Apache to a file that is renamed, with graceful reloads.
apache() {
  sidecar apache "follow = [\"$work/apache/log/access.log*\"]"
  local modules=/usr/lib/apache2/modules
  cat > "$work/httpd.conf" <<CONF
ServerRoot $work
ServerName example.org
PidFile $work/httpd.pid
Listen 127.0.0.1:18083
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule remoteip_module $modules/mod_remoteip.so
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
User www-data
Group www-data
DocumentRoot $work/html
KeepAlive On
MaxKeepAliveRequests 0
<Directory $work/html>
Require all granted
</Directory>
ErrorLog $work/error.log
LogFormat "%a %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined
CustomLog $work/apache/log/access.log combined
CONF
  apache2 -f "$work/httpd.conf" -k start
  for i in $(seq 100); do curl -sf http://127.0.0.1:18083/index.html > /dev/null && break; sleep 0.1; done
  (sleep 1; mv "$work/apache/log/access.log" "$work/apache/log/access.log.1"; apache2 -f "$work/httpd.conf" -k graceful) & local rotating=$!
  load 18083 "$seconds"; wait $rotating
  local wanted; wanted=$(answered)
  apache2 -f "$work/httpd.conf" -k graceful-stop; while [ -f "$work/httpd.pid" ]; do sleep 0.05; done
  sleep 0.5
  local raw; raw=$(cat "$work"/apache/log/access.log* | grep -c 'page=')
  [ "$raw" -ge "$wanted" ] || wrong "apache: it wrote $raw lines of $wanted requests"
  finish apache "$raw"; compare apache "$raw" "$work"/apache/log/access.log*
}

for part in renamed copied piped udp socket apache; do $part; done
exit $fail
