#!/usr/bin/env bash
# soak.sh SLADD MINUTES: lines at four fifths of what the sidecar can take, while files are rotated, the policy is read again,
# the sidecar is killed and its disk is full. At the end every line came out once, and memory and descriptors did not grow.
set -euo pipefail
sladd=$(realpath "$1"); here=$(dirname "$(realpath "$0")")
exec python3 "$here/soak.py" "$sladd" "${2:-2}"
