# make demo     the main job, on the embedded validator       make test     all tests
# make test-deploy  migrations/deploy.ts alone, against the embedded validator
# make test-ledger  the CLI with its feature `ledger`: lints and tests that need no device
# make fuzz     20,000 random sequences, chain against model   (PORTCULLIS_SEED=n: others)
# make program  rebuild artifacts/ and the tests' ELF          make bench    rewrite docs/compute-units.md
# make bench-upload  an upload of 1 MB against Solana's own command line, which it builds first (half an hour, once)
# make bench-list    10,000 proposals of 500 gates listed by status: time, requests, bytes, memory (a minute)
# make bench-shadow  replays against LiteSVM alone and simulateTransaction, with the memory that they take
# make mutants  break the program in 1,400 places, one at a time: which tests notice? (an hour or two)
# make lint     fmt and clippy, warnings denied               make docs     rustdoc, warnings denied
# make check    what CI checks against the committed files: ELF, IDL, compute units
SHELL := /bin/bash
CARGO ?= cargo
# Without -p cargo resolves features for the whole workspace, so that demo, tests and lint share their builds.
WORKSPACE := --locked --workspace
# Workspaces of their own: their features must not change the others' builds.
FORWARDER := tests/programs/forwarder
VAULT := tests/programs/vault
MUTANTS := tests/mutants

.PHONY: demo test test-deploy test-ledger fuzz mutants setup setup-node setup-ledger program bench bench-list bench-shadow bench-upload lint docs check fmt

demo: setup
	$(CARGO) run --locked --bin portcullis -- demo

test: setup setup-node
	$(CARGO) test $(WORKSPACE)

test-deploy: setup setup-node
	$(CARGO) test $(WORKSPACE) --test cli deploy::

test-ledger: setup setup-ledger
	$(CARGO) clippy $(WORKSPACE) --features portcullis-cli/ledger --bin portcullis -- -D warnings
	$(CARGO) test $(WORKSPACE) --features portcullis-cli/ledger --bin portcullis ledger

fuzz: setup
	PORTCULLIS_SEQUENCES=$${PORTCULLIS_SEQUENCES:-20000} $(CARGO) test $(WORKSPACE) --test model -- --nocapture

mutants: setup
	$(CARGO) run -q --locked --manifest-path $(MUTANTS)/Cargo.toml -- $(MUTANT)

setup:
	@scripts/setup.sh

# Apart, because the demo needs no node.
setup-node:
	@scripts/setup-node.sh

# Apart, because the CLI is built without the feature otherwise.
setup-ledger:
	@scripts/setup-ledger.sh

program:
	scripts/build-program.sh artifacts
	scripts/build-elf.sh $(FORWARDER) $(FORWARDER).so
	scripts/build-vault.sh $(VAULT)s

bench: setup
	$(CARGO) run -q --locked --bin compute-units -- docs/compute-units.md

bench-list: setup
	$(CARGO) test $(WORKSPACE) --test cli -- --ignored --nocapture bench_list

bench-upload: setup
	scripts/bench-upload.sh

bench-shadow: setup
	$(CARGO) test $(WORKSPACE) --test cli -- --ignored --nocapture bench_shadow

lint: setup setup-node
	$(CARGO) fmt --all --check
	$(CARGO) fmt --check --manifest-path $(FORWARDER)/Cargo.toml
	$(CARGO) fmt --check --manifest-path $(VAULT)/Cargo.toml
	$(CARGO) fmt --check --manifest-path $(MUTANTS)/Cargo.toml
	$(CARGO) clippy $(WORKSPACE) --all-targets -- -D warnings
	$(CARGO) clippy --locked --manifest-path $(FORWARDER)/Cargo.toml -- -D warnings
	$(CARGO) clippy --locked --manifest-path $(VAULT)/Cargo.toml -- -D warnings
	$(CARGO) clippy --locked --manifest-path $(MUTANTS)/Cargo.toml -- -D warnings
	migrations/node_modules/.bin/tsc -p migrations --noEmit

fmt:
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path $(FORWARDER)/Cargo.toml
	$(CARGO) fmt --manifest-path $(VAULT)/Cargo.toml
	$(CARGO) fmt --manifest-path $(MUTANTS)/Cargo.toml

docs: setup
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(WORKSPACE) --no-deps

check: setup
	@scripts/check-drift.sh
