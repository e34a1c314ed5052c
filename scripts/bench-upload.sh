#!/usr/bin/env bash
# Measures uploads against `solana program write-buffer` of solana-cli 4.2, which is built from crates.io once. SOLANA names
# another binary.
set -euo pipefail
cd "$(dirname "$0")/.."
root=${XDG_CACHE_HOME:-$HOME/.cache}/portcullis/solana-cli
export SOLANA=${SOLANA:-$root/bin/solana}
[ -x "$SOLANA" ] || pkg-config --exists libudev || {
  echo "error: solana-cli needs libudev's headers: apt-get install libudev-dev" >&2
  exit 1
}
[ -x "$SOLANA" ] || CARGO_TARGET_DIR=$root/target cargo install solana-cli --version '~4.2' --locked --features agave-unstable-api --root "$root"
exec cargo test --locked --workspace --test cli -- --ignored --nocapture bench_upload
