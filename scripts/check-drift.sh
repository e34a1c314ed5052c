#!/usr/bin/env bash
# Fails where a committed file is not what the source makes: the ELFs, the program's SHA-256, the IDL, the compute-unit table.
# ELFs are compared only with SBF_CARGO: the committed ones were built by that compiler, and each compiler's bytes differ.
set -euo pipefail
cd "$(dirname "$0")/.."
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT

same() {
  cmp "$1" "$2" || { echo "error: $1 is not what the source builds" >&2; echo "hint: run \`$3\` and commit the result" >&2; exit 1; }
  echo "ok: $1"
}

(cd artifacts && sha256sum --quiet -c portcullis.so.sha256)
if [ -n "${SBF_CARGO:-}" ]; then
  scripts/build-program.sh "$new"
  same artifacts/portcullis.so "$new/portcullis.so" "make program"
  scripts/build-elf.sh tests/programs/forwarder "$new/forwarder.so"
  same tests/programs/forwarder.so "$new/forwarder.so" "make program"
  mkdir "$new/vaults"
  scripts/build-vault.sh "$new/vaults"
  for elf in tests/programs/vaults/*.so; do
    same "$elf" "$new/vaults/$(basename "$elf")" "make program"
  done
else
  echo "note: SBF_CARGO is not set, so the ELFs are not rebuilt" >&2
  cargo run -q --locked --bin xtask -- idl "$new/portcullis.json"
fi
same artifacts/portcullis.json "$new/portcullis.json" "make program"
cargo run -q --locked --bin compute-units -- "$new/compute-units.md"
same docs/compute-units.md "$new/compute-units.md" "make bench"
