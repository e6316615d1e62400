# SPDX-License-Identifier: Apache-2.0
# The commands of a contributor. `make help` lists them.

SWIFT_FLAGS := --explicit-target-dependency-import-check error
VENV := .venv
PYTHON := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help deps venv build release test test-swift test-python test-durability soak demo bench bench-store bench-guards bench-models fuzz \
	train lint format proto clean

help: ## List these commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

deps: ## Install the Debian packages of .ci/system-packages.
	@.ci/install-packages

venv: deps $(VENV)/.ready ## Make the virtual environment of the Python clients.

$(VENV)/.ready: Tests/requirements.txt clients/python/pyproject.toml | deps
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e clients/python
	@touch $@

build: deps ## Build for debugging.
	swift build $(SWIFT_FLAGS)

release: deps ## Build for use.
	swift build -c release $(SWIFT_FLAGS)

test: lint test-swift test-python test-durability ## Run everything that CI runs.

test-swift: deps ## Run the tests that are written in Swift.
	swift build --build-tests $(SWIFT_FLAGS)
	swift test --skip-build

test-python: venv build release ## Run the tests with stock clients and official libraries as oracles.
	Tests/differential/proto_is_fresh.sh
	$(PYTHON) -m pytest -q Tests
	$(PYTHON) -m pytest -q clients/python
	cd clients/python && $(abspath $(PYTHON)) -m mypy

test-durability: deps build ## Kill the writer, fail its system calls, cut the power, flip bits.
	python3 Tests/durability/kill9.py --rounds 20
	python3 Tests/durability/syscall_faults.py --calls 3
	python3 Tests/durability/power_cut.py --images 1000
	python3 Tests/durability/corpus.py --flips 200
	python3 Tests/durability/address_space.py --rounds 10

soak: venv build release ## The long versions: 200 kills, all failing calls, ten minutes of load, 20,000 rollouts.
	python3 Tests/durability/kill9.py --rounds 200
	python3 Tests/durability/syscall_faults.py --calls 12
	python3 Tests/durability/power_cut.py --images 10000
	python3 Tests/durability/corpus.py --flips 10000
	python3 Tests/durability/address_space.py --rounds 100
	KASSA_STOP_SECONDS=30 $(PYTHON) -m pytest -q Tests/python/test_signals.py
	KASSA_SWAPS=10000 KASSA_KILL_ROUNDS=200 $(PYTHON) -m pytest -q -s Tests/python/test_rollouts.py -k "swapped or kill_9"
	KASSA_FEATURE_VERSIONS=200 $(PYTHON) -m pytest -q -s Tests/python/test_feature_versions.py
	KASSA_KILL_ROUNDS=200 $(PYTHON) -m pytest -q Tests/python/test_durability.py
	$(PYTHON) bench/soak.py --seconds 600
	KASSA_SIMULATIONS=20000 .build/release/RolloutSimulations soak

demo: deps ## Play the main job end to end, with a story.
	swift build -c release $(SWIFT_FLAGS) --product kassa
	swift build -c release $(SWIFT_FLAGS) --product Demo
	.build/release/Demo run

bench: deps release ## Measure Score beside nghttpd in one run; writes bench/results/score.json.
	.build/release/Bench score

bench-store: deps release ## Measure the feature store beside raw LMDB in C; writes bench/results/store.json.
	.build/release/Bench store

bench-guards: deps release ## Measure what an open rollout and swaps cost; writes bench/results/guards.json.
	.build/release/Bench guards --rounds 9

BENCH_MODELS := .build/bench-models

bench-models: deps ## Measure trees beside LightGBM, XGBoost, ONNX Runtime, tl2cgen, lleaves, YDF (PyPI).
	test -d $(BENCH_MODELS)/venv || python3 -m venv $(BENCH_MODELS)/venv
	$(BENCH_MODELS)/venv/bin/python -m pip install --quiet --disable-pip-version-check \
		-r bench/models/requirements.txt
	$(BENCH_MODELS)/venv/bin/python bench/models/prepare.py $(BENCH_MODELS)/data
	swift build -c release $(SWIFT_FLAGS) --product Bench
	swift build -c release $(SWIFT_FLAGS) --product TreePeers
	.build/release/Bench models

fuzz: deps ## Fuzz every reader of model files; FUZZ_SECONDS for each format (60).
	Tests/fuzz/fuzz_models.sh $(or $(FUZZ_SECONDS),60)

train: ## Train the demo's models again (needs PyPI; the result is committed).
	python3 -m venv .build/train
	.build/train/bin/python -m pip install --quiet --disable-pip-version-check \
		-r Sources/Demo/Training/requirements.txt
	swift build -c release --product Demo
	.build/release/Demo export --sessions 150000 --seed 1 > .build/train/rows.csv
	.build/release/Demo export --sessions 150000 --seed 2 > .build/train/fresh.csv
	.build/train/bin/python Sources/Demo/Training/train.py .build/train/rows.csv .build/train/fresh.csv

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
