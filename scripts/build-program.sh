#!/usr/bin/env bash
# build-program.sh DIR: builds the program's ELF (sBPF v3), its SHA-256 and its IDL into DIR.
# The ELF comes from `cargo build-sbf` where Solana's tools are installed, else from the compiler that SBF_CARGO names.
# SBF_CARGO wins if both are there, so that the committed ELF can be rebuilt to the byte.
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}

if [ -n "${SBF_CARGO:-}" ]; then
  (cd programs/portcullis && CARGO_TARGET_DIR="$target/sbpf" "$SBF_CARGO" --locked)
  cp "$target/sbpf/sbpf-solana/release/libportcullis.so" "$out/portcullis.so"
elif cargo build-sbf --version >/dev/null 2>&1; then
  CARGO_TARGET_DIR="$target/sbf" cargo build-sbf --arch v3 --manifest-path programs/portcullis/Cargo.toml --sbf-out-dir "$out" -- --locked
  rm -f "$out/portcullis-keypair.json"
else
  echo "error: required a compiler for sBPF; found neither SBF_CARGO nor cargo build-sbf" >&2
  echo "hint: install Solana's tools, https://docs.anza.xyz/cli/install" >&2
  exit 1
fi
(cd "$out" && sha256sum portcullis.so > portcullis.so.sha256)
CARGO_TARGET_DIR="$target" cargo run -q --locked --bin xtask -- idl "$out/portcullis.json"
