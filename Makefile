# On a fresh machine every target below first makes .venv from a bare Python >= 3.11 and installs the project into it.
# Another interpreter: make run PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
REPORTS := build/reports
JUNIT ?= build/junit/tests.xml
PYTEST_ARGS ?=
TARGETS ?= embedded $(notdir $(patsubst %/,%,$(dir $(wildcard implementations/servers/*/target.toml))))
CLIENTS ?= $(notdir $(patsubst %/,%,$(dir $(wildcard implementations/clients/*/client.toml))))

# Hundreds of processes start in the tests: each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: benchmark cassettes sessions help setup run matrix replay test lint unit docs site mutation clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## Make .venv and install the project with its development tools

run: $(READY) ## Run the suite against the embedded server, both dialects; reports in build/reports/embedded
	$(BIN)/device-grant run embedded --report $(REPORTS)/embedded

matrix: $(READY) ## Build and run the embedded server and all real servers and clients, and publish in reports/; ARGS="--light"
	$(BIN)/device-grant matrix --run --resume --work $(REPORTS) --out reports $(ARGS)

replay: $(READY) ## Judge all recorded servers and clients again
	$(BIN)/device-grant replay --brief --jobs 2 cassettes

test: lint unit ## Lint, type-check, check the layers and run the tests

lint: $(READY) ## ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: $(READY) ## The tests of the suite itself; PYTEST_ARGS="-k name" selects
	@mkdir -p $(dir $(JUNIT))
	$(BIN)/pytest -n 3 --dist worksteal --junitxml=$(JUNIT) $(PYTEST_ARGS)

docs: $(READY) ## Write the pages of docs/ that are made from catalogue, checks, faults, commands and results
	$(BIN)/python -m tools.docs

site: $(READY) ## Make the documentation site with the published reports, links checked; build/site/index.html
	$(BIN)/python -m tools.site --out build/site

mutation: $(READY) ## How many mutants of the reference server the suite kills; an hour, build/mutation.json. ARGS=--quick
	$(BIN)/python -m benchmarks.mutation --document docs/explanation/mutation.md $(ARGS)

benchmark: $(READY) ## How fast the suite is and how soon it finds faults; three quarters of an hour, docs/benchmarks.md. ARGS="--quick"
	$(BIN)/python -m benchmarks $(ARGS)

cassettes: $(READY) ## Record the embedded server and those of implementations/servers anew; TARGETS="a b" chooses
	@for target in $(TARGETS); do \
	  case $$target in \
	    embedded) $(BIN)/device-grant record embedded:rfc8628 && $(BIN)/device-grant record embedded:aws-sso-oidc;; \
	    *) $(BIN)/device-grant record $$target;; \
	  esac || exit 1; done

sessions: $(READY) ## Record the clients of implementations/clients anew, going on after failures; CLIENTS="a b" chooses
	@failed=; for client in $(CLIENTS); do \
	  echo "$$client"; $(BIN)/device-grant client $$client --quiet --record cassettes/clients/$$client || failed="$$failed $$client"; \
	done; if [ -n "$$failed" ]; then echo "not as expected:$$failed" >&2; exit 1; fi

clean: ## Remove everything that these targets made, .venv included
	rm -rf $(VENV) build dist .tox .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that works is kept; one whose interpreter is gone or too old is made anew.
$(READY): pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "error: $(PYTHON) is not installed; install Python 3.11 or newer, or name one: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Python 3.11 or newer is needed, and $(PYTHON) is `"$(PYTHON)" --version 2>&1`; name another: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12" >&2; exit 1; }
	@"$(BIN)/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "error: $(PYTHON) cannot make virtual environments: ensurepip is missing (Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }; \
	  echo "Making $(VENV) with `"$(PYTHON)" --version 2>&1`"; \
	  "$(PYTHON)" -m venv --clear $(VENV); }
	@echo "Installing the project and its development tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $(READY)
