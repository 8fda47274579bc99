# Needs only make and Python 3.11 or newer. The environment is made on first use: what a run needs from
# requirements-run.lock, and what developing needs besides from requirements.lock, once something asks for it.
PYTHON ?= python3
VENV := .venv
CAN_RUN := $(VENV)/.can-run
READY := $(VENV)/.ready
RUN := $(VENV)/bin/
# Tests wait more than they compute: for answers, for pages, for packages.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1) + 1)
INSTALL := $(RUN)python -m pip install --quiet --disable-pip-version-check

# Without bytecode each process compiles some three hundred files once more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: conformance test proof smoke-choice shown mutants hostile repeatability bench campaign docs lint types lock clean

conformance: $(CAN_RUN)  ## run the suite on the built-in reference server
	$(RUN)trigger-conformance run $(ARGS)

test: $(READY)  ## prove the suite: sound servers pass, faulty ones are caught; tells the twenty slowest tests
	$(RUN)python -m pytest selftest -n $(WORKERS) --dist worksteal --durations=20 --durations-min=2 $(ARGS)

proof: $(READY)  ## every fault is caught, no sound variant is blamed: reports/proof.html
	$(RUN)python -m selftest.proof $(ARGS)

smoke-choice: $(READY)  ## which requests find most faults of a proof's table, and which of them smoke sends
	$(RUN)python -m selftest.smoke_choice $(ARGS)

shown: $(READY)  ## every fault's printed lines, pasted into sh, show what was found: reports/shown.json
	$(RUN)python -m selftest.shown $(ARGS)

mutants: $(READY)  ## change the pure rules at random: do their tests notice?
	rm -rf mutants
	$(RUN)mutmut run
	$(RUN)mutmut results

hostile: $(READY)  ## the suite on servers that mean it ill: time, memory, reports and leaks of each run
	$(RUN)python -m selftest.hostile $(ARGS)

repeatability: $(READY)  ## does one target get one answer every time?
	$(RUN)python -m selftest.repeatability $(ARGS)

bench: $(READY)  ## speed, beside a bare loop
	$(RUN)python -m benchmarks.speed $(ARGS)

campaign: $(READY)  ## how a campaign grows with its parts: reports/campaign.json
	$(RUN)python -m benchmarks.campaign $(ARGS)

docs: $(READY)  ## the documentation, every link checked: site/index.html
	NO_MKDOCS_2_WARNING=true $(RUN)mkdocs build --strict --quiet

lint: $(READY)
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)lint-imports --no-cache --no-logo

types: $(READY)
	$(RUN)mypy

lock: $(READY)  ## renew requirements.lock and, of it, what an installed suite needs (requirements-run.lock)
	$(RUN)uv pip compile pyproject.toml --extra dev --group install --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links --upgrade --output-file requirements.lock --quiet
	$(RUN)uv pip compile pyproject.toml --extra redis --group install --constraint requirements.lock --universal \
		--python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
		--output-file requirements-run.lock --quiet

clean:
	rm -rf $(VENV)

$(CAN_RUN): requirements-run.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed, and there is no $(PYTHON): install it, or name it with PYTHON=" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1): name another with PYTHON=" >&2; exit 1; }
	@echo "Making an environment in $(VENV), of $$($(PYTHON) -V): some seconds, this once."
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing what a run needs from requirements-run.lock, checked by its hashes: half a minute, or what the network takes."
	@$(INSTALL) --require-hashes -r requirements-run.lock
	@echo "Installing the suite itself: some seconds."
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(READY): requirements.lock $(CAN_RUN)
	@echo "Installing what developing needs from requirements.lock, checked by its hashes: half a minute, or what the network takes."
	@$(INSTALL) --require-hashes -r requirements.lock
	@touch $@
