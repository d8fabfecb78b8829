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
import http.client, subprocess, sys, time
work = sys.argv[1]
for attempt in range(100):
    try:
        c = http.client.HTTPConnection("127.0.0.1", 18081); c.request("GET", "/warm"); c.getresponse().read(); break
    except OSError: time.sleep(0.1)
sent = 1
for burst in range(10):
    for i in range(100):
        c = http.client.HTTPConnection("127.0.0.1", 18081)
        c.request("GET", "/a\"b?x=1" if i % 10 == 0 else "/index.html", headers={"X-Forwarded-For": "198.51.100.%d" % (i + 1),
                  "Referer": "https://example.net/?mail=ola@example.org", "User-Agent": "Mozilla/5.0 \"quoted\" (81.2.69.160)"})
        c.getresponse().read(); c.close(); sent += 1
    if burst % 3 == 1:
        subprocess.run(["apache2", "-f", work + "/httpd.conf", "-k", "graceful"], check=True)
        time.sleep(1)
open(work + "/sent", "w").write(str(sent))
PY
apache2 -f "$work/httpd.conf" -k graceful-stop; sleep 3
fail=0; sent=$(cat "$work/sent")
for name in combined wide; do
  lines=$(wc -l < "$work/log/$name.log")
  [ "$lines" = "$sent" ] || { echo "$name: $lines of $sent lines"; fail=1; }
  if grep -nE '198\.51\.100\.[1-9]|81\.2\.69\.160|ola(%40|@)' "$work/log/$name.log" | head -3 | grep .; then echo "$name: an identifier came out"; fail=1; fi
  [ "$(stat -c %a "$work/log/$name.log")" = 640 ] || { echo "$name: the mode is not 640"; fail=1; }
done
[ $fail = 0 ] && echo "apache: piped logs over 3 graceful reloads: $sent lines each, 0 lost, 0 identifiers"
exit $fail
