#!/usr/bin/env bash
# build-vault.sh FOLDER: builds the tests' vault into FOLDER: vault.so as it should be, and one ELF for each of its bugs.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build-elf.sh tests/programs/vault "$1/vault.so"
for bug in fee-not-charged wrong-account-debited signer-not-checked owner-not-checked fields-reordered \
  rounds-against-the-vault pause-ignored balance-not-checked backdoor stops-at-a-date large-payments-free drain; do
  scripts/build-elf.sh tests/programs/vault "$1/vault-$bug.so" "$bug"
done
