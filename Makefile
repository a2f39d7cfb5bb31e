# Karakuri's commands; `make help` lists them. The set-up behind them is packaging/setup.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Clones share one assets directory; every process that loads a file of it checks the digest.
CARGO_TARGET_DIR ?= $(CURDIR)/target
KARAKURI_ASSETS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/karakuri/assets
export CARGO_TARGET_DIR KARAKURI_ASSETS
export KARAKURI_TEST_PYTHON := $(shell KARAKURI_ASSETS='$(KARAKURI_ASSETS)' packaging/setup/python.sh test --path)
export KARAKURI_BENCH_PYTHON := $(shell KARAKURI_ASSETS='$(KARAKURI_ASSETS)' packaging/setup/python.sh bench --path)
check_python := $(shell KARAKURI_ASSETS='$(KARAKURI_ASSETS)' packaging/setup/python.sh check --path)

toolchain := $(or $(RUSTUP_TOOLCHAIN),$(shell packaging/setup/toolchain.sh))
ifneq ($(toolchain),)
export RUSTUP_TOOLCHAIN := $(toolchain)
endif

setup := packaging/setup/setup.sh
workspace := --release --locked --workspace
karakuri := $(CARGO_TARGET_DIR)/release/karakuri
cargo_deny := $(KARAKURI_ASSETS)/tools/cargo-deny --config .deny.toml --locked
shell_scripts = $(shell find packaging tests -name '*.sh') .ci/run

.PHONY: help run test check bench soak setup build doctor clean
.PHONY: build-tests run-tests format lint deny docs scripts infrastructure workflows

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

run: ## Set up, build, and run the invoice workflow on a desktop of its own
	@$(setup) run
	@$(MAKE) build
	@$(karakuri) run workflows/library/invoice-entry

test: ## Set up and run every test
	@$(setup) test
	@$(MAKE) run-tests

check: ## What a commit must pass: format, lints, cargo-deny, docs, scripts, infrastructure, workflows, tests
	@$(setup) check
	@$(MAKE) format lint deny docs scripts infrastructure run-tests workflows

bench: ## Measure against named peers: a table of ratios, and target/bench.json (PART=data_plane: one part)
	@$(setup) bench
	@$(MAKE) build
	@$(CARGO_TARGET_DIR)/release/bench $(PART)

soak: ## The tests that are too long for every run
	@$(setup) soak
	@$(MAKE) build-tests
	KARAKURI_SOAK=1 cargo test $(workspace) --no-fail-fast -- --include-ignored

setup: ## Install what running and testing need, without building
	@$(setup) test

build: ## Compile the programs
	cargo build $(workspace) --bins

doctor: ## Check the platform, every asset's SHA-256 and, when built, the agent itself
	@KARAKURI_DOCTOR=1 packaging/setup/preflight.sh
	@KARAKURI_DOCTOR=1 packaging/setup/apt.sh run build
	@/usr/bin/python3 packaging/setup/assets.py --verify packaging/assets.lock $(KARAKURI_ASSETS)
	@if [[ -x $(karakuri) ]]; then $(karakuri) doctor; else echo "karakuri is not built yet: make build"; fi

clean: ## Remove what was built; the shared assets stay
	cargo clean

# One invocation compiles programs and tests, so that both see the same features of a dependency.
build-tests:
	cargo build $(workspace) --all-targets

run-tests: build-tests
	/usr/bin/python3 -m unittest discover --start-directory packaging/setup/tests
	/usr/bin/python3 -m unittest discover --start-directory packaging/terraform/tests
	/usr/bin/python3 -m unittest discover --start-directory workflows/sdk/python --top-level-directory workflows/sdk/python
	/usr/bin/python3 -m unittest discover --start-directory workflows/library/tests
	cargo test $(workspace) --no-fail-fast

format:
	cargo fmt --all --check

lint:
	cargo clippy $(workspace) --all-targets -- --deny warnings

# The advisory database is a git repository: fetched where that is possible, an older copy used
# where it is not, and said where there is none.
deny:
	$(cargo_deny) check bans licenses sources
	@if ! $(cargo_deny) fetch db && ! compgen -G "$${CARGO_HOME:-$$HOME/.cargo}/advisory-dbs/*/.git/HEAD" >/dev/null; then \
	    echo "deny: advisories were NOT checked: the advisory database cannot be fetched from here"; \
	else $(cargo_deny) check --disable-fetch advisories; fi

docs:
	RUSTDOCFLAGS="--deny warnings" cargo doc $(workspace) --no-deps

scripts:
	shellcheck --external-sources $(shell_scripts)

# No registry that we use has Terraform or OpenTofu: where one is installed, it is asked too.
infrastructure:
	$(check_python) packaging/terraform/check.py
	$(dir $(check_python))checkov --directory packaging/terraform --framework terraform --skip-download --quiet --compact
	@if tool="$$(command -v tofu || command -v terraform)"; then \
	    export CHECKPOINT_DISABLE=1; \
	    "$$tool" fmt -check -recursive -diff packaging/terraform; \
	    for module in documents tests/inputs; do "$$tool" -chdir="packaging/terraform/$$module" test; done; \
	else echo "infrastructure: neither tofu nor terraform is here: format and *.tftest.hcl were NOT checked"; fi

workflows:
	for manifest in workflows/library/*/workflow.toml; do $(karakuri) lint "$${manifest%/*}"; done
