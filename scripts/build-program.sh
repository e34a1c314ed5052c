#!/usr/bin/env bash
# build-program.sh DIR: builds the program's ELF (sBPF v3), its SHA-256 and its IDL into DIR.
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."

scripts/build-elf.sh programs/portcullis "$out/portcullis.so"
(cd "$out" && sha256sum portcullis.so > portcullis.so.sha256)
cargo run -q --locked --bin xtask -- idl "$out/portcullis.json"
