# `make help` lists what there is. ARGS="…" is handed on to `run`, `test` and `bench`.
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
ARGS ?=
# All tests are played by several processes, see tests/conftest.py; those of ARGS by one.
BESIDE ?= $(if $(ARGS),,--numprocesses auto --dist worksteal)
N ?= 10000
SEED ?= $(shell date +%s)

.PHONY: help run test bench sequences check lock audit format screenshots clean install

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## everything on this machine, seeded with demo data; Ctrl-C stops it
	@exec $(PY) -m dev.run --stop-with-parent $(ARGS)

test: install ## all tests, or those of ARGS="tests/bidding -k race"
	@exec $(PY) -m pytest $(BESIDE) $(ARGS)

bench: install ## every benchmark (half an hour), and bench/REPORT.md; or ARGS="--only bids pages"
	@exec $(PY) -m bench $(ARGS)

sequences: install ## N random sequences of events against the money's invariants, from SEED=
	@SEQUENCES=$(N) SEQUENCES_SEED=$(SEED) $(PY) -m pytest tests/orders/test_sequences.py $(ARGS)

check: install ## linter, formatting, types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy app wsgi.py worker.py
	$(PY) -m mypy sandbox dev bench examples

lock: install ## after a change to requirements*.txt: write down what each package's files hash to
	@for list in requirements requirements-dev; do \
	    $(PY) -m uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	        --no-annotate --no-header $$list.txt --output-file $$list.lock || exit 1; \
	done

audit: install ## look for known mistakes in the code and known faults in packages
	@exec $(PY) -m dev.audit

format: install ## put the code into shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

screenshots: install ## take the README's pictures anew (needs Chromium)
	@exec $(PY) -m dev.screenshots

clean: ## remove what was installed and what tools left; instance/ (the demo's data) stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(INSTALLED) ## the virtual environment (the others do it by themselves)

# The stamp is older than a list of packages when the list was changed since.
$(INSTALLED): requirements-dev.lock
	@set -e; python="$${PYTHON:-}"; \
	if [ -z "$$python" ]; then \
	    for name in python3 python3.12 python3.13 python3.11; do \
	        if command -v "$$name" >/dev/null \
	            && "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	            python="$$name"; break; \
	        fi; \
	    done; \
	fi; \
	if [ -z "$$python" ]; then \
	    echo "Python 3.11 or newer is needed, and python3 here is:" \
	        "$$(python3 --version 2>&1 || true)" >&2; \
	    echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	fi; \
	if ! "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	    echo "$$python is $$("$$python" --version 2>&1); Python 3.11 or newer is needed." >&2; \
	    exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python cannot make virtual environments." \
	        "On Debian and Ubuntu: apt install python3-venv" >&2; \
	    exit 1; \
	fi; \
	if ! $(PY) -c '' 2>/dev/null; then \
	    rm -rf $(VENV); \
	    "$$python" -m venv $(VENV); \
	fi
	@echo "Installing what is needed into $(VENV) (only when the lists of packages change)…"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
