#!/usr/bin/env bash
# Apache's piped log: sladd is started by Apache, survives graceful reloads under load, and loses nothing.
set -euo pipefail
sladd=$(realpath "$1")
work=$(mktemp -d); chmod 755 "$work"
trap 'kill $(cat "$work/httpd.pid" 2>/dev/null) 2>/dev/null || true; sleep 0.3; rm -rf "$work"' EXIT
mkdir "$work/html" "$work/log"; echo hello > "$work/html/index.html"
cp "$sladd" "$work/sladd"
modules=/usr/lib/apache2/modules
cat > "$work/httpd.conf" <<CONF
ServerRoot $work
ServerName example.org
PidFile $work/httpd.pid
Listen 127.0.0.1:18081
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
User www-data
Group www-data
DocumentRoot $work/html
<Directory $work/html>
Require all granted
</Directory>
ErrorLog $work/error.log
LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined
LogFormat "%v:%p %h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %D \"%{X-Forwarded-For}i\"" wide
CustomLog "|$work/sladd -q -o $work/log/combined.log" combined
CustomLog "|$work/wide" wide
CONF
cat > "$work/wide" <<'WIDE'
#!/bin/sh
exec "$(dirname "$0")/sladd" -q --format 'apache:%v:%p %h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %D \"%{X-Forwarded-For}i\"' -o "$(dirname "$0")/log/wide.log"
WIDE
chmod 755 "$work/wide"
apache2 -f "$work/httpd.conf" -k start
python3 - "$work" <<'PY'
import http.client, subprocess, sys, threading, time
work = sys.argv[1]
for attempt in range(100):
    try:
        c = http.client.HTTPConnection("127.0.0.1", 18081); c.request("GET", "/warm"); c.getresponse().read(); break
    except OSError: time.sleep(0.1)
sent, bad, over = [1], [], threading.Event()
def client(which):
    done = 0
    while not over.is_set():
        c = http.client.HTTPConnection("127.0.0.1", 18081, timeout=20)
        try:
            c.request("GET", "/a\"b?x=1" if done % 10 == 0 else "/index.html", headers={"X-Forwarded-For": "198.51.100.%d" % (done % 200 + 1),
                  "Referer": "https://example.net/?mail=ola@example.org", "User-Agent": "Mozilla/5.0 \"quoted\" (81.2.69.160)"})
            c.getresponse().read()
        except OSError as error: bad.append(error)
        c.close(); done += 1
    sent.append(done)
clients = [threading.Thread(target=client, args=(which,)) for which in range(4)]
[t.start() for t in clients]
for reload in range(3):
    time.sleep(1)
    subprocess.run(["apache2", "-f", work + "/httpd.conf", "-k", "graceful"], check=True)
time.sleep(1); over.set(); [t.join() for t in clients]
if bad: sys.exit("apache: %d requests failed: %r" % (len(bad), bad[0]))
open(work + "/sent", "w").write(str(sum(sent)))
PY
apache2 -f "$work/httpd.conf" -k graceful-stop
# The server goes, and its loggers write what is left.
for i in $(seq 100); do
  [ "$(cat "$work"/log/*.log | wc -l)" -lt $((2 * $(cat "$work/sent"))) ] || break
  sleep 0.1
done
sleep 0.5
fail=0; sent=$(cat "$work/sent")
for name in combined wide; do
  lines=$(wc -l < "$work/log/$name.log")
  [ "$lines" = "$sent" ] || { echo "$name: $lines of $sent lines"; fail=1; }
  if grep -nE '198\.51\.100\.[1-9]|81\.2\.69\.160|ola(%40|@)' "$work/log/$name.log" | head -3 | grep .; then echo "$name: an identifier came out"; fail=1; fi
  [ "$(stat -c %a "$work/log/$name.log")" = 640 ] || { echo "$name: the mode is not 640"; fail=1; }
done
[ $fail = 0 ] && echo "apache: piped logs over 3 graceful reloads under load: $sent lines each, 0 lost, 0 identifiers"
exit $fail
