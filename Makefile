# make train   train PPO on CartPole-v1, watching who moves the shared torso
# make test    lint and all tests
# Both set up .venv/ first, once, with pinned versions. ARGS are handed on: make train ARGS="agent=a2c seed=3"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help train test lint lint-js clean

help:
	@sed -n 's/^# //p' $(firstword $(MAKEFILE_LIST))

train: $(VENV)/.installed
	$(BIN)/python scripts/train.py $(ARGS)

test: $(VENV)/.installed-test lint
	@echo "== tests"
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-test
	@echo "== lint"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

#: The Gradients tab's page, where there is Node.js: not a part of lint, as it fetches Prettier.
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
