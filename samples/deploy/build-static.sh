#!/usr/bin/env bash
# Builds the static binary: target/x86_64-unknown-linux-gnu/release/sladd needs no library and runs on any Linux.
set -euo pipefail
cd "$(dirname "$0")/../.."
RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$PWD=/sladd" \
  cargo build --release --target x86_64-unknown-linux-gnu
ls -l "${CARGO_TARGET_DIR:-target}"/x86_64-unknown-linux-gnu/release/sladd
