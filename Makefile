# The first Python, 3.10 or later, that can make a venv; `make PYTHON=/path/to/python3.12 test` picks another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
DOCS := .venv-docs
TYPED := flyexpr $(wildcard bench)
LINTED := $(wildcard flyexpr tests bench examples docs conftest.py)

# The program, which many tests start, takes 0.16 s of CPU to list tables, and 0.43 s if Python must not keep what it compiles.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: demo test check bench docs slow clean help

demo: $(VENV)/.runs ## run examples/demo.py
	$(BIN)/python examples/demo.py

test: check ## check lint and types, run tests and doctests
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.tests ## check lint and types only
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)
	$(BIN)/mypy $(TYPED)

slow: $(VENV)/.tests ## run the tests that take minutes
	$(BIN)/python -m pytest -m slow $(ARGS)

docs: $(DOCS)/.runs ## build the documentation into site/, in a venv of its own
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build
	@echo "site/index.html is ready; its search needs a server: python3 -m http.server --bind 127.0.0.1 --directory site"

bench: $(BENCH)/.runs ## compare the speed with other libraries, in a venv of its own
	$(BENCH)/bin/python -m bench $(ARGS)

clean: ## remove caches and build products; the venvs stay
	rm -rf build dist site .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find flyexpr tests -name __pycache__ -prune -exec rm -rf {} +

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# If a stamp in the venv is older than pyproject.toml, the dependencies may have changed.
$(VENV)/.runs: pyproject.toml
	$(call venv,$(VENV),.)
$(VENV)/.tests: pyproject.toml
	$(call venv,$(VENV),.[dev])
	@touch $(VENV)/.runs
$(BENCH)/.runs: pyproject.toml
	$(call venv,$(BENCH),.[bench])
$(DOCS)/.runs: pyproject.toml
	$(call venv,$(DOCS),.[docs])

define venv
@test -n "$(PYTHON)" || { echo "no Python 3.10+ with venv on the PATH; write: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
$(1)/bin/python -c '' 2>/dev/null || $(PYTHON) -m venv $(1)
$(1)/bin/python -m pip install --quiet --disable-pip-version-check --editable '$(2)'
@touch $@
endef
