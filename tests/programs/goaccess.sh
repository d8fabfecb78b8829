#!/usr/bin/env bash
# GoAccess reads the minimised log as it reads the raw one: the same hits, failed lines, status codes, methods and bytes,
# and the same browser and system for 95 % of the hits or more.
#
# A hostile line that GoAccess cannot read raw (a user with blanks and brackets) may be readable once it is minimised; such
# lines of the sample are told and left out. Of the corpus all lines count.
#
# It counts the same unique visitors each day on a log with pseudonyms in the form of addresses as on the raw one. A visitor is
# to GoAccess an address with an agent on a day. `hosting` makes one of two agents that differ in their minor version alone, so
# there each source has one agent; with agents kept, each has several. IPv6 pseudonyms stand for a /64, so each writes from one
# address. With truncated addresses there are fewer visitors, which shows that the comparison can fail.
set -euo pipefail
sladd=$(realpath "$1")
corpus="${SLADD_CORPUS:-../shared/data}/logs/apache-combined-10k.log"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
compare() {
  cp "$2" "$work/raw.log"
  if [ "$1" = sample ]; then
    goaccess "$2" --log-format=COMBINED --no-global-config --no-progress --invalid-requests="$work/unread" -o "$work/all.json" >/dev/null 2>&1
    echo "goaccess sample: $(grep -c . "$work/unread") hostile lines cannot be read raw and are left out"
    grep -vxFf "$work/unread" "$2" > "$work/raw.log"
  fi
  "$sladd" -q < "$work/raw.log" > "$work/min.log"
  for kind in raw min; do
    goaccess "$work/$kind.log" --log-format=COMBINED --no-global-config --no-progress -o "$work/$kind.json" >/dev/null 2>&1
  done
  python3 - "$work" "$1" <<'PY'
import json, sys
work, name = sys.argv[1:]
raw, low = (json.load(open(f"{work}/{kind}.json")) for kind in ("raw", "min"))
bad = []
for key in ("total_requests", "valid_requests", "failed_requests", "bandwidth"):
    if raw["general"].get(key) != low["general"].get(key): bad.append((key, raw["general"].get(key), low["general"].get(key)))
def items(report, panel):
    out = {}
    for row in report.get(panel, {}).get("data", []):
        for item in row.get("items") or [row]:
            out[item["data"]] = out.get(item["data"], 0) + item["hits"]["count"]
    return out
if items(raw, "status_codes") != items(low, "status_codes"): bad.append(("status_codes", items(raw, "status_codes"), items(low, "status_codes")))
def share(panel):
    a, b = ({row["data"]: row["hits"]["count"] for row in report[panel]["data"]} for report in (raw, low))
    return sum(min(count, b.get(key, 0)) for key, count in a.items()) / max(1, sum(a.values()))
shares = {panel: share(panel) for panel in ("browsers", "os")}
for panel, value in shares.items():
    if value < 0.95: bad.append((panel, value, [row["data"] + f" {row['hits']['count']}" for row in raw[panel]["data"]], [row["data"] + f" {row['hits']['count']}" for row in low[panel]["data"]]))
print(f"goaccess {name}: {raw['general']['total_requests']} hits, {low['general']['failed_requests']} failed; same browser {shares['browsers']:.4f}, same system {shares['os']:.4f}")
for row in bad: print("  differs:", row)
sys.exit(bool(bad))
PY
  # Methods line by line: GoAccess's request panel is cut to its top rows.
  if ! diff <(grep -oE '"[A-Z]+ ' "$work/raw.log" | sort | uniq -c) <(grep -oE '"[A-Z]+ ' "$work/min.log" | sort | uniq -c); then
    echo "goaccess $1: other methods"; exit 1
  fi
}
compare sample samples/logs/nginx-combined.log
if [ -f "$corpus" ]; then compare corpus "$corpus"; else echo "!!! goaccess: THE CORPUS IS MISSING: $corpus"; fi

for day in 16 17 18 19 20; do
  awk -v day=$day 'BEGIN {
    srand(27 + day)
    for (line = 0; line < 6000; line++) {
      # Each source in the measure of one by its rank.
      source = int(exp(rand() * log(4000)))
      second = int(line * 86400 / 6000)
      if (source % 4 == 1) address = sprintf("2001:db8:%x:%x::1", source % 997, source)
      else address = sprintf("%d.51.%d.%d", 240 + source % 3, source / 256, source % 256)
      printf "%s - - [%d/Nov/2026:%02d:%02d:%02d +0000] \"GET /page/%d.html HTTP/1.1\" 200 %d \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0\"\n",
        address, day, second / 3600, second / 60 % 60, second % 60, line % 50, line, 110 + source % 20, 110 + source % 20
    }
  }'
done > "$work/one.log"
# Another minor version with every third line: several agents a source.
awk 'NR % 3 == 0 { sub(/\.0"$/, ".0." NR % 5 "\"") } { print }' "$work/one.log" > "$work/several.log"
policy() { printf 'base = "hosting"\nname = "visitors"\nversion = 1\n[fields]\n"client.address" = { %s }\n%s\n' "$1" "$2"; }
pseudonym='treatment = "pseudonym", form = "address"'
agents='"user_agent.original" = { treatment = "keep", reason = "counted as they are" }'
policy "$pseudonym" "" > "$work/one.toml"
policy "$pseudonym" "$agents" > "$work/several.toml"
policy 'treatment = "truncate", v4 = 24, v6 = 48' "" > "$work/cut.toml"
visitors() {
  goaccess "$1" --log-format=COMBINED --no-global-config --no-progress -o "$work/visitors.json" >/dev/null 2>&1
  python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
days = sorted((row["data"], row["visitors"]["count"]) for row in report["visitors"]["data"])
assert len(days) == 5 and report["general"]["failed_requests"] == 0, report["general"]
print(*("%s:%d" % day for day in days))' "$work/visitors.json"
}
for name in one several; do
  "$sladd" -q --policy "$work/$name.toml" < "$work/$name.log" > "$work/min.log"
  raw=$(visitors "$work/$name.log") low=$(visitors "$work/min.log")
  if [ "$raw" != "$low" ]; then echo "goaccess visitors, agents a source: $name: $raw, minimised $low"; exit 1; fi
  echo "goaccess visitors, agents a source: $name: the same each day, $low"
done
"$sladd" -q --policy "$work/cut.toml" < "$work/one.log" > "$work/min.log"
if [ "$(visitors "$work/min.log")" = "$(visitors "$work/one.log")" ]; then echo "goaccess visitors: as many with truncated addresses"; exit 1; fi
echo "goaccess visitors, with truncated addresses: $(visitors "$work/min.log")"
