#!/usr/bin/env bash
# Fails where a committed file is not what the source makes: the ELF, its SHA-256, the IDL, the compute-unit table.
# The ELF is compared only with SBF_CARGO: the committed one was built by that compiler, and each compiler's bytes differ.
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
else
  echo "note: SBF_CARGO is not set, so the ELF is not rebuilt" >&2
  cargo run -q --locked --bin xtask -- idl "$new/portcullis.json"
fi
same artifacts/portcullis.json "$new/portcullis.json" "make program"
cargo run -q --locked --bin compute-units -- "$new/compute-units.md"
same docs/compute-units.md "$new/compute-units.md" "make bench"
