# Every command of the project. `make` needs only Python 3.11+ on the machine.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
unexport PYTHONDONTWRITEBYTECODE  # modules are compiled once, not by each process anew

.DEFAULT_GOAL := help
.PHONY: help install demo run test check lint lock simulate variants chaos bench dashboard warehouse site sbom release clean

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## .venv with the program and everything its tests need

# What a recipe below begins with: Python that is new enough, .venv, and uv, put into .venv where the machine has none.
define PREPARE
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "MarketFlow needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }; \
test -x $(BIN)/python || { echo "Making .venv, once"; $(PYTHON) -m venv $(VENV); }; \
uv=$$(command -v uv || echo $(BIN)/uv); \
test -x "$$uv" || { echo "Fetching uv into .venv, once"; \
  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt; }; \
export VIRTUAL_ENV=$(CURDIR)/$(VENV)
endef
PROGRAM = "$$uv" pip install --quiet --no-deps --no-build-isolation --editable .
OWN_UV  = $$(test -x $(BIN)/uv && echo requirements/uv.txt)

# Each lock is hash-checked.
$(STAMP): requirements/dev.txt pyproject.toml
	@$(PREPARE); echo "Installing the program and what its tests need, once"; \
	  "$$uv" pip sync --quiet --require-hashes --allow-empty-requirements requirements/dev.txt $(OWN_UV) && $(PROGRAM)
	@touch $@

# The demo needs a third of that, which is there sooner; where everything is installed, it is enough.
DEMO := $(if $(wildcard $(STAMP)),$(STAMP),$(VENV)/.installed-demo)
$(VENV)/.installed-demo: requirements/demo.txt pyproject.toml
	@$(PREPARE); echo "Installing what the demo needs, once"; \
	  "$$uv" pip sync --quiet --require-hashes requirements/demo.txt requirements/build.txt $(OWN_UV) && $(PROGRAM)
	@touch $@

demo: $(DEMO) ## the whole thing on embedded parts: no account, no token, no server
	@$(BIN)/marketflow demo

run: install ## the real thing, with .env
	@$(BIN)/marketflow run

# dbt and fakesnow need other versions of what the program uses, so they have an environment of their own.
WAREHOUSE := .venv-warehouse
$(WAREHOUSE)/.installed: $(STAMP) requirements/warehouse.txt
	@test -x $(WAREHOUSE)/bin/python || $(PYTHON) -m venv --without-pip $(WAREHOUSE)
	@uv=$$(command -v uv || echo $(BIN)/uv); \
	  VIRTUAL_ENV=$(CURDIR)/$(WAREHOUSE) "$$uv" pip sync --quiet --require-hashes requirements/warehouse.txt
	@touch $@

# More than there are cores: most tests wait for a server, a browser or a clock.
WORKERS ?= 4
# Thousands of ledgers and servers of a moment need no disk: where Linux has 4 GB of memory to spare, it takes their files.
test: install $(WAREHOUSE)/.installed ## every test that this machine can run; says what it could not run
	@free=$$(df --output=avail /dev/shm 2>/dev/null | tail -n 1); \
	  test -n "$$TMPDIR" || test "$${free:-0}" -lt 4000000 || export TMPDIR=/dev/shm; \
	  $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --progress $(PYTEST_ARGS)

check: install ## lint, types, import contracts, dependencies, dead code; never edits a file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry . --extend-exclude '^(bench|dashboard|demo|docs|local_telegram|tests|warehouse)/'
	@$(BIN)/deptry bench dashboard demo local_telegram tests --exclude '^$$' --ignore DEP002,DEP004
	@$(BIN)/vulture

LOCK := uv pip compile --quiet --generate-hashes --custom-compile-command 'make lock'
lock: install ## requirements/ anew, after dependencies in pyproject.toml were changed
	@export PATH=$(CURDIR)/$(BIN):$$PATH; \
	  $(LOCK) --all-extras pyproject.toml --output-file requirements/dev.txt && \
	  $(LOCK) --constraints requirements/dev.txt pyproject.toml --output-file requirements/runtime.txt && \
	  $(LOCK) --constraints requirements/dev.txt --extra demo pyproject.toml --output-file requirements/demo.txt && \
	  $(LOCK) --group warehouse --output-file requirements/warehouse.txt && \
	  $(LOCK) --group site --output-file requirements/site.txt

lint: install ## what `check` would complain of and a machine can mend
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .
	@$(BIN)/ruff check .

SEEDS   ?= 300
SIGNALS ?= 200
simulate: install ## SEEDS=10000: whole histories of the core under faults, on all cores; says what they broke
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) --signals $(SIGNALS)

variants: install ## wrong programs, each of which the simulation must catch
	@$(BIN)/python -m tests.simulation --variants --signals 100

KILLS   ?= 100
STARTS  ?= 20
HISTORY ?= 1000000
FAILOVERS ?= 100
DAYS    ?= 7
chaos: install ## KILLS=100: the program under load and faults, killed with -9 again and again; DAYS=7 of paper trading
	@KILLS=$(KILLS) STARTS=$(STARTS) HISTORY=$(HISTORY) FAILOVERS=$(FAILOVERS) ROUNDS=3 $(BIN)/pytest tests/chaos -s -q
	@DAYS=$(DAYS) $(BIN)/pytest tests/week -s -q

bench: install ## MarketFlow beside loops that remember nothing, in one run on this machine; CHECK=1: only that, and fails where it is worse than recorded
	@$(BIN)/python -m bench $(if $(CHECK),--check)
ifndef CHECK
	@$(BIN)/python -m bench.status
	@$(BIN)/python -m bench.protection
	@$(BIN)/python -m bench.order_way
	@$(BIN)/python -m bench.start
	@$(BIN)/python -m bench.dashboard
endif

# Without DEMO=1 a running demo's ledger is only read where the directory has neither a .env nor a ledger.
dashboard: install ## the Streamlit dashboard on the ledger that .env names; DEMO=1: on the running demo's
	@$(BIN)/python -m dashboard $(if $(DEMO),--demo)

warehouse: install $(WAREHOUSE)/.installed ## dbt's tables, on DuckDB, of the ledger that .env names, or with DEMO=1 the demo's; in build/
	@umask 077 && mkdir -p build
	@$(BIN)/marketflow export $(if $(DEMO),--demo) build/executions.csv
	@$(WAREHOUSE)/bin/python warehouse/load.py build/executions.csv build/warehouse.duckdb
	@cd warehouse && MARKETFLOW_DUCKDB=$(CURDIR)/build/warehouse.duckdb DBT_TARGET_PATH=$(CURDIR)/build/dbt DBT_LOG_PATH=$(CURDIR)/build/dbt \
	  ../$(WAREHOUSE)/bin/dbt --quiet build --profiles-dir . && echo "the tables are in build/warehouse.duckdb, schema history"

SITE := .venv-site
$(SITE)/.installed: $(STAMP) requirements/site.txt
	@test -x $(SITE)/bin/python || $(PYTHON) -m venv --without-pip $(SITE)
	@uv=$$(command -v uv || echo $(BIN)/uv); VIRTUAL_ENV=$(CURDIR)/$(SITE) "$$uv" pip sync --quiet --require-hashes requirements/site.txt
	@touch $@

site: install $(SITE)/.installed ## docs/ as a site in English and Russian, in build/site; fails at a broken link
	@NO_MKDOCS_2_WARNING=1 PYTHONDONTWRITEBYTECODE=1 $(SITE)/bin/mkdocs build --strict --clean \
	  && echo "the site is in build/site; to read it: $(BIN)/python -m http.server --bind 127.0.0.1 --directory build/site 8600"

sbom: install ## a bill of materials (CycloneDX) of each lock, in build/sbom
	@$(BIN)/python deploy/sbom.py build/sbom

release: install ## wheel, bills of materials, notes and checksums of the tagged version, in build/release; publishes nothing
	@rm -rf build/release; $(BIN)/python deploy/release.py build/release

clean: ## removes what the other commands made
	rm -rf $(VENV) $(WAREHOUSE) $(SITE) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
