#!/usr/bin/env bash
# GoAccess reads the minimised log as it reads the raw one: the same hits, failed lines, status codes, methods and bytes,
# and the same browser and system for 95 % of the hits or more.
#
# A hostile line that GoAccess cannot read raw (a user with blanks and brackets) may be readable once it is minimised; such
# lines of the sample are told and left out. Of the corpus all lines count.
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
