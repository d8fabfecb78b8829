#!/usr/bin/env bash
# What `sladd generate` prints for administrators: each file is checked by the program that it is for, or, where that is not in
# Debian, as the language that it is written in; units by systemd; the container in an empty root; and Apache's pipe is run.
set -euo pipefail
sladd=$(realpath "$1"); work=$(mktemp -d); chmod 755 "$work"
pids=()
clean() {
  for p in "${pids[@]}"; do kill -KILL "$p" 2>/dev/null || true; done
  [ ! -s "$work/httpd.pid" ] || kill "$(cat "$work/httpd.pid")" 2>/dev/null || true
  sleep 0.3; umount -R "$work/root" 2>/dev/null || true; rm -rf "$work"
}
trap clean EXIT
cd "$(dirname "$0")/../.."
fail() { echo "deploy: $*"; [ ! -s "$work/said" ] || cat "$work/said"; exit 1; }
quietly() { "$@" > "$work/said" 2>&1 || fail "$*"; }
until_holds() { for _ in $(seq 600); do if "$@" 2>/dev/null; then return; fi; sleep 0.1; done; fail "never came: $*"; }
line='192.0.2.77 - - [21/Nov/2026:10:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 5 "-" "curl/8.5.0"'

# Each set-up is printed, and written into a directory; what is written is what stands in the samples.
names=$("$sladd" generate list | cut -d' ' -f1)
for name in $names; do
  quietly "$sladd" generate "$name" "$work/gen/$name"
  "$sladd" generate "$name" > "$work/printed"
  [ "$(find "$work/gen/$name" -type f | wc -l)" -ge 1 ] && [ -s "$work/printed" ] || fail "$name: nothing"
  for file in "$work/gen/$name"/*; do
    find samples/deploy -name "$(basename "$file")" -exec cmp -s {} "$file" \; -print | grep -q . || fail "$file differs from the samples"
  done
done
for file in $(find samples/deploy -mindepth 2 -type f); do
  [ -n "$(find "$work/gen" -name "$(basename "$file")")" ] || fail "nothing generates $file"
done

# Policies: valid, without a warning, and their examples hold.
for policy in samples/deploy/policies/*.toml; do
  quietly "$sladd" check "$policy"
  if grep -qi warning "$work/said"; then fail "$policy: a warning"; fi
  quietly "$sladd" test "$policy"
done

# Units.
units=$work/units; mkdir "$units"
for unit in samples/deploy/systemd/*.service samples/deploy/systemd/*.socket samples/deploy/systemd/*.timer samples/deploy/fail2ban/*.service samples/deploy/fail2ban/*.timer samples/deploy/fail2ban/*.mount; do
  [ -e "$unit" ] || continue
  # The program and the page are not installed here.
  sed "s|^ExecStart=/usr/bin/sladd|ExecStart=$sladd|; /^Documentation=/d" "$unit" > "$units/$(basename "$unit")"
done
systemd-analyze verify "$units"/* > "$work/said" 2>&1 || fail "systemd-analyze verify"
# Of other units of this machine nothing is known; of ours nothing is said.
if grep -E '(sladd[^ ]*\.(service|socket|timer)|rawlog\.mount):' "$work/said"; then fail "systemd-analyze verify"; fi
score=$(systemd-analyze security --offline=true samples/deploy/systemd/sladd.service 2> "$work/said" | sed -n 's/.*exposure level for sladd.service: \([0-9.]*\).*/\1/p')
[ ! -s "$work/said" ] || fail "systemd-analyze security"
awk -v score="$score" 'BEGIN { exit !(score != "" && score <= 1.0) }' || fail "exposure $score is over 1.0"
if type -P systemd-sysusers > /dev/null; then quietly systemd-sysusers --dry-run "$PWD"/samples/deploy/systemd/sladd.sysusers; fi

# What the sidecar asks of the kernel is what the unit lets it: its calls, from start over rotation and reload to the end.
mkdir "$work/logs" "$work/out"; printf '%s\n' "$line" > "$work/logs/access.log"
sed "s|/state/sladd|$work/state|; s|/logs/|$work/logs/|; s|/out/|$work/out/|; s|127.0.0.1:9464|127.0.0.1:19464|" samples/deploy/policies/container.toml > "$work/policy.toml"
strace -f -qq -o "$work/trace" "$sladd" sidecar --policy "$work/policy.toml" 2> "$work/err" & tracer=$!; pids+=($tracer)
until_holds grep -q . "$work/out/access.log"
pid=$(pgrep -P $tracer)
quietly "$sladd" sidecar --policy "$work/policy.toml" --probe ready
kill -HUP "$pid"; until_holds grep -q 'the policy is now' "$work/err"
mv "$work/out/access.log" "$work/out/access.log.1"; kill -USR1 "$pid"; until_holds test -e "$work/out/access.log"
kill -TERM "$pid"; wait $tracer || fail "the sidecar under strace: exit code $?"
if "$sladd" sidecar --policy "$work/policy.toml" --probe live 2> "$work/said"; then fail "nobody is there, and the probe is content"; fi
python3 - "$work/trace" samples/deploy/systemd/sladd.service > "$work/said" <<'PY' || fail "calls that the unit refuses"
import re, subprocess, sys
groups, now = {}, None
for row in subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True).stdout.splitlines():
    if row.startswith("@"): now = groups.setdefault(row.strip(), [])
    elif row.startswith("    ") and not row.strip().startswith("#") and now is not None: now.append(row.strip())
def names(word):
    return set().union(*map(names, groups[word])) if word in groups else {word}
allowed = set(names("@default"))
for row in open(sys.argv[2]):
    if row.startswith("SystemCallFilter="):
        words = row.strip().split("=", 1)[1]
        said = set().union(*(names(word) for word in words.lstrip("~").split()))
        allowed = allowed - said if words.startswith("~") else allowed | said
asked = {}
for row in open(sys.argv[1]):
    # Of one that was refused or got nowhere it does not matter.
    found = re.match(r"\d+ +(\w+)\(", row)
    if found: asked.setdefault(found[1], row.strip())
assert len(asked) > 40, asked.keys()
# The limit of cores, which the unit sets itself: that it is refused to us does no harm.
refused = sorted(call for call in asked if call not in allowed and call not in ("prlimit64",))
for call in refused: print(asked[call])
sys.exit(bool(refused))
PY

# nginx: each of its ways.
if type -P nginx > /dev/null; then
  for way in 0 2 3 4; do
    sed -e "s|/var/log/nginx/|$work/|; s|/run/sladd/access.fifo|$work/plain|; s|^#$way access_log|access_log|" samples/deploy/nginx/sladd-nginx.conf > "$work/nginx-ways.conf"
    printf 'pid %s/nginx.pid; events {} http { include %s/nginx-ways.conf; }\n' "$work" "$work" > "$work/nginx.conf"
    quietly nginx -t -e "$work/nginx-start.log" -c "$work/nginx.conf"
  done
  sed "s|/run/rawlog/|$work/|" samples/deploy/fail2ban/nginx-rawlog.conf > "$work/nginx-ways.conf"
  quietly nginx -t -e "$work/nginx-start.log" -c "$work/nginx.conf"
else echo "!!! deploy: nginx is not here"; fi

# Apache: both ways, and the first one run. sladd is started by root and is not root.
modules=/usr/lib/apache2/modules
if [ -d $modules ] && [ "$(id -u)" = 0 ]; then
  cp "$sladd" "$work/sladd"; mkdir "$work/html" "$work/apache"; echo hello > "$work/html/index.html"; chown www-data:www-data "$work/apache"
  cp samples/deploy/policies/apache.toml "$work/apache.toml"
  cat > "$work/httpd.conf" <<CONF
ServerRoot $work
ServerName example.org
PidFile $work/httpd.pid
Listen 127.0.0.1:18083
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
User www-data
Group www-data
DocumentRoot $work/html
<Directory $work/html>
Require all granted
</Directory>
LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined
Define APACHE_LOG_DIR $work
Include $work/ways.conf
CONF
  for way in 2 0; do
    sed "s|^#$way CustomLog|CustomLog|; s|/usr/bin/sladd|$work/sladd|; s|--user sladd|--user www-data|; s|/etc/sladd/|$work/|; s|/var/log/sladd/|$work/apache/|" \
      samples/deploy/apache/sladd-apache.conf > "$work/ways.conf"
    quietly apache2 -f "$work/httpd.conf" -t
  done
  apache2 -f "$work/httpd.conf" -k start
  until_holds python3 -c 'import urllib.request; urllib.request.urlopen("http://127.0.0.1:18083/index.html?a=b").read()'
  until_holds grep -q '"GET /index.html?a= HTTP/1.1" 200' "$work/apache/apache.log"
  pipes=$(pgrep -f "^$work/sladd"); [ "$(wc -w <<< "$pipes")" -ge 2 ] || fail "Apache has $(wc -w <<< "$pipes") pipes"
  for p in $pipes; do
    [ "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$p/status")" = "$(printf '%s ' $(id -u www-data){,,,} | sed 's/ $//')" ] || fail "sladd under Apache is not www-data"
  done
  kill "$(cat "$work/httpd.pid")"; until_holds test ! -e "$work/httpd.pid"
  grep -q '127.0.0.0 - - ' "$work/apache/apache.log" || fail "Apache: $(cat "$work/apache/apache.log")"
else echo "!!! deploy: apache2 is not here, or this is not root"; fi

# rsyslog.
if type -P rsyslogd > /dev/null; then
  # As Debian's own rsyslog.conf sets it.
  printf 'global(workDirectory="%s")\ninclude(file="%s")\n' "$work" "$PWD/samples/deploy/rsyslog/60-sladd.conf" > "$work/rsyslog.conf"
  quietly rsyslogd -N1 -f "$work/rsyslog.conf"
  if grep -qiE 'error|warning' "$work/said"; then fail "rsyslogd -N1"; fi
else echo "!!! deploy: rsyslogd is not here"; fi

# logrotate: a dry run finds no fault, and a forced one renames.
if type -P logrotate > /dev/null && [ "$(id -u)" = 0 ]; then
  for file in samples/deploy/logrotate/*.logrotate samples/deploy/fail2ban/*.logrotate; do
    sed 's/su sladd sladd/su www-data www-data/' "$file" > "$work/rotate.conf"; chmod 644 "$work/rotate.conf"
    quietly logrotate -d "$work/rotate.conf"
    if grep -qi '^error' "$work/said"; then fail "logrotate -d $file"; fi
  done
  mkdir "$work/rawlog"; chmod 755 "$work/rawlog"
  sed "s|/run/rawlog|$work/rawlog|; s|/run/nginx.pid|$work/none.pid|g" samples/deploy/fail2ban/rawlog.logrotate > "$work/rotate.conf"
  echo first > "$work/rawlog/access.log"
  quietly logrotate --force --state "$work/rawlog/.logrotate" "$work/rotate.conf"
  echo second > "$work/rawlog/access.log"
  quietly logrotate --force --state "$work/rawlog/.logrotate" "$work/rotate.conf"
  if grep -rq first "$work/rawlog"; then fail "a raw line is older than two runs"; fi
  grep -q second "$work/rawlog/access.log.1" || fail "a raw line went too early"
else echo "!!! deploy: logrotate is not here, or this is not root"; fi

# fail2ban: the whole configuration, what it bans by, and that nothing of it stands on a disk.
if type -P fail2ban-client > /dev/null; then
  cp -r /etc/fail2ban "$work/fail2ban"; mkdir -p "$work/rawlog"; : > "$work/rawlog/error.log"; : > "$work/rawlog/access.log"
  rm -f "$work"/fail2ban/jail.d/*
  cp samples/deploy/fail2ban/sladd-fail2ban.local "$work/fail2ban/fail2ban.d/"
  sed "s|/run/rawlog/|$work/rawlog/|" samples/deploy/fail2ban/sladd-jail.local > "$work/fail2ban/jail.d/sladd-jail.local"
  quietly fail2ban-client -c "$work/fail2ban" -t
  fail2ban-client -c "$work/fail2ban" -d > "$work/said"
  grep -q "'set', 'dbfile', ':memory:'" "$work/said" || fail "fail2ban keeps its database on a disk"
  grep -q "'set', 'logtarget', '/run/rawlog/fail2ban.log'" "$work/said" || fail "fail2ban writes its log to a disk"
  for jail in sladd-nginx-auth sladd-nginx-botsearch; do grep -q "'start', '$jail'" "$work/said" || fail "no jail $jail"; done
  # The filters find an address in raw lines and none in minimised ones of another network's.
  now=$(date '+%Y/%m/%d %H:%M:%S')
  echo "$now [error] 1#1: *1 user \"kari\": password mismatch, client: 192.0.2.77, server: example.org, request: \"GET / HTTP/1.1\", host: \"example.org\"" > "$work/rawlog/error.log"
  fail2ban-regex -c "$work/fail2ban" "$work/rawlog/error.log" nginx-http-auth > "$work/said" 2>&1 || fail "fail2ban-regex"
  grep -q '1 matched' "$work/said" || fail "fail2ban-regex: a raw line is not matched"
else echo "!!! deploy: fail2ban is not here"; fi

# Shippers that Debian does not have: their languages. Vector's TOML, Fluent Bit's sections, Alloy's blocks; and that each reads our output.
python3 - <<'PY' > "$work/said" || fail "shippers"
import re, sys, tomllib
vector = tomllib.load(open("samples/deploy/shippers/vector.toml", "rb"))
assert vector["sources"]["sladd"]["type"] == "file" and all("/var/log/sladd/" in path for path in vector["sources"]["sladd"]["include"])
assert set(vector["sinks"]["store"]["inputs"]) <= set(vector["sources"])
sections = []
for number, row in enumerate(open("samples/deploy/shippers/fluent-bit.conf"), 1):
    row = row.rstrip("\n")
    if not row.strip() or row.strip().startswith("#"): continue
    if re.fullmatch(r"\[[A-Z]+\]", row): sections.append((row[1:-1], {}))
    else:
        entry = re.fullmatch(r"    (\S+) +(\S.*)", row)
        assert entry and sections, "fluent-bit.conf:%d" % number
        assert entry[1] not in sections[-1][1], "fluent-bit.conf:%d: twice" % number
        sections[-1][1][entry[1]] = entry[2]
assert [name for name, _ in sections] == ["INPUT", "OUTPUT"] and "DB" in sections[0][1] and sections[0][1]["Path"].startswith("/var/log/sladd/")
alloy = re.sub(r"//[^\n]*", "", re.sub(r'"[^"\n]*"', '""', open("samples/deploy/shippers/sladd.alloy").read()))
depth = 0
for c in alloy:
    depth += (c in "{[") - (c in "}]"); assert depth >= 0
assert depth == 0
blocks = re.findall(r'^([a-z_.]+) "" \{$', alloy, re.M)
assert blocks == ["local.file_match", "loki.source.file", "loki.write"], blocks
PY

# The pod.
python3 - samples/deploy/container/pod.yaml "$work/pod.toml" > "$work/said" 2>&1 <<'PY' || fail "pod.yaml"
import sys, yaml
parts = list(yaml.safe_load_all(open(sys.argv[1])))
by = {(part["kind"], part["metadata"]["name"]): part for part in parts}
pod = by["Pod", "web"]["spec"]
(sidecar,) = pod["initContainers"]
assert sidecar["restartPolicy"] == "Always"
volumes = {volume["name"]: volume for volume in pod["volumes"]}
assert volumes["raw-logs"]["emptyDir"]["medium"] == "Memory" and volumes["raw-logs"]["emptyDir"]["sizeLimit"]
assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault" and pod["securityContext"]["runAsNonRoot"] is True
everyone = pod["initContainers"] + pod["containers"]
for container in everyone:
    rights = container["securityContext"]
    assert rights["capabilities"]["drop"] == ["ALL"] and rights["allowPrivilegeEscalation"] is False and rights["runAsUser"] > 0
    assert all(mount["name"] in volumes for mount in container["volumeMounts"])
assert sidecar["securityContext"]["readOnlyRootFilesystem"] is True
# Nobody but the web server and sladd sees a raw line.
assert [c["name"] for c in everyone if any(m["name"] == "raw-logs" for m in c["volumeMounts"])] == ["sladd", "web"]
for volume in volumes.values():
    if "configMap" in volume: assert ("ConfigMap", volume["configMap"]["name"]) in by
for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
    words = sidecar[probe]["exec"]["command"]
    assert words[:4] == ["/sladd", "sidecar", "--policy", "/etc/sladd/sladd.toml"] and words[4] == "--probe"
open(sys.argv[2], "w").write(by["ConfigMap", "sladd-policy"]["data"]["sladd.toml"])
PY
quietly "$sladd" check "$work/pod.toml"
python3 -c 'import sys, tomllib
of = [tomllib.load(open(path, "rb")) for path in sys.argv[1:]]
for policy in of: policy.pop("example", None)
sys.exit(of[0] != of[1])' "$work/pod.toml" samples/deploy/policies/container.toml || fail "the pod's policy is not that of the container"

# The container: the tree that the Containerfile makes, with a root that cannot be written, as its user, with the words of its ENTRYPOINT and
# CMD, and the probes of the pod. With the static binary if it is built, else with the libraries of this one.
if [ "$(id -u)" = 0 ]; then
  static=${CARGO_TARGET_DIR:-target}/x86_64-unknown-linux-gnu/release/sladd
  root=$work/root; mkdir "$root" "$work/context"; mount -t tmpfs -o size=300M,mode=755 tmpfs "$root" || fail "no tmpfs can be mounted"
  if [ -x "$static" ]; then cp "$static" "$work/context/sladd"; kind=static; else
    cp "$sladd" "$work/context/sladd"; kind=dynamic
    for library in $(ldd "$sladd" | grep -o '/[^ ]*'); do mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; done
  fi
  cp samples/deploy/policies/container.toml "$work/context/"
  grep -E '^COPY ' samples/deploy/container/Containerfile | while read -r _ from to; do
    mkdir -p "$root$(dirname "$to")"; cp "$work/context/$from" "$root$to"
  done
  grep -q '^FROM scratch$' samples/deploy/container/Containerfile || fail "not from scratch"
  user=$(sed -n 's/^USER //p' samples/deploy/container/Containerfile); [ "$user" = 65532:65532 ] || fail "user $user"
  mapfile -t words < <(python3 -c 'import json, re
text = open("samples/deploy/container/Containerfile").read()
for key in ("ENTRYPOINT", "CMD"): print(*json.loads(re.search("^%s (.*)$" % key, text, re.M)[1]), sep="\n")')
  mkdir "$root/logs" "$root/out" "$root/state"
  for volume in logs out state; do mount -t tmpfs -o size=8M,mode=755 tmpfs "$root/$volume"; done
  chown 65532:65532 "$root/out" "$root/state"; mount -o remount,ro "$root"
  printf '%s\n' "$line" > "$root/logs/access.log"
  # Landlock and the loader alone are outside: nothing but the tree is there.
  chroot --userspec="$user" --groups= "$root" "${words[@]}" 2> "$work/err" & pid=$!; pids+=($pid)
  until_holds grep -q '^192.0.2.0 - - ' "$root/out/access.log"
  for what in ready live; do
    chroot --userspec="$user" --groups= "$root" "${words[@]}" --probe $what 2> "$work/said" || fail "probe $what: $(cat "$work/err")"
  done
  kill -TERM $pid; wait $pid || fail "container: exit code $? ($(cat "$work/err"))"
  if grep -q 'panic\|fault' "$work/err"; then fail "$(cat "$work/err")"; fi
  umount -R "$root"
else kind=none; echo "!!! deploy: not root, the container is not run"; fi
echo "deploy: $(wc -w <<< "$names") set-ups; exposure $score; nginx, Apache, rsyslog, logrotate, fail2ban, systemd; container ($kind) as 65532 on a root that cannot be written"
