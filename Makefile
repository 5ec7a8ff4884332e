# The commands of the project. `make lab` and `make test` set up what they need first, on a machine with
# Python 3.11+ and make. Without make, `./course lab` and `./course test` do the same.
#
#   make lab PORT=9999 BROWSER=no      where JupyterLab answers, and whether it opens a browser
#   make test ARGS="--tier sim -x"     more arguments for pytest

ARGS ?=
PORT ?=
BROWSER ?= yes
PY := .venv/bin/python
COMPILE := uv pip compile -q --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml
BINDER_HAS := kinaction jupyterlab ipykernel nbclient nbformat
PYTEST = $(PY) -m pytest $(ARGS)

.PHONY: help lab test lint types floors notebooks browser conformance interop bench binder wheel lock clean

help:         ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lab: .venv/.ready  ## open the course in JupyterLab (PORT=, BROWSER=no)
	.venv/bin/kinaction lab notebooks $(if $(PORT),--port $(PORT)) $(if $(filter no,$(BROWSER)),--no-browser)

test: .venv/.ready-dev  ## run every tier of the tests that can run here, and say which did (ARGS=)
	$(PYTEST)

lint: .venv/.ready-dev  ## ruff: the rules; the layout is by hand
	.venv/bin/ruff check .

types: .venv/.ready-dev  ## mypy --strict
	.venv/bin/mypy

floors: .venv/.ready-dev  ## imports only go down, files and functions stay small
	$(PYTEST) tests/test_floors.py

notebooks: .venv/.ready-dev  ## the notebooks are what chapters/ builds, and run (nbval)
	$(PYTEST) --tier notebooks

browser: .venv/.ready-dev  ## JupyterLab in headless Chromium
	$(PYTEST) --tier browser

conformance: .venv/.ready-dev  ## answers recorded from the real thing (../shared)
	$(PYTEST) --tier conformance

interop: .venv/.ready-dev  ## real clients against cluster.serve()
	$(PYTEST) --tier interop

bench: .venv/.ready-dev  ## measurements; nothing else should run meanwhile
	KINACTION_FROZEN= $(PYTEST) --tier bench -s tests/benchmarks

binder: .venv/.ready-dev  ## what Binder would build, without building it
	$(PYTEST) --tier binder

wheel: .venv/.ready-dev  ## build the wheel, install it elsewhere, open the course from it
	.ci/wheel_smoke

lock:         ## pin again (needs uv): requirements.lock, and what Binder takes of it; neither names a host
	$(COMPILE) --universal --python-version 3.11 --upgrade --extra dev -o requirements.lock
	$(COMPILE) --no-deps --python-version 3.12 --python-platform linux -c requirements.lock \
	    $(BINDER_HAS:%=--no-emit-package %) --extra lab -o binder/requirements.txt

clean:        ## remove what the commands above made, the environment too
	rm -rf .venv dist build .ci/artifacts .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.ready: pyproject.toml requirements.lock
	./course setup lab

.venv/.ready-dev: pyproject.toml requirements.lock
	./course setup dev
