# SPDX-License-Identifier: GPL-2.0-or-later
# `make help` lists the targets. Everything is set up in .venv on the first call; stamp files make the second one quick.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
export PYTHON

BIN     := .venv/bin
STEP    := @tools/step.sh
# mypy complains of folders without Python files
PY_DIRS := src tests $(sort $(patsubst %/,%,$(dir $(wildcard tools/*.py bench/*.py lab/*.py))))
SHELLS  := .ci/run $(wildcard tools/*.sh lab/*/*.sh lab/guest/*.bash) lab/guest/init lab/guest/power-cut lab/guest/shell-when-ready
RUN     := .venv/.ready-run
DEV     := .venv/.ready-dev
LINT    := step-format step-ruff step-mypy step-imports step-codespell step-shellcheck step-knowledge

# Tests that mostly wait, each in namespaces of its own: they run side by side, and only in `make test`.
ROOMS   := $(shell grep -l 'tests.rooms' tests/host/test_*.py)

FUZZ_SECONDS ?= 600
NIC          ?= e1000e
SOAK_MINUTES ?= 2
KERNEL       ?=

.PHONY: help demo test check test-long lab-shell lab-harvest soak replay docs fuzz bench format lock clean $(LINT)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(RUN) ## explain a sample log, then this machine's own kernel log
	@echo '$$ nicmedic explain examples/srv4-kern.log'
	@$(BIN)/nicmedic explain examples/srv4-kern.log || test $$? -eq 1 # 1: findings
	@echo
	@echo '$$ nicmedic explain'
	@$(BIN)/nicmedic explain || case $$? in 1 | 1[1-5]) ;; *) exit 1 ;; esac # 11 to 15: there is none, or this user may not read it

test: $(LINT) ## everything that CI runs
	@$(BIN)/pytest -n 2 tests/unit tests/cli # the others share one kernel
	@$(BIN)/pytest --reruns 1 $(ROOMS:%=--ignore=%) tests/host # they have deadlines on a busy machine: what fails is tried once more
	@$(BIN)/pytest -n 6 --reruns 1 $(ROOMS)
	@$(BIN)/pytest -n 2 --dist loadfile --reruns 1 tests/lab # two machines at a time

check: $(LINT) ## all but the virtual machines and what waits for deadlines: the loop before a commit
	@$(BIN)/pytest -q --no-header -n 2 tests/unit tests/cli
	@$(BIN)/pytest -q --no-header $(ROOMS:%=--ignore=%) tests/host

test-long: $(DEV) ## also the long tests of the virtual machines: soaks, big matrices
	@$(BIN)/pytest --long tests/lab

lab-shell: $(DEV) ## a shell in a virtual machine whose card hangs when you type break (NIC=e1000e KERNEL=6.1.0-50-amd64)
	@$(BIN)/python -m lab shell $(NIC) $(if $(KERNEL),--kernel $(KERNEL))

lab-harvest: $(DEV) ## record what the kernel prints of each card and fault as cases under tests/cases/lab
	@$(BIN)/python -m lab harvest

soak: $(DEV) ## all that is no hang before nicmedic watch, SOAK_MINUTES=2 each: a table of what it called it
	@$(BIN)/python -m lab soak --minutes $(SOAK_MINUTES)

replay: $(DEV) ## one upgrade of a server played twice, without and with nicmedic trial: writes docs/replay.md (36 min on an emulated processor)
	@$(BIN)/python -m lab.replay

docs: $(RUN) ## renew what is made out of the code: man/, completions/, pages of docs/
	@$(BIN)/python -m nicmedic.cli.reference

fuzz: $(DEV) ## ten minutes of coverage-guided fuzzing of everything that reads a log (FUZZ_SECONDS=600)
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/pip install -q -c requirements-dev.txt atheris
	@$(BIN)/python tests/fuzz/fuzz_explain.py -max_total_time=$(FUZZ_SECONDS)

bench: $(DEV) ## measure start-up, a 1 GB log beside ripgrep, and check beside the tools that it stands for
	@for program in bench/start.py bench/scan.py bench/check.py; do echo "== $$program"; $(BIN)/python "$$program" || exit; done

format: $(DEV) ## let ruff format and mend what it can
	@$(BIN)/ruff format -q
	@$(BIN)/ruff check -q --fix

lock: ## renew requirements-dev.txt
	@tools/setup.sh lock

clean: ## remove .venv, caches and built files
	@rm -rf .venv lab-failures .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov build dist
	@find . -name .git -prune -o -type d -name __pycache__ -exec rm -rf {} +

step-format: $(DEV)
	$(STEP) 'ruff format' $(BIN)/ruff format --check
step-ruff: $(DEV)
	$(STEP) 'ruff check' $(BIN)/ruff check
step-mypy: $(DEV)
	$(STEP) mypy $(BIN)/mypy $(PY_DIRS)
step-imports: $(DEV)
	$(STEP) 'import rules' $(BIN)/lint-imports
step-codespell: $(DEV)
	$(STEP) codespell $(BIN)/codespell
step-shellcheck: $(DEV)
	$(STEP) shellcheck $(BIN)/shellcheck $(SHELLS)
step-knowledge: $(DEV)
	$(STEP) 'knowledge lint' $(BIN)/nicmedic knowledge lint

$(RUN): pyproject.toml tools/setup.sh
	@tools/setup.sh run
$(DEV): pyproject.toml tools/setup.sh requirements-dev.txt
	@tools/setup.sh dev
