# Everything this project can do on one machine that has make and a Python. CI and people run the same targets.

.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
NIGHT ?= 1
PORT ?= 8000
ARGS ?=

# 3.12 and 3.11 first: for them the embedded Redis comes ready built.
PYTHONS := python3.12 python3.11 python3 python3.13 python3.14

# The tests' environment holds the demo's as well, so once it is there the demo never installs less over it.
READY := $(if $(wildcard $(VENV)/.dev),$(VENV)/.dev,$(VENV)/.runtime)
SYNC = $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes
LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11
SERVED = $(BIN)/python -m local.with_services

.PHONY: help demo test check fix bench bench-fleet journeys smoke reset cards verify-live lock

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)$$/make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r target text; do printf '%-18s%s\n' "$$target" "$$text"; done

demo: $(READY) ## five demo schools with everything running; NIGHT=3 moves the world on, PORT=8000; Ctrl-C stops it
	@$(BIN)/python -m local.demo --night $(NIGHT) --port $(PORT)

test: $(VENV)/.dev ## all tests on a PostgreSQL, a Redis and a Chromium of their own; ARGS="-k …" for some
	@chromium="$$($(BIN)/python -m local.chromium)" && CHROMIUM="$$chromium" $(SERVED) --name test -- \
		$(BIN)/python -m pytest -n auto $(ARGS)

check: $(VENV)/.dev ## lint, format, types, architecture, templates, settings, migrations, compose file, known faults
	@$(BIN)/python -m local.check

fix: $(VENV)/.dev ## let ruff repair and format what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: $(VENV)/.bench ## measure: a night against its peers, then every connector's speed and memory
	@$(SERVED) --name bench -- $(BIN)/python -m tests.bench $(ARGS)
	@$(BIN)/python -m tests.bench.connectors

bench-fleet: $(VENV)/.dev ## measure: a fleet of simulated schools through nights; ARGS="--small 24 --large 8 --workers 1 2"
	@$(SERVED) --name bench-fleet -- $(BIN)/python -m tests.bench.fleet $(ARGS)

journeys: $(VENV)/.dev ## only the tests that walk through the site in a real Chromium
	@chromium="$$($(BIN)/python -m local.chromium)" && CHROMIUM="$$chromium" $(SERVED) --name test -- \
		$(BIN)/python -m pytest tests/journeys $(ARGS)

smoke: $(READY) ## the whole demo unattended in a throw-away place: a real sync, then its pages as real people
	@$(BIN)/python -m local.smoke

reset: $(READY) ## forget the demo's data; asks first unless FORCE=1
	@FORCE=$(FORCE) $(BIN)/python -m local.demo --wipe

cards: $(VENV)/.dev ## write docs/connectors.md anew from the connectors and their cards
	@$(BIN)/python -m local.cards

verify-live: $(VENV)/.dev ## read real partners with credentials from VERIFY_…, and say only how much came
	@$(BIN)/python -m local.verify_live

lock: $(VENV)/.uv ## resolve the dependencies of pyproject.toml again into requirements*.txt
	@$(LOCK) pyproject.toml --group local -o requirements.txt
	@$(LOCK) pyproject.toml --group local --group dev -o requirements-dev.txt
	@$(LOCK) pyproject.toml --group local --group dev --group bench -o requirements-bench.txt

$(VENV)/.runtime: requirements.txt $(VENV)/.uv
	@echo "Installing what the demo needs …"
	@$(SYNC) requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.uv
	@echo "Installing what the demo and the tests need …"
	@$(SYNC) requirements-dev.txt
	@touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	@echo "Installing the peers that the bench measures against …"
	@$(SYNC) requirements-bench.txt
	@touch $@

$(VENV)/.uv: requirements-uv.txt
	@python=; for candidate in $(PYTHONS); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "SchoolsBuddy needs Python 3.11 or newer; none of $(PYTHONS) on the PATH is one." >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python has no venv module; on Debian and Ubuntu install the package python3-venv." >&2; exit 1; \
	fi; \
	[ -x $(BIN)/python ] || "$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@touch $@
