# The commands of the project. `make lab` and `make test` set up what they need first.
# Without make: ./course lab and ./course test do the same.

PY := .venv/bin/python
TIER = $(PY) -m pytest --tier

.PHONY: help lab test lint types floors notebooks browser conformance interop bench clean

help:            ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: .venv/.ready
	$(PY) -m pytest

lint: .venv/.ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: .venv/.ready
	.venv/bin/mypy

.venv/.ready: pyproject.toml requirements.lock
	uv venv --allow-existing -q .venv
	uv pip install -q -p .venv -c requirements.lock -e '.[dev]'
	@touch $@
