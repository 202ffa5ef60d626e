# Every target is explained by `make help`. Everything is made under .venv/, build/ and the cache of cluster/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
export PYTHONPATH := operator:services:demo:.
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## Show what there is to make
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/ready ## A cluster, the operator, the shop, real traffic, and a table of what happened
	$(RUN) -m demo

.PHONY: test
test: $(VENV)/ready packages ## All tests, on the same cluster as the demo
	$(RUN) -m pytest tests

.PHONY: check
check: $(VENV)/ready ## Format, lint, types, import contract and unit tests; no cluster needed
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	PYTHONPATH=operator $(VENV)/bin/lint-imports
	$(RUN) -m pytest -q tests/unit

.PHONY: fix
fix: $(VENV)/ready ## Let ruff format and mend what it can
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

.PHONY: crds
crds: $(VENV)/ready ## Generate crds/consumerapps.yaml and docs/api.md from the models
	$(RUN) -m consumerapp_operator.api.crd > crds/consumerapps.yaml
	$(RUN) -m consumerapp_operator.api.reference > docs/api.md

.PHONY: cluster
cluster: $(VENV)/ready ## The kind cluster alone; kubeconfig in build/kubeconfig
	$(RUN) -m cluster up

.PHONY: images
images: $(VENV)/ready ## Build all images and load them into the cluster
	$(RUN) -m cluster images

.PHONY: benchmark
benchmark: $(VENV)/ready ## Print what the operator costs with one idle shop
	$(RUN) -m benchmarks.idle

.PHONY: clean
clean: ## Remove the cluster, its dockerd and everything made in this checkout
	[ ! -x $(RUN) ] || $(RUN) -m cluster down
	rm -rf build $(VENV) operator/*.egg-info

# Debian's packages that tests run against over loopback: the real PostgreSQL and Redis.
.PHONY: packages
packages:
	@$(RUN) -m cluster packages postgresql redis-server

$(VENV)/ready: pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "installing python3-venv"; apt-get update -qq && apt-get install -y -qq python3-venv; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
