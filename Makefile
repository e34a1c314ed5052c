# make demo     the main job, on the embedded validator       make test     all tests
# make program  rebuild artifacts/ (ELF, SHA-256, IDL)        make bench    rewrite docs/compute-units.md
# make lint     fmt and clippy, warnings denied               make docs     rustdoc, warnings denied
# make check    what CI checks against the committed files: ELF, IDL, compute units
SHELL := /bin/bash
CARGO ?= cargo
# Without -p cargo resolves features for the whole workspace, so that demo, tests and lint share their builds.
WORKSPACE := --locked --workspace

.PHONY: demo test setup program bench lint docs check fmt

demo: setup
	$(CARGO) run --locked --bin portcullis -- demo

test: setup
	$(CARGO) test $(WORKSPACE)

setup:
	@scripts/setup.sh

program:
	scripts/build-program.sh artifacts

bench: setup
	$(CARGO) run -q --locked --bin compute-units -- docs/compute-units.md

lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(WORKSPACE) --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all

docs: setup
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(WORKSPACE) --no-deps

check: setup
	@scripts/check-drift.sh
