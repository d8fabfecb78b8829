#!/usr/bin/env bash
# nginx under load sends its log to a sidecar by UDP and through a unix socket, a Fluent client library sends events; the sidecar writes
# a file, sends syslog to rsyslog, and Forward to a second sidecar, which writes a file. While both receivers are away and come back and
# the sidecar is killed, every request reaches each of the three, once by its name, and nothing that identifies reaches any.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d); chmod 755 "$work"
rsyslogd=$(type -P rsyslogd || echo /usr/sbin/rsyslogd)
declare -A pids=()
stop() { for name in "${!pids[@]}"; do kill "${pids[$name]}" 2>/dev/null || true; done; [ -f "$work/nginx.pid" ] && kill "$(cat "$work/nginx.pid")" 2>/dev/null || true; }
trap 'stop; rm -rf "$work"' EXIT
fail() { echo "network: $*"; tail -n 4 "$work"/*.err 2>/dev/null || true; exit 1; }
until_true() { for _ in $(seq 900); do "$@" && return; sleep 0.1; done; fail "waited for: $*"; }
read -r http udp tcp < <(python3 - <<'PY'
import socket
open_ = [socket.socket() for _ in range(3)]
for s in open_: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in open_])
PY
)
mkdir "$work/html"; echo hello > "$work/html/index.html"
cat > "$work/nginx.conf" <<CONF
user root;
pid $work/nginx.pid; worker_processes 2; error_log $work/nginx.err;
events { worker_connections 256; }
http {
  log_format full '\$http_x_forwarded_for - \$remote_user [\$time_local] "\$request" \$status \$body_bytes_sent "\$http_referer" "\$http_user_agent"';
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  access_log syslog:server=127.0.0.1:$udp,tag=byudp,nohostname full; access_log syslog:server=unix:$work/log.sock,tag=byunix,nohostname full;
  keepalive_requests 1000000;
  server { listen 127.0.0.1:$http; root $work/html; }
}
CONF
cat > "$work/first.toml" <<CONF
base = "hosting"
name = "example-host"
version = 1
[state]
directory = "$work/first"
[[input]]
syslog = "udp:127.0.0.1:$udp"
on_stall = "spill"
[[input]]
syslog = "unix:$work/log.sock"
on_stall = "spill"
[[input]]
forward = "unix:$work/in.sock"
[[output]]
file = "$work/file.log"
[[output]]
syslog = "tcp:127.0.0.1:$tcp"
enterprise = 32473
[[output]]
forward = "unix:$work/second.sock"
compress = true
CONF
cat > "$work/second.toml" <<CONF
base = "hosting"
name = "example-host"
version = 1
[state]
directory = "$work/second"
[[input]]
forward = "unix:$work/second.sock"
[[output]]
file = "$work/forward.log"
CONF
cat > "$work/rsyslog.conf" <<CONF
global(workDirectory="$work" maxMessageSize="64k")
module(load="imtcp")
template(name="whole" type="string" string="%structured-data% %msg%\n")
ruleset(name="all") { action(type="omfile" file="$work/syslog.log" template="whole") }
input(type="imtcp" port="$tcp" address="127.0.0.1" ruleset="all")
CONF
cat > "$work/load.py" <<'PY'
# Requests first..last, over four connections at once.
import http.client, sys, threading
port, first, last = map(int, sys.argv[1:])
agents = ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "curl/8.5.0", "evil\" 203.0.113.77 \"x"]
bad = []
def client(part):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        for n in range(first + part, last, 4):
            c.request("GET", "/n%dx?email=kari%%40example.org" % n, headers={"X-Forwarded-For": "203.0.113.%d" % (100 + n % 100),
                      "User-Agent": agents[n % 3], "Referer": "https://shop.example.com/?user=kari@example.org"})
            c.getresponse().read()
    except Exception as error: bad.append(error)
clients = [threading.Thread(target=client, args=(part,)) for part in range(4)]
[t.start() for t in clients]; [t.join() for t in clients]
if bad: sys.exit("load: %r" % bad[0])
PY
begin() { "$sladd" sidecar --policy "$work/$1.toml" 2>> "$work/$1.err" & pids[$1]=$!; }
ready() { grep -q "state in" "$work/$1.err"; }
rsyslog() { "$rsyslogd" -n -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" 2> "$work/rsyslog.err" & pids[rsyslog]=$!; }
end() { kill -TERM "${pids[$1]}"; wait "${pids[$1]}" || fail "$1 ended with $?"; unset "pids[$1]"; }
# So many numbers stand in a file that came this way. UDP loses none here, since its buffer is large; of unix datagrams the system lets
# ten wait, and nginx drops what is more without a word: what we have of those stands in all three.
count() { grep -E "$2" "$work/$1" 2>/dev/null | grep -oE '/n[0-9]+x' | sort -u | wc -l; }
has() { [ "$(count "$1" "$3")" -ge "$2" ]; }
all() { has "$1" "$2" byudp && has "$1" $(($2 / 2)) byunix && has "$1" "$(count file.log byunix)" byunix; }

"$sladd" check "$work/first.toml" > /dev/null || fail "the policy"
begin second; until_true ready second; rsyslog; begin first; until_true ready first
nginx -c "$work/nginx.conf"
python3 "$work/load.py" "$http" 0 1000
until_true all file.log 1000; until_true all syslog.log 1000; until_true all forward.log 1000

# Both receivers go away; what comes meanwhile waits, also over a kill.
end second; end rsyslog
python3 "$work/load.py" "$http" 1000 2000
until_true all file.log 2000
: > "$work/first.err"
kill -KILL "${pids[first]}"; wait "${pids[first]}" 2>/dev/null || true
begin first; until_true ready first
begin second; rsyslog
until_true all syslog.log 2000; until_true all forward.log 2000
python3 "$work/load.py" "$http" 2000 2500
until_true all file.log 2500; until_true all syslog.log 2500; until_true all forward.log 2500

# A client library of Fluentd's.
if python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$work/python" fluent-logger 2> "$work/pip.err"; then
  PYTHONPATH="$work/python" python3 - "$work/in.sock" <<'PY'
import sys
from fluent import sender
logger = sender.FluentSender("app", host="unix://" + sys.argv[1])
for n in range(5000, 5300):
    if not logger.emit("login", {"message": "login of kari@example.org from 203.0.113.%d, see /n%dx" % (100 + n % 100, n)}):
        sys.exit("fluent: %r" % logger.last_error)
logger.close()
PY
  until_true has file.log 300 '/n5[0-9]{3}x'; until_true has forward.log 300 '/n5[0-9]{3}x'
else
  echo "!!! NO FLUENT CLIENT LIBRARY: $(tail -1 "$work/pip.err")"
fi
# A chunk that stands in no output, because the disk is full when the end is asked for, is not acknowledged.
if [ "$(id -u)" = 0 ] && unshare -m true 2> /dev/null; then
  mkdir -p "$work/full/out"
  cat > "$work/full/policy.toml" <<CONF
base = "hosting"
name = "example-host"
version = 1
[state]
directory = "$work/full/state"
[[input]]
forward = "unix:$work/full/in.sock"
[[output]]
file = "$work/full/out/log"
CONF
  cat > "$work/full/send.py" <<'PY'
import os, signal, socket, subprocess, sys, time
sladd, room = sys.argv[1:]
subprocess.check_call(["mount", "-t", "tmpfs", "-o", "size=64k,mode=750", "none", room + "/out"])
sidecar = subprocess.Popen([sladd, "sidecar", "--policy", room + "/policy.toml"], stderr=open(room + ".err", "w"))
while not os.path.exists(room + "/in.sock"): time.sleep(0.05)
def text(t): return b"\xda" + len(t).to_bytes(2, "big") + t.encode()
client = socket.socket(socket.AF_UNIX); client.connect(room + "/in.sock"); client.settimeout(60)
acknowledged = 0
for n in range(200):
    record = b"\x81" + text("message") + text("n%dx " % n + "word " * 400)
    client.sendall(b"\x94" + text("t") + b"\xce\x67\x00\x00\x00" + record + b"\x81" + text("chunk") + text("c%d" % n))
    if n == 1: client.settimeout(10)
    try: acknowledged += bool(client.recv(100))
    except socket.timeout: break
else: sys.exit("the disk was never full")
for _ in range(1200):
    if "waiting for room" in open(room + ".err").read(): break
    time.sleep(0.05)
else: sys.exit("it does not say that it waits for room")
sidecar.send_signal(signal.SIGTERM)
try: late = client.recv(100)
except (socket.timeout, ConnectionError): late = b""
if sidecar.wait() != 0: sys.exit("ended with %d" % sidecar.returncode)
whole = open(room + "/out/log").read().count("\n")
if late or whole != acknowledged: sys.exit("%d chunks were acknowledged, %d at the end, and %d records are whole" % (acknowledged, bool(late), whole))
PY
  unshare -m python3 "$work/full/send.py" "$sladd" "$work/full" || fail "a chunk was acknowledged that stands nowhere"
else
  echo "!!! NETWORK: no mounts here, a full disk was not tried"
fi
end first; end second; end rsyslog
for name in file forward syslog; do
  ! grep -qE '203\.0\.113\.1[0-9][0-9]|203\.0\.113\.77|kari' "$work/$name.log" || fail "$name.log shows somebody: $(grep -cE '203\.0\.113\.1|kari' "$work/$name.log") lines"
done
! grep -rqE '203\.0\.113\.1[0-9][0-9]|kari' "$work/first" "$work/second" "$work"/first.err "$work"/second.err || fail "the state or a message shows somebody"
# A kill may lose what was read of a socket, which acknowledges nothing; here it was idle. The file has each record once; so has a
# receiver, by the names.
twice=$(grep -E byudp "$work/file.log" | grep -oE '/n[0-9]+x' | sort | uniq -d | wc -l)
[ "$twice" = 0 ] || fail "$twice requests stand twice in the file"
names=$(grep -oE 'id="[0-9a-f]+-[0-9]+"' "$work/syslog.log" | sort -u | wc -l); lines=$(wc -l < "$work/syslog.log")
[ "$names" = "$(wc -l < "$work/file.log")" ] || fail "$names names in rsyslog's file of $lines lines, and $(wc -l < "$work/file.log") records in ours"
echo "network: 2,500 requests through UDP and unix datagrams, 300 events: $(wc -l < "$work/file.log") records in the file, $lines lines ($names names) at rsyslog, $(wc -l < "$work/forward.log") through Forward"
