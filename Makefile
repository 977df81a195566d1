# make help says what there is. Everything is set up on first use, and again when a pin or the packaging changes.
# Needs: make and Python >= 3.11 with venv. `make test` also needs Debian's Chromium, which it installs when it may.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

ROOT := $(CURDIR)
CACHE := $(ROOT)/.cache
DEV := $(ROOT)/.venv
WHEEL := $(CACHE)/wheel-env
PEERS := $(CACHE)/peers-env
COVERAGE := $(CACHE)/coverage
EMPTY := $(CACHE)/empty

# The first Python that is new enough; PYTHON=... overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
# How many test processes; a number, or 0 for one process without xdist. Three on two cores: many tests wait for a server.
WORKERS ?= 3
# More words for pytest, as in: make test PYTEST="-k cookies -x"
PYTEST ?=
# More words for `make bench`, as in BENCH='--only peers', and for `make peers`, as in BENCH=--write
BENCH ?=
# How long `make soak` plays: histories of sessions, rounds of each race, seconds of load on each application.
HISTORIES ?= 100000
ROUNDS ?= 1000
LOAD ?= 30

UV := $(DEV)/bin/uv
INSTALL := $(UV) pip install --quiet --require-hashes
export UV_PYTHON_DOWNLOADS := never
# The tests start hundreds of Pythons: none should compile again what another one has compiled.
unexport PYTHONDONTWRITEBYTECODE

# Debian's packages that the tests drive: the browser, the tool that makes it trust a test authority, a clock that can be moved,
# servers, and what presses on them.
APT := chromium curl libfaketime libnss3-tools mariadb-server postgresql redis-server valgrind wrk

# The parts where an untested branch is a security fault.
CORE := */secmw/checks/*,*/secmw/cookies/*,*/secmw/headers/*,*/secmw/exchange.py,*/secmw/offer.py
SOURCES := secmw adapters tests benchmarks
# The folders of docs/examples, in runs of mypy where no two modules have the same name.
APART := 'quart_adapter sharing' static_front_end
TOGETHER := $(filter-out __pycache__ $(subst ',,$(APART)),$(notdir $(patsubst %/,%,$(wildcard docs/examples/*/))))

.PHONY: help demo check test bench soak peers docs requirements pins lint types format clean
.PHONY: apt wheel-env wheel-tests coverage soak-model soak-races soak-faults soak-load soak-search

help:
	@echo 'make demo          serve a protected application to sign in to'
	@echo 'make check         lint, types and the tests that start no server: under two minutes'
	@echo 'make test          everything, against the built wheel'
	@echo 'make docs          the documentation, into docs/_build/html'
	@echo 'make bench         what secmw costs, and others next to it, in ten minutes: into docs/explanation/benchmarks.md'
	@echo "make peers         what other libraries do to an application and to sessions, and Django's own tests played with secmw"
	@echo 'make soak          the long searches, for hours: sessions against their model, races, fuzzing, hypothesis'
	@echo 'make requirements  each security requirement and the test that covers it'
	@echo 'make pins          compile requirements/*.in again, upgrading'
	@echo 'make format        format the code'
	@echo 'make clean         remove everything that make made'

# --- environments -----------------------------------------------------------------------------------------------------

$(DEV)/.uv: requirements/uv.txt
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed; none was found.'; exit 2; }
	@echo '== making .venv with $(PYTHON)'
	@test -x $(DEV)/bin/python || $(PYTHON) -m venv $(DEV) || { \
		rm -rf $(DEV); echo 'python venv is missing; on Debian: apt-get install python3-venv'; exit 2; }
	@$(DEV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# The editable install, with what the demo needs.
$(DEV)/.demo: $(DEV)/.uv requirements/demo.txt pyproject.toml
	@echo '== installing secmw (editable)'
	@$(INSTALL) --python $(DEV)/bin/python -r requirements/demo.txt
	@$(UV) pip install --quiet --python $(DEV)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV)/.dev: $(DEV)/.demo requirements/dev.txt
	@echo '== installing what tests, checks and docs need'
	@$(INSTALL) --python $(DEV)/bin/python -r requirements/dev.txt
	@touch $@

$(WHEEL)/.tests: requirements/test.txt $(DEV)/.dev
	@echo '== making a second environment for the built wheel'
	@rm -rf $(WHEEL) && mkdir -p $(CACHE)
	@$(DEV)/bin/python -m venv --without-pip $(WHEEL)
	@$(INSTALL) --python $(WHEEL)/bin/python -r requirements/test.txt
	@touch $@

# Other people's middleware, apart from everything else: nothing here may come to need it.
$(PEERS)/.peers: requirements/peers.txt pyproject.toml $(DEV)/.uv
	@echo '== making an environment for other libraries'
	@rm -rf $(PEERS) && mkdir -p $(CACHE)
	@$(DEV)/bin/python -m venv --without-pip $(PEERS)
	@$(INSTALL) --python $(PEERS)/bin/python -r requirements/peers.txt
	@$(UV) pip install --quiet --python $(PEERS)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

# Always built anew: it takes two seconds, and a stale wheel would test yesterday's code.
wheel-env: $(WHEEL)/.tests
	@echo '== building and installing the wheel'
	@rm -rf $(CACHE)/dist
	@$(DEV)/bin/hatchling build --target wheel --directory $(CACHE)/dist
	@$(UV) pip install --quiet --python $(WHEEL)/bin/python --no-deps --reinstall $(CACHE)/dist/*.whl

apt:
	@missing=(); for p in $(APT); do \
		dpkg-query -W -f='$${db:Status-Status}' "$$p" 2>/dev/null | grep -qx installed || missing+=("$$p"); done; \
	if [ "$${#missing[@]}" -gt 0 ]; then \
		if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then \
			echo "== installing Debian's $${missing[*]}"; \
			apt-get -qq update; \
			DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$${missing[@]}" >/dev/null; \
		else \
			echo "The tests need what is not installed here: $${missing[*]}"; \
			echo "  sudo apt-get update && sudo apt-get install --yes $${missing[*]}"; \
			exit 2; \
		fi; \
	fi

# --- what people type -------------------------------------------------------------------------------------------------

demo: $(DEV)/.demo
	@$(DEV)/bin/secmw demo

lint: $(DEV)/.dev
	@echo '== lint'
	@$(DEV)/bin/ruff check --cache-dir $(CACHE)/ruff .
	@$(DEV)/bin/ruff format --cache-dir $(CACHE)/ruff --check .

types: $(DEV)/.dev
	@echo '== types'
	@$(DEV)/bin/mypy
	@cd docs/examples; for folders in '*.py $(TOGETHER)' $(APART); do \
		$(DEV)/bin/mypy --config-file mypy.ini --cache-dir $(CACHE)/mypy-examples $$folders; done

format: $(DEV)/.dev
	@$(DEV)/bin/ruff check --cache-dir $(CACHE)/ruff --fix .
	@$(DEV)/bin/ruff format --cache-dir $(CACHE)/ruff .

check: lint types
	@echo '== tests without servers'
	@HYPOTHESIS_PROFILE=check $(DEV)/bin/pytest -q -n $(WORKERS) --dist worksteal \
		-m 'not server and not browser and not fuzz and not framework' $(PYTEST)

# Lint, types and docs first, so that the last lines are pytest's and coverage's.
test: apt $(DEV)/.dev
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint types docs wheel-env
	@$(MAKE) --no-print-directory wheel-tests
	@$(MAKE) --no-print-directory coverage

wheel-tests:
	@echo '== tests against the built wheel'
	@rm -rf $(COVERAGE) $(EMPTY) && mkdir -p $(COVERAGE) $(EMPTY)
	@cd $(EMPTY) && HYPOTHESIS_PROFILE=test SECMW_WHEEL=1 COVERAGE_FILE=$(COVERAGE)/data \
		$(WHEEL)/bin/coverage run --rcfile=$(ROOT)/pyproject.toml $(WHEEL)/bin/pytest \
		--import-mode=importlib -n $(WORKERS) --dist worksteal $(PYTEST) $(ROOT)/tests

coverage: export COVERAGE_FILE := $(COVERAGE)/data
coverage: $(DEV)/.dev
	@echo '== coverage'
	@$(DEV)/bin/coverage report --fail-under=95
	@echo '== coverage of the security core'
	@$(DEV)/bin/coverage report --include='$(CORE)' --fail-under=100

docs: $(DEV)/.dev
	@if [ -f docs/conf.py ]; then \
		echo '== docs'; \
		$(DEV)/bin/sphinx-build -W --keep-going -q -j auto -d $(CACHE)/doctrees docs docs/_build/html; \
	fi

requirements: $(DEV)/.dev
	@$(DEV)/bin/python tests/requirements.py

# In the environment of other libraries: most sections say what those cost too.
bench: $(PEERS)/.peers apt
	@$(PEERS)/bin/python -m benchmarks --write $(BENCH)

peers: $(PEERS)/.peers apt
	@$(PEERS)/bin/python -m benchmarks.peers $(BENCH)

# Each by itself too; the first two, and the load, end with a line for docs/explanation/soak.md.
soak: soak-model soak-races soak-faults soak-load soak-search

soak-model: $(DEV)/.dev apt
	@echo '== sessions against their model'
	@$(DEV)/bin/python -m tests.model $(HISTORIES) memory
	@$(DEV)/bin/python -m tests.model $$(( $(HISTORIES) / 10 )) sqlite
	@for store in redis valkey sentinel cluster sealed; do \
		$(DEV)/bin/python -m tests.model $$(( $(HISTORIES) / 10 )) $$store; done
	@for store in postgresql mariadb; do \
		$(DEV)/bin/python -m tests.model $$(( $(HISTORIES) / 30 )) $$store; done

soak-races: $(DEV)/.dev apt
	@echo '== races between real processes'
	@for store in sqlite redis valkey sentinel cluster postgresql mariadb; do \
		$(DEV)/bin/python -m tests.races $(ROUNDS) $$store; done

soak-faults: $(DEV)/.dev apt
	@echo '== servers that are killed, held up and full, and clocks that are set'
	@$(DEV)/bin/python -m tests.faults

soak-load: $(DEV)/.dev apt
	@echo '== applications under load'
	@$(DEV)/bin/python -m tests.load $(LOAD)

soak-search: $(DEV)/.dev apt
	@echo '== fuzzing and hypothesis'
	@HYPOTHESIS_PROFILE=soak FUZZ_RUNS=10000000 $(DEV)/bin/pytest -q --durations=20 $(PYTEST) tests

# --- upkeep -----------------------------------------------------------------------------------------------------------

# Hashes and no addresses: each installer asks the index that its own machine is set up for.
COMPILE := $(UV) --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links
pins: export UV_CUSTOM_COMPILE_COMMAND := make pins
pins: $(DEV)/.uv
	$(COMPILE) --upgrade requirements/uv.in -o requirements/uv.txt
	$(COMPILE) --upgrade requirements/dev.in pyproject.toml --all-extras -o requirements/dev.txt
	$(COMPILE) -c requirements/dev.txt requirements/test.in pyproject.toml --all-extras -o requirements/test.txt
	$(COMPILE) -c requirements/dev.txt requirements/demo.in pyproject.toml --extra cli -o requirements/demo.txt
	$(COMPILE) -c requirements/dev.txt requirements/peers.in pyproject.toml -o requirements/peers.txt

clean:
	rm -rf $(DEV) $(CACHE) docs/_build dist
