# The commands that people and CI share. `make` lists them; each makes what it needs first.

VENV ?= .venv
PORT ?= 8000
BIN := $(VENV)/bin
# A module's tests stay together: each starts its own browser or servers.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile
COVERAGE := --cov --cov-append --cov-report=
export PORT DEBUG STANDIN
# An editor or a shell may have activated another environment: it must not reach into this one.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.PHONY: help packages demo test test-sqlite test-postgres check lint format messages types imports migrations js docs matrix bench build clean
.DEFAULT_GOAL := help

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Environments: one folder, and a stamp for each set of packages that is in it.

$(BIN)/python:
	@python="$$(.ci/python 3.11)" && echo "Making $(VENV) with $$("$$python" --version)" && "$$python" -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing what the example needs: some minutes, the first time"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[demo]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "Installing what the tests need"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[test]'
	@touch $@

# pip before 25.1 knows no dependency groups.
$(VENV)/.dev: pyproject.toml $(VENV)/.test
	@echo "Installing the maintainers' tools"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --group dev
	@touch $@

# Not `npm ci`: that fails where a registry lacks the tools' builds for other systems.
node_modules/.stamp: package.json package-lock.json
	npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

packages: $(VENV)/.dev $(if $(wildcard package-lock.json),node_modules/.stamp)

demo: $(VENV)/.demo ## Serve the example on localhost (PORT=8000 DEBUG=0 STANDIN=1)
	@$(BIN)/python example_project/demo.py

# Tests

test: $(VENV)/.test ## Run all tests: on SQLite, in the browser, on PostgreSQL; report the coverage
	@$(BIN)/coverage erase
	@failed=0; \
	$(MAKE) --no-print-directory test-sqlite || failed=1; \
	$(MAKE) --no-print-directory test-postgres || failed=1; \
	$(BIN)/coverage report --include='django_chatkit/*' $(if $(CI),--fail-under=95) || failed=1; \
	exit $$failed

test-sqlite: $(VENV)/.test ## Run the tests on SQLite, browser tests too (ARGS='-k store')
	$(PYTEST) $(COVERAGE) $(ARGS)

# Only what another database can change, and without coverage, which would take as long again.
test-postgres: $(VENV)/.test ## Run the tests on PostgreSQL: DATABASE_URL, or a server made for it
	@.ci/postgres $(PYTEST) -m 'database and not browser' $(ARGS)

# Checks

check: lint types imports migrations js docs ## Everything that CI checks besides the tests

lint: $(VENV)/.dev ## Style of Python and templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --lint django_chatkit/templates example_project

format: $(VENV)/.dev ## Put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# No dates and no lines in the catalogues, so that a diff shows words only.
messages: $(VENV)/.test ## Bring the catalogues of translations up to date (GNU gettext)
	cd django_chatkit && $(abspath $(BIN))/python -m django makemessages --all --no-obsolete --no-wrap --add-location file
	sed -i.old '/^"POT-Creation-Date/d' django_chatkit/locale/*/LC_MESSAGES/django.po
	rm django_chatkit/locale/*/LC_MESSAGES/*.old
	cd django_chatkit && $(abspath $(BIN))/python -m django compilemessages

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy
	cd example_project && ../$(BIN)/mypy --config-file mypy.ini

imports: $(VENV)/.dev ## Imports point one way
	$(BIN)/lint-imports

migrations: $(VENV)/.test ## The migrations are complete
	$(BIN)/python -m django makemigrations --check --dry-run --settings tests.settings
	cd example_project && ../$(BIN)/python manage.py makemigrations --check --dry-run

ifneq ($(wildcard package-lock.json),)
js: node_modules/.stamp ## Types and style of the JavaScript
	npm run --silent check
else
js:
	@echo "js: there is no package-lock.json yet"
endif

docs: $(VENV)/.dev ## Build the documentation; a warning is an error
	$(if $(wildcard docs/conf.py),$(BIN)/sphinx-build -q -W --keep-going docs docs/_build/html,@echo "docs: there is no docs/conf.py yet")

# More

matrix: ## Run the tests on the oldest and the newest Django, without a browser
	@.ci/matrix

bench: $(VENV)/.test ## Measure beside the plain SDK (ARGS='--runs 3'; on PostgreSQL: .ci/postgres make bench)
	@$(BIN)/python -m benchmarks $(ARGS)

build: $(VENV)/.dev ## Build the packages and install the wheel into a fresh environment
	@rm -rf dist
	$(BIN)/python -m build --outdir dist
	.ci/wheel dist

clean: ## Remove what these commands made
	rm -rf $(VENV) .cache .coverage* dist docs/_build node_modules example_project/db.sqlite3* example_project/staticfiles
