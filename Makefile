# make train   train PPO on CartPole-v1, and measure which objective moves the shared torso
# make check   lint and the numeric tests, without training and without a browser: for daily work (four minutes)
# make test    lint and all tests
# Each sets up .venv/ first, once, with pinned versions. ARGS are passed on: make train ARGS="agent=a2c seed=3"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help train check test lint lint-js clean

help:
	@sed -n 's/^# //p' $(firstword $(MAKEFILE_LIST))

train: $(VENV)/.installed
	$(BIN)/python scripts/train.py $(ARGS)

check: $(VENV)/.installed-test lint
	@echo "== checks"
	XLA_FLAGS="$(QUICKLY) $$XLA_FLAGS" $(BIN)/python -m pytest -m check $(ARGS)

#: Folders whose tests compile whole programs in pytest's own process, which keeps some 100 MB of each: one after another.
PROGRAMS = tests/agents tests/learning
#: Runs, their resumption, the cache of compiled programs and the installed package: XLA compiles as shipped.
AS_SHIPPED = tests/runs $(patsubst %,tests/scripts/test_%.py,compilation_cache compiled_resume package runtime)
#: Tests of runs that compile the most programs, of which those above have the like.
RUNS = tests/runs/test_remembering.py tests/scripts/test_train.py tests/scripts/test_many_seeds.py
#: Elsewhere it compiles without LLVM's optimisations, and outside of PROGRAMS and RUNS also without MLIR's fusions, which takes half
#: the time. Without fusions one number is rounded in two ways where it is used twice, and PROGRAMS and RUNS compare bits.
QUICKLY = --xla_backend_optimization_level=0
UNFUSED = $(QUICKLY) --xla_cpu_use_fusion_emitters=false

test: $(VENV)/.installed-test lint
	@echo "== tests"
ifeq ($(ARGS),)
	status=0; \
	$(BIN)/python -m pytest $(AS_SHIPPED) $(addprefix --ignore=,$(RUNS)) || status=$$?; \
	for part in $(PROGRAMS) "$(RUNS)"; do \
	  XLA_FLAGS="$(QUICKLY) $$XLA_FLAGS" $(BIN)/python -m pytest $$part || status=$$?; \
	done; \
	XLA_FLAGS="$(UNFUSED) $$XLA_FLAGS" $(BIN)/python -m pytest $(addprefix --ignore=,$(PROGRAMS) $(AS_SHIPPED) $(RUNS)) || status=$$?; \
	exit $$status
else
	$(BIN)/python -m pytest $(ARGS)
endif

lint: $(VENV)/.installed-test
	@echo "== lint"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

#: Checks the format of the Gradients tab's page. It needs Node.js and fetches Prettier, so it is no part of lint.
lint-js:
	npx --yes prettier@3.10.1 --print-width 120 --check rl/tensorboard/plugin/static

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "== setting up $(VENV) (once; takes a minute or two)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "== installing what the tests need (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
