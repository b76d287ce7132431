# Two commands: `make run` and `make test`. What each does stands in README.md.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PORT DEMO

.PHONY: run test test-rasa bench chaos lint format messages clean
.DEFAULT_GOAL := run

# Plain venv may lack ensurepip (Debian); pip of the system can fill it. uv installs in a sixth of pip's time.
$(BIN)/uv:
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --quiet --disable-pip-version-check --python $(BIN)/python install uv

$(VENV)/.installed: requirements.txt $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt $(BIN)/uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements-dev.txt
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

# Gathers what is marked for translation; compiles what is translated. tests/test_translations.py says what is missing.
messages: $(VENV)/.installed-dev
	DEBUG=1 $(BIN)/python manage.py makemessages --locale de --no-obsolete --add-location file --ignore tests --ignore docs --ignore static
	DEBUG=1 $(BIN)/python manage.py compilemessages --locale de --ignore .venv

# What touches the database runs on SQLite, then on PostgreSQL, but for what is marked `once`. Tests wait for processes and
# clocks as long as they compute, so there are twice as many workers as cores; `worksteal` leaves the tests of a file, which
# share servers, together. The browser's tests are last and alone: playwright's event loop would break asynchronous tests after it.
ON_BOTH := $(addprefix tests/events/,schema/test_migrating.py schema/test_operations.py test_record.py test_forgetting.py test_service.py test_stamps.py) \
	tests/rasax tests/test_admin.py $(addprefix tests/trackers/test_,import.py copy.py export.py django_store.py)
PYTEST := $(BIN)/python -m pytest --dist worksteal -n

test: $(VENV)/.installed-dev
	tests/servers/install.sh
	$(PYTEST) 4 -m "not e2e and not rasa" --deselect tests/rasax/api/test_document.py
	TEST_DATABASE=postgresql $(PYTEST) 4 -m "not rasa and not once" $(ON_BOTH)
	$(PYTEST) 4 -m e2e tests/e2e

chaos: $(VENV)/.installed-dev
	tests/servers/install.sh
	CHAOS_LONG=1 $(BIN)/python -m pytest -m chaos -s

# What is compared with a real Rasa needs one: RASA_PYTHON names the Python that has it. Without it, Rasa is installed,
# which takes 3 GB, some minutes and a Python 3.10.
PYTHON310 ?= python3.10
RASA_PYTHON ?= $(CURDIR)/.venv-rasa/bin/python
export RASA_PYTHON

.venv-rasa/.installed: tests/inside_rasa/constraints.txt $(BIN)/uv
	$(BIN)/uv venv --quiet --allow-existing --python $(PYTHON310) .venv-rasa
	$(BIN)/uv pip install --quiet --python .venv-rasa/bin/python rasa==3.6.21 -c tests/inside_rasa/constraints.txt
	@touch $@

test-rasa: $(VENV)/.installed-dev $(if $(filter $(CURDIR)/.venv-rasa/bin/python,$(RASA_PYTHON)),.venv-rasa/.installed)
	tests/servers/install.sh
	$(BIN)/python -m pytest -m rasa

bench: $(VENV)/.installed-dev
	tests/servers/install.sh
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.scale 1000000 10000000
	$(BIN)/python -m benchmarks.scale 1000000 --sqlite
	$(BIN)/python -m benchmarks.cache 1000000 10000000
	$(BIN)/python -m benchmarks.growth 1000000 10000000
	$(BIN)/python -m benchmarks.inbox
	$(BIN)/python -m benchmarks.inbox --sqlite
	$(BIN)/python -m benchmarks.backup
	$(BIN)/python -m benchmarks.stack

clean:
	rm -rf $(VENV) .venv-rasa .run test-output
