# Each target is a line or two; everything else is configured in pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
INSTALL = $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet -c constraints.txt -e

.PHONY: run test lint bench audit docs clean

run: .venv/installed
	$(BIN)/aeverify run

test: .venv/installed-dev
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

lint: .venv/installed-dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: .venv/installed-dev
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

audit: .venv/installed
	$(BIN)/aeverify audit properties/ledgers/*.toml

docs: .venv/installed-dev
	$(BIN)/python docs/manifolds.py && $(BIN)/python docs/gallery.py && $(BIN)/python docs/oracles.py
	$(BIN)/python docs/widths.py && $(BIN)/python docs/latent_quality.py && $(BIN)/python docs/audit_schema.py
	$(BIN)/python docs/audit_counts.py
	$(BIN)/python -m pytest -q tests/meta/test_readme.py tests/meta/test_docs.py -m ""

clean:
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist

.venv/installed: pyproject.toml constraints.txt
	$(INSTALL) . && touch $@

.venv/installed-dev: pyproject.toml constraints.txt
	$(INSTALL) ".[test,lint]" && touch .venv/installed $@
