PYTHON ?= python3.11
BIN := .venv/bin
SHARED ?= ../shared

EVALUATIONS := evaluate-pseudonyms evaluate-names evaluate-passages evaluate-entities evaluate-addresses evaluate-persons \
  evaluate-packs evaluate-linkage evaluate-quiet evaluate-incidents

.PHONY: help run up test check lint types contracts evaluate $(EVALUATIONS) model judge judge-further bench bench-feeds bench-delivery soak soak-delivery readme lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 22

run: .venv/run  ## set everything up and start the demo
	@$(BIN)/leakwatch demo

up: .venv/run  ## start the service on ./data
	@$(BIN)/leakwatch up

test: .venv/dev  ## set everything up and run all tests
	@$(BIN)/python -m pytest

check: lint types contracts test  ## everything that must hold before a commit

lint: .venv/dev  ## style and common mistakes
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/dev  ## static types
	@$(BIN)/mypy

contracts: .venv/dev  ## which room may import which
	@$(BIN)/lint-imports

evaluate: $(EVALUATIONS)  ## measure all that follows, one after another, with the data in SHARED

evaluate-pseudonyms: .venv/run  ## measure how well disguised pseudonyms are found, with the data in SHARED
	@$(BIN)/python $(SHARED)/evaluate/make_pseudonyms.py build/evaluate --seed 17 --part A --per-kind 60 --negatives 15000 \
	  --texts $(SHARED)/data/posts/goemotions.jsonl.gz,$(SHARED)/data/posts/youtube.jsonl.gz \
	  --handles $(SHARED)/data/names/handles.jsonl.gz
	@for sensitivity in strict balanced wide; do \
	  sed "s/^  - name: Handles/&\n    sensitivity: $$sensitivity/" build/evaluate/watchlist.yaml > build/evaluate/$$sensitivity.yaml; \
	  $(BIN)/leakwatch scan --watchlist build/evaluate/$$sensitivity.yaml --input build/evaluate/docs.jsonl \
	    --output build/evaluate/$$sensitivity.jsonl; test $$? -le 1 || exit; \
	  echo $$sensitivity; \
	  $(BIN)/python $(SHARED)/evaluate/score_pseudonyms.py build/evaluate build/evaluate/$$sensitivity.jsonl; done

evaluate-names: .venv/dev  ## measure how well names are found, with the data in SHARED
	@$(BIN)/python -m tests.evaluate_names $(SHARED)

evaluate-passages: .venv/dev  ## measure how well copied passages are found, with the data in SHARED
	@$(BIN)/python -m tests.evaluate_passages $(SHARED)

evaluate-linkage: .venv/dev  ## measure how well a dox is told from a mention
	@$(BIN)/python -m tests.evaluate_linkage

evaluate-entities: .venv/dev  ## measure the recognisers beside presidio-analyzer's, with the data in SHARED
	@$(BIN)/python -m tests.evaluate_entities $(SHARED)

evaluate-quiet: .venv/dev  ## measure false alarms on real posts, with the data in SHARED
	@$(BIN)/python -m tests.evaluate_quiet $(SHARED)

evaluate-incidents: .venv/dev  ## measure how well copies of one leak join, with the data in SHARED
	@$(BIN)/python -m tests.evaluate_incidents $(SHARED)

evaluate-packs: .venv/dev  ## measure how quiet the topic packs are in ordinary posts, with the data in SHARED
	@$(BIN)/python -m tests.evaluate_packs $(SHARED)

evaluate-addresses: .venv/dev  ## measure how well street addresses are seen, with the data in SHARED
	@$(BIN)/python -m tests.evaluate_addresses $(SHARED)

evaluate-persons: .venv/dev  ## measure how well persons, places and organisations are seen, with the data in SHARED
	@$(BIN)/python -m tests.evaluate_persons $(SHARED)

model: .venv/run  ## train the model of persons, places and organisations anew, with the data in SHARED
	@OMP_NUM_THREADS=1 $(BIN)/python -m matchers.entities.model.train $(SHARED) --texts alerting/judge/texts

judge: .venv/judge  ## train the judge of linkage anew, with the data in SHARED
	@OMP_NUM_THREADS=1 .venv/judge/bin/python -m alerting.judge.train $(SHARED)
	@OMP_NUM_THREADS=1 .venv/judge/bin/python -m alerting.judge.train_glance $(SHARED)

judge-further: .venv/judge  ## let the judge learn on from where it stands, with the data in SHARED
	@OMP_NUM_THREADS=1 .venv/judge/bin/python -m alerting.judge.train --further $(SHARED)
	@OMP_NUM_THREADS=1 .venv/judge/bin/python -m alerting.judge.train_glance $(SHARED)

bench: .venv/run  ## measure the engine's speed beside other ways, with the data in SHARED
	@$(BIN)/leakwatch bench --characters 240 --handles $(SHARED)/data/names/handles.jsonl.gz \
	  --texts $(SHARED)/data/posts/goemotions.jsonl.gz --texts $(SHARED)/data/posts/youtube.jsonl.gz

bench-feeds: .venv/dev  ## measure what polling a thousand feeds costs, in a minute
	@$(BIN)/python -m tests.bench_feeds

bench-delivery: .venv/dev  ## measure how long a notice takes from document to receiver, in a minute
	@$(BIN)/python -m tests.bench_delivery

soak-delivery: .venv/dev  ## kill the service 200 times while it delivers, and live through a day without receivers
	@$(BIN)/python -m tests.kill_delivery
	@$(BIN)/python -m tests.outage

soak: .venv/dev  ## read every recorded feed and 10,000 broken ones, with the data in SHARED
	@$(BIN)/python -m tests.soak_feeds $(SHARED) 10000
	@$(BIN)/python -m tests.soak_feeds $(SHARED) 0 --alone

readme: .venv/dev  ## write the tables of README and docs anew that are made by the program
	@$(BIN)/python -m tests.readme_table
	@$(BIN)/python -m tests.identifier_table

lock: .venv/dev  ## pin the newest dependencies again, with hashes
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade \
	  pyproject.toml --extra fast --extra bench --group build -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --extra fast --extra bench --group dev -c requirements.txt -o requirements-dev.txt

clean:  ## remove the environment and all caches (not ./data)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -m venv .venv >/dev/null || { rm -rf .venv; \
	  [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null && $(PYTHON) -m venv .venv; } || { rm -rf .venv; \
	  echo "Python cannot make a virtual environment: install it with 'apt-get install python3-venv', then try again." >&2; exit 1; }

.venv/run: .venv/bin/python requirements.txt pyproject.toml
	@echo "Setting up (once) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# PyTorch is too large for everybody's environment.
.venv/judge: .venv/run alerting/judge/requirements.txt
	@$(PYTHON) -m venv .venv/judge
	@.venv/judge/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@.venv/judge/bin/pip install --quiet --disable-pip-version-check -r alerting/judge/requirements.txt
	@touch $@

.venv/dev: .venv/run requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
