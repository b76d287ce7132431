# Two commands: `make run` and `make test`. What each does stands in README.md.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PORT DEMO

.PHONY: run test bench chaos lint format clean
.DEFAULT_GOAL := run

# Plain venv may lack ensurepip (Debian); pip of the system can fill it. uv installs in a sixth of pip's time.
$(BIN)/uv:
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --quiet --disable-pip-version-check --python $(BIN)/python install uv

$(VENV)/.installed: requirements.txt $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt
	@touch $@ $(VENV)/.installed

run: $(VENV)/.installed
	@$(BIN)/python -m rasax.start

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	SECRET_KEY=lint $(BIN)/mypy events trackers rasax
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What touches the database runs on SQLite, then on PostgreSQL. The browser's tests are last and alone: playwright's
# event loop would break asynchronous tests after it.
ON_BOTH := tests/events/test_record.py tests/events/test_service.py tests/rasax tests/test_admin.py

test: $(VENV)/.installed-dev
	tests/servers/install.sh
	$(BIN)/python -m pytest -n 2 -m "not e2e and not chaos"
	TEST_DATABASE=postgresql $(BIN)/python -m pytest -n 2 $(ON_BOTH)
	$(BIN)/python -m pytest -m chaos
	$(BIN)/python -m pytest -m e2e

chaos: $(VENV)/.installed-dev
	tests/servers/install.sh
	CHAOS_LONG=1 $(BIN)/python -m pytest -m chaos -s

bench: $(VENV)/.installed-dev
	tests/servers/install.sh
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .run test-output
