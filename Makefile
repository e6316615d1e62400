# SPDX-License-Identifier: Apache-2.0
# The commands of a contributor. `make help` lists them.

SWIFT_FLAGS := --explicit-target-dependency-import-check error
VENV := .venv
PYTHON := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help deps venv build release test test-swift test-python lint format proto demo bench \
	train clean

help: ## List these commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

deps: ## Install the Debian packages of .ci/system-packages.
	@.ci/install-packages

venv: deps $(VENV)/.ready ## Make the virtual environment of the Python clients.

$(VENV)/.ready: Tests/requirements.txt | deps
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

build: deps ## Build for debugging.
	swift build $(SWIFT_FLAGS)

release: deps ## Build for use.
	swift build -c release $(SWIFT_FLAGS)

test: lint test-swift test-python ## Run everything that CI runs.

test-swift: deps ## Run the tests that are written in Swift.
	swift build --build-tests $(SWIFT_FLAGS)
	swift test --skip-build

test-python: venv release ## Run the tests with stock clients and official libraries as oracles.
	$(PYTHON) -m pytest -q Tests

bench: release ## Measure Score beside nghttpd; bench/README.md says how to read it.
	.build/release/Bench score --commit $$(git describe --always --dirty)

proto: deps ## Regenerate Sources/API/Generated from proto/.
	swift build --product ProtoGen
	protoc --plugin=protoc-gen-kassa=.build/debug/ProtoGen --kassa_out=Sources/API/Generated \
		-Iproto $(sort $(patsubst proto/%,%,$(wildcard proto/*/*/*.proto proto/*/*/*/*.proto)))

lint: deps ## Check the formatting.
	swift format lint --strict --recursive --parallel Package.swift Sources Tests bench

format: ## Format the sources.
	swift format --in-place --recursive --parallel Package.swift Sources Tests bench

clean: ## Remove what was built.
	rm -rf .build $(VENV)
