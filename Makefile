# Any python3 from 3.9 on prepares .venv; after that only .venv is used.
PYTHON ?= python3
# The folder of humaneval/ and mbpp/ for `make bench`; without it the search for a benchmark's tasks is left out.
ROWS ?=

# Where the shell forbids Python to keep bytecode, every child compiles the 500 modules behind mlx-lm anew: 0.6 s each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help ready demo test test-all lint bench lock clean

help:
	@echo "make demo      the whole loop on this machine: data, training, evaluation, report"
	@echo "make test      the tests"
	@echo "make test-all  the tests and the slow ones"
	@echo "make lint      ruff and ty"
	@echo "make bench     how fast this machine is: every benchmark in its short form, then punie benchmark"
	@echo "make lock      renew requirements.lock"
	@echo "make clean     remove the environment and caches, keep data, adapters and reports"

ready:
	@$(PYTHON) tools/bootstrap.py

demo: ready
	@.venv/bin/punie quickstart

test: ready
	@.venv/bin/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

test-all: ready
	@.venv/bin/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "" --hypothesis-profile=default

lint: ready
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/ty check --python .venv

bench: ready
	.venv/bin/python benchmarks/startup.py
	.venv/bin/python benchmarks/curate.py 20
	.venv/bin/python benchmarks/sandbox.py --runs 30
	.venv/bin/python benchmarks/validation.py 10
	.venv/bin/python benchmarks/dedup.py 5000
	.venv/bin/python benchmarks/contamination.py $(ROWS)
	.venv/bin/python benchmarks/complexity.py
	.venv/bin/python benchmarks/report_page.py 500
	.venv/bin/python benchmarks/training.py 30
	.venv/bin/python benchmarks/training_vs_stock.py skewed-1m
	.venv/bin/punie benchmark

lock: ready
	@.punie/uv/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade --quiet \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements.lock

clean:
	@rm -rf .venv .punie .pytest_cache .ruff_cache .hypothesis .coverage build dist
	@find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
