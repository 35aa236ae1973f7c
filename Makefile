# Everything a fresh clone needs: `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo demo-edit test test-all lint format docs sample-data constraints clean

demo: .venv/.demo
	@$(BIN)/aim-tui demo

# The sample edits scored, held against the known truth, and right instructions told from wrong ones.
demo-edit: .venv/.demo
	@$(BIN)/aim-tui demo --edits

# A process on each core already: model threads beside them would only wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

test: .venv/.test
	@$(PYTEST)

# With the tests that are marked as slow, and more examples for each property.
test-all: .venv/.test
	@$(PYTEST) -m "slow or not slow"

lint: .venv/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv/.test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The pages of docs/ as a site, in site/. `python docs/examples.py --write` brings the output in them up to date.
docs: .venv/.docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# Draws the sample images and trains the sample models again; see sample_data/README.md.
sample-data: .venv/.test
	$(BIN)/python -m sample_data.build

# Pins what is installed now. torch's own requirements pin its CUDA packages, per platform.
constraints: .venv/.test .venv/.docs
	$(BIN)/python -m pip freeze --exclude-editable | grep -Ev '^(nvidia|cuda|triton)|@' > constraints.txt

clean:
	rm -rf .venv build dist site

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "aim_tui needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "creating .venv" >&2
	@$(PYTHON) -m venv .venv

.venv/.demo: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing aim_tui and its dependencies (torch is large: a few minutes the first time)" >&2
	@$(INSTALL) --editable .
	@touch $@

.venv/.test: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing aim_tui with its test dependencies (torch is large: a few minutes the first time)" >&2
	@$(INSTALL) --editable '.[test]'
	@touch $@ .venv/.demo

.venv/.docs: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing aim_tui with what builds its documentation (torch is large: a few minutes the first time)" >&2
	@$(INSTALL) --editable '.[docs]'
	@touch $@ .venv/.demo
