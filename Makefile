# make run    start the demo city and open one enterprise in it
# make test   run the tests
# make setup  only the environment both need
# make prove  the tests with their large counts: a hundred kills and power cuts, 100,000 mutations (hours)
# make lint   what CI checks before the tests;  make bench  speed, as ratios;  make messages  words that want translating

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GDBOS_HOME ?= var

.PHONY: run test prove setup lint bench messages

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

setup: $(VENV)/.ready

run: setup
	GDBOS_HOME=$(GDBOS_HOME) $(BIN)/gdbos demo city

test: setup
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(PYTEST)

prove: setup
	GDBOS_PROVE=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --timeout 0 $(PYTEST)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --warnings
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m pytest tests/bench -m bench --override-ini addopts= -q -s --bench-home $(GDBOS_HOME)

messages: setup
	for root in kernel/gdbos plugins/services/gdbos_services plugins/governance/gdbos_governance \
		plugins/enablement/gdbos_enablement plugins/scenarios/gdbos_scenarios; do \
		$(BIN)/python -m gdbos.pages.catalogue $$root; done
