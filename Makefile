# The only entrance. `make` lists the commands.
.DEFAULT_GOAL := help
# Nearest to MongoDB of what can be installed without an image (docs/operating.md).
RUST_STORE := secantus-mdb --version 0.5.3-beta.193
.PHONY: pictures examples client mock sbom images kubernetes test-images test-api fuzz-verify lives walks limits errors intake-rules rust-store lint types unit help run test test-allocation-load endurance bench-allocation bench-notify bench-audit bench-way bench-pages mutate check format golden openapi asyncapi access verifier lock dead-letters clean

PY := .venv/bin/python
# A lone shell for recipes that must clean up after themselves.
SHELL := /bin/bash
# Compiled code is kept: without it each start of a service and each run of the tests compiles it all.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

run: .venv/run ## start all four services with sample data (embedded store, not for live cases)
	@exec $(PY) -m allinone

# Half of its time a test waits: three at once keep two cores busy.
test: .venv/dev .venv/checkov/bin/checkov ## run every test against a real RabbitMQ and a MongoDB-protocol store
	@EXAMPLES=200 PATIENCE=3 CONTAINERS=$(CONTAINERS) $(PY) -m pytest \
	  -n $(or $(AT_ONCE),3) --dist loadfile --no-loadscope-reorder tests

test-api: .venv/dev ## no input makes a 500: every extreme, and schemathesis with every role's token
	@EXTREMES=all API=all PATIENCE=3 $(PY) -m pytest -s tests/service/test_extremes.py tests/service/test_heads_of_routes.py tests/service/test_openapi.py

fuzz-verify: .venv/dev ## exports that somebody made up, against the offline verifier: EXAMPLES=20000, half an hour
	@EXAMPLES=$(or $(EXAMPLES),20000) $(PY) -m pytest -q -s --hypothesis-show-statistics \
	  tests/service/test_audit_verify_fuzz.py

lives: .venv/dev ## random lives of children who are alike: LIVES=300, SEED=… lives them again
	@LIVES=$(or $(LIVES),300) PATIENCE=3 $(PY) -m pytest -q -s tests/service/test_lives.py

walks: .venv/dev ## random walks: at each moment somebody knows that a referral is theirs: WALKS=30, SEED=…
	@WALKS=$(or $(WALKS),30) $(PY) -m pytest -q -s -n 0 tests/system/test_attention.py

test-faults: .venv/dev ## services, broker, store and network fail while people refer; the books balance: FAULTS_FOR=1200 seconds
	@FAULTS_FOR=$(or $(FAULTS_FOR),1200) PATIENCE=3 $(PY) -m pytest -q -s -n 0 tests/faults

pictures: .venv/dev ## take the pictures of the pages in docs/pictures anew, from sample data
	@mkdir -p docs/pictures && PICTURES=docs/pictures $(PY) -m pytest -q -s -n 0 tests/system/test_pages.py -k "accepted and not no"

mock: .venv/run ## a network for an agency's own tests: empty at each start, and a Hub that answers by itself
	@exec $(PY) -m allinone --mock

rust-store: ## build SecantusDB's Rust server, where cargo is: the tests take it then
	@command -v secantusd-rs >/dev/null || test -x "$${CARGO_HOME:-$$HOME/.cargo}/bin/secantusd-rs" || { \
	  command -v cmake >/dev/null && command -v clang >/dev/null || \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq cmake clang libclang-dev; }; \
	  cargo install --quiet --locked --ignore-rust-version $(RUST_STORE); }

sbom: .venv/run ## write what the images are made of, as CycloneDX: sbom.json
	@$(PY) -m deploy.sbom sbom.json && echo "sbom.json written"

images: ## build every image without a registry: bases of Debian packages, a store for trials, the services
	@deploy/images/build.sh

kubernetes: .venv/dev .venv/checkov/bin/checkov ## deploy/k8s rendered: schemas, Pod Security, checkov's rules
	@$(PY) -m pytest -q -n 0 tests/system/test_kubernetes.py

test-images: .venv/dev ## the images, alone and composed: used from outside, crashed, stopped, replaced
	@IMAGES=1 PATIENCE=3 $(PY) -m pytest -s tests/images

test-allocation-load: .venv/dev ## 8 allocators, 2,000 referrals, 60 workers, in peace and killed: ten minutes
	@ALLOCATORS=8 REFERRALS=2000 WORKERS=60 KILL_EVERY=0,5 \
	  $(PY) -m pytest -s tests/system/test_allocators.py

bench-allocation: .venv/dev ## time of one allocation, from 10 to 10,000 workers and 100,000 past allocations
	@$(PY) -m benchmarks.allocation

bench-notify: .venv/dev ## what hostile endpoints cost the others, and the memory of 1,000 endpoints
	@$(PY) -m benchmarks.notify

bench-way: .venv/dev ## what one referral costs: store calls, CPU, latency, throughput
	@$(PY) -m benchmarks.way

bench-pages: .venv/dev ## what a page costs beside the calls of the APIs that it makes (ROUNDS=…)
	@$(PY) -m benchmarks.pages

endurance: .venv/dev ## notify at full scale: 1,000 endpoints, 500 waiting, ten minutes of kills
	@SCALE=1 KILLS=600 $(PY) -m pytest -s tests/system/test_notify_kills.py \
	  tests/system/test_notify_scale.py tests/service/test_notify_delivery.py \
	  -k "kills or killed or many"

check: .venv/dev ## format, lint, types, import rules, unit tests: under 30 seconds
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types lint unit

lint: .venv/dev
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/lint-imports --no-logo --no-cache

types: .venv/dev
	@.venv/bin/mypy

unit: .venv/dev
	@EXAMPLES=25 $(PY) -m pytest -q -n 2 tests/unit

mutate: .venv/dev ## change the rules and see whether a test notices (SAMPLE=200 SEED=1 ONLY='shared.rules.*')
	@.venv/bin/pip install --quiet --require-hashes -r requirements/mutate.txt
	@$(PY) tests/mutate.py

format: .venv/dev ## format the code and fix what can be fixed
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

dead-letters: .venv/run ## list parked messages; replay one with ID=…
	@$(PY) -m shared.operating.dead_letters $(if $(ID),replay $(ID),list)

errors: .venv/dev ## write the page of every code of an error: docs/errors.md
	@$(PY) -m tests.golden.errors

limits: .venv/dev ## write docs/limits.md from the settings and the constants
	@$(PY) -m tests.golden.limits

intake-rules: .venv/dev ## write docs/intake.md from the rules by which documents are read
	@$(PY) -m tests.golden.intake
	@$(PY) -m tests.golden.forms
	@$(PY) -m tests.golden.bars
	@$(PY) -m tests.golden.imports

examples: .venv/dev ## write the examples of the API description, as a run of the network answers them
	@WRITE_EXAMPLES=1 $(PY) -m pytest -q -n 0 tests/system/test_examples.py
	@$(PY) -m tests.golden.openapi

openapi: .venv/dev ## write the API descriptions under docs/openapi
	@$(PY) -m tests.golden.openapi

client: .venv/dev ## write the methods of the agencies' client: clients/python
	@$(PY) -m tests.golden.client && .venv/bin/ruff format --quiet clients

access: .venv/dev ## write the page of who may do what: docs/access.md
	@$(PY) -m tests.golden.access

asyncapi: .venv/dev ## write the description of all events: docs/asyncapi.json
	@$(PY) -m tests.golden.asyncapi

golden: .venv/dev ## write golden files for events that have none yet
	@$(PY) -m tests.golden

bench-audit: .venv/dev ## measure the trail against bare inserts, pymerkle and bare hashing (SIZES=…)
	@.venv/bin/pip install --quiet --require-hashes -r requirements/bench.txt
	@$(PY) -m benchmarks.audit

verifier: .venv/run ## write the offline verifier as one file: verify_trail.py
	@$(PY) -m services.audit one-file > verify_trail.py && echo "verify_trail.py written"

lock: .venv/dev ## pin requirements/*.in with hashes (no addresses)
	@for part in run embedded dev bench mutate checkov; do .venv/bin/uv pip compile --quiet --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  requirements/$$part.in --output-file requirements/$$part.txt; done

clean: ## remove the environment and caches; ./data stays
	@rm -rf .venv .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/run: requirements/run.txt requirements/embedded.txt | .venv/bin/pip
	@.venv/bin/pip install --quiet --require-hashes -r requirements/run.txt -r requirements/embedded.txt
	@touch $@

.venv/dev: requirements/dev.txt .venv/run
	@.venv/bin/pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# Two minutes, once: beside our environment, since its pins would move ours.
.venv/checkov/bin/checkov: requirements/checkov.txt | .venv/bin/pip
	@$(PY) -m venv .venv/checkov
	@.venv/checkov/bin/pip install --quiet --require-hashes -r requirements/checkov.txt
	@touch $@

.venv/bin/pip:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; this is $$(python3 --version)."; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing."; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq python3-venv; \
	  else echo "Install it with: sudo apt-get install python3-venv"; exit 1; fi; }
	@python3 -m venv .venv
