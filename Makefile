# Two commands: `make demo` and `make test`. Each sets up what it needs with Python 3.11+ and make alone.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

ERP_BIN := .erp/venv/bin

.PHONY: help demo up test test-slow test-browser test-erp matrix storm storm-self-test bench check format lock clean

help:
	@echo "make demo     stories of orders and deals on a real Temporal; BREAK=lookup shows that its proof can fail,"
	@echo "              ERP=tryton has a real ERP in place of the simulated one"
	@echo "make up       the same servers, without the story, until Ctrl-C"
	@echo "make test     all tests but the next"
	@echo "make test-slow   releases over builds, resumed runs, short storms, people, parts, stock, kinds, contenders: minutes more"
	@echo "make test-browser   mails as a browser shows them; skipped, and said so, where no Chromium is"
	@echo "make test-erp   the adapter on a real ERP: Tryton on PostgreSQL, both started here"
	@echo "make matrix   every step of an order, disturbed in every way at every moment"
	@echo "make storm    many orders while every part dies and every fault is drawn; SEED=1 ORDERS=200"
	@echo "make storm-self-test   breaks the product in thirteen places, and tells which of them a storm finds"
	@echo "make bench    what the engine costs beside others; ROUNDS=3 ORDERS=100, WRITE=1 writes docs/performance.md"
	@echo "make check    formatting, types, import rules"
	@echo "make format   put the code in form"
	@echo "make lock     renew requirements.lock from pyproject.toml"
	@echo "make clean    remove the environment and the demo's state"

.venv/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The real ERP has an environment of its own, as on a machine of its own.
.erp/installed: tests/erp/requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv .erp/venv
	$(ERP_BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/erp/requirements.lock
	@touch $@

# ERP=tryton puts a real one in place of the simulated one.
DEMO.tryton := $(BIN)/python -m tests.erp.demo
DEMO. := $(BIN)/seamline demo

demo: .venv/installed $(if $(ERP),.erp/installed)
	@test -n "$(DEMO.$(ERP))" || { echo "ERP must be tryton, or not be given: the ERP is simulated then" >&2; exit 1; }
	@$(DEMO.$(ERP)) $(if $(BREAK),--break $(BREAK))

up: .venv/installed
	@$(BIN)/seamline up

# Tests wait as much as they work, so there is a worker more than cores of a small machine. What lasts begins first.
PYTEST := $(BIN)/pytest -n 3 --no-loadscope-reorder
SLOW := tests/deploy tests/storm/test_storm.py tests/end_to_end/test_deal_disturbances.py \
	tests/end_to_end/test_stock.py tests/end_to_end/test_parts.py \
	tests/end_to_end/test_people.py tests/end_to_end/test_people_parts.py tests/end_to_end/test_kinds.py tests/end_to_end/test_disturbances.py \
	tests/end_to_end/test_kills.py tests/end_to_end/test_observe_only.py tests/end_to_end/test_cancel.py \
	tests/end_to_end/test_money.py tests/end_to_end/test_payment_modes.py tests/end_to_end/test_amended_unclear.py \
	tests/worker/test_outage.py tests/matrix tests/telemetry/test_marked.py tests/benchmarks

test: .venv/installed
	$(PYTEST) $(addprefix --ignore ,$(SLOW) tests/browser tests/erp)

test-slow: .venv/installed benchmarks/.venv/installed
	$(PYTEST) $(SLOW)

test-browser: .venv/installed
	$(BIN)/pytest -rs tests/browser

test-erp: .venv/installed .erp/installed
	@$(BIN)/python -m tests.erp
	$(BIN)/pytest tests/erp

matrix: .venv/installed
	@$(BIN)/python -m tests.matrix

storm: .venv/installed
	@$(BIN)/python -m tests.storm --seed $(or $(SEED),1) --orders $(or $(ORDERS),200)

storm-self-test: .venv/installed
	@$(BIN)/python -m tests.storm --self-test

# What is measured beside the product stands on the product's environment and adds its own.
benchmarks/.venv/installed: benchmarks/requirements.lock .venv/installed
	$(BIN)/python -m venv --clear benchmarks/.venv
	benchmarks/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$(benchmarks/.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/product.pth"
	@touch $@

bench: benchmarks/.venv/installed
	@$(BIN)/python -m benchmarks --rounds $(or $(ROUNDS),3) --orders $(or $(ORDERS),100) $(if $(PRAGMA),--pragma $(PRAGMA)) $(if $(WRITE),--write)

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	uv pip compile --universal --generate-hashes --no-header --extra demo --extra dev pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 tests/erp/requirements.in -o tests/erp/requirements.lock

clean:
	rm -rf .venv benchmarks/.venv .seamline .erp
