#!/usr/bin/env bash
# build-elf.sh CRATE FILE [FEATURE]: builds the crate in the folder CRATE as sBPF v3 and copies its ELF to FILE.
# The ELF comes from `cargo build-sbf` where Solana's tools are installed, else from the compiler that SBF_CARGO names.
# SBF_CARGO wins if both are there, so that the committed ELFs can be rebuilt to the byte.
set -euo pipefail
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
name=$(basename "$1")
features=(${3:+--features "$3"})

if [ -n "${SBF_CARGO:-}" ]; then
  # It compiles Rust's library with the program: without overflow checks, as in Solana's tools; the program and its crates keep
  # theirs. And its linker leaves functions apart that have become the same code.
  smaller=(-Z profile-rustflags)
  for crate in core alloc std; do
    smaller+=(--config "profile.release.package.$crate.overflow-checks=false")
  done
  smaller+=(--config "profile.release.package.$name.rustflags=['-Clink-arg=--llvm-args=--enable-merge-functions']")
  (cd "$1" && CARGO_TARGET_DIR="$target/sbpf" "$SBF_CARGO" --locked "${smaller[@]}" "${features[@]}")
  cp "$target/sbpf/sbpf-solana/release/lib$name.so" "$out"
elif cargo build-sbf --version >/dev/null 2>&1; then
  new=$(mktemp -d)
  trap 'rm -rf "$new"' EXIT
  CARGO_TARGET_DIR="$target/sbf" cargo build-sbf --arch v3 --manifest-path "$1/Cargo.toml" --sbf-out-dir "$new" -- --locked "${features[@]}"
  cp "$new/$name.so" "$out"
else
  echo "error: required a compiler for sBPF; found neither SBF_CARGO nor cargo build-sbf" >&2
  echo "hint: install Solana's tools, https://docs.anza.xyz/cli/install" >&2
  exit 1
fi
