# The commands of the README. Each one makes its own environment in .venv when there is none.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
WORKERS ?= 3

.PHONY: demo test proofs check clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

$(VENV)/.loadgens: $(STAMP)  # the LoadGen of each round that tests run, kept in the user's cache
	-$(BIN)/mlharness fetch --round v4.0  # made from source; tests say so where there is no compiler
	$(BIN)/mlharness fetch --round v5.0 --round v5.1 --round v6.0 --round v6.1
	@touch $@

# PyTorch by its number first: the newest one on the index pulls gigabytes of another kind of machine.
$(VENV)/.runtimes: $(STAMP)  # the runtimes besides ONNX Runtime, for tests only
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[runtimes]'
	@touch $@

demo: $(STAMP)  ## meter on a pseudo-terminal, ResNet50 through LoadGen with power, submission tree, mlcheck
	$(BIN)/mlharness demo --output demo/submission

# Meters mostly make tests wait, so more of them than there are cores run beside each other, a file on one worker.
test: $(VENV)/.loadgens $(VENV)/.runtimes  ## all tests but the slow proofs
	$(BIN)/python -m pytest -m 'not proof and not alone' -n $(WORKERS) --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m pytest -m 'alone and not proof'

proofs: $(VENV)/.loadgens $(VENV)/.runtimes  ## the slow proofs
	$(BIN)/python -m pytest -m proof --timeout 3600

check: $(STAMP)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo dist .mypy_cache .ruff_cache .pytest_cache
