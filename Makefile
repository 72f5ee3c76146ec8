# Needs: make, and Python >= 3.11 with its venv module. All else is installed into .venv.

PYTHON ?=
VENV := .venv
RUN := $(VENV)/bin/
EXAMPLE := reports/assistant-70b.toml
comma := ,
# One worker for each processor; which tests stay together: tests/conftest.py.
WORKERS := --numprocesses logical --maxprocesses 8 --no-loadscope-reorder

# Without bytecode each start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

# An installation that was interrupted or moved, or whose Python is gone, is made anew.
USABLE := $(shell [ ! -e $(VENV)/.installing ] && $(RUN)python -c pass 2>/dev/null \
	&& [ "$$(cat $(VENV)/.runtime 2>/dev/null)" = "$(CURDIR)" ] && echo yes)

# Prints "ok COMMAND", or "no" and what to do.
base_python = $(shell \
	for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3.14 python3 python); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		"$$python" -c 'import ensurepip, venv' 2>/dev/null && echo "ok $$python" && exit; \
		: "$${no_venv:=$$python}"; \
	done; \
	if [ -n "$$no_venv" ]; then \
		echo "no $$no_venv has no venv module, install it: apt install $$("$$no_venv" -c \
		'import sys; print("python%d.%d-venv" % sys.version_info[:2])') (Debian, Ubuntu)"; \
	else \
		echo "no $(or $(PYTHON),python3) is not Python 3.11 or newer, install one: apt install" \
		"python3 python3-venv (Debian, Ubuntu), or name one: make PYTHON=/path/to/python3"; \
	fi)
check_python = $(if $(filter no,$(firstword $(found))),$(error $(wordlist 2,99,$(found))))

define install
@touch $(VENV)/.installing
@$(RUN)python -m pip --disable-pip-version-check install --quiet --compile \
	--constraint constraints.txt --editable '.$(1)'
@$(RUN)python -m compileall -q llminfra
@rm $(VENV)/.installing
@echo "$(CURDIR)" > $@
endef

.DEFAULT_GOAL := help
.PHONY: help report test test-all lab bench format readme constraints clean FORCE

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

report: $(VENV)/.runtime ## render the example and print where the report is
	@$(RUN)llminfra render $(EXAMPLE)
	@echo "Open first: reports/out/$(basename $(notdir $(EXAMPLE)))/decision.html"

test: $(VENV)/.dev ## check style and types and run the fast tests
	$(RUN)ruff check
	$(RUN)ruff format --check
	@echo "mypy --strict runs beside the tests and speaks at the end if there is something to say"
	@$(RUN)mypy --strict llminfra > $(VENV)/types.log 2>&1 & types=$$!; \
	$(RUN)python -m pytest -m "not slow" $(WORKERS); tests=$$?; \
	wait $$types || { cat $(VENV)/types.log; exit 1; }; \
	exit $$tests

test-all: test $(VENV)/.lab ## run the slow tests too
	$(RUN)python -m pytest -m slow $(WORKERS) || [ $$? -eq 5 ]

lab: $(VENV)/.lab ## open the notebooks in JupyterLab
	$(RUN)jupyter lab notebooks

bench: $(VENV)/.runtime ## measure import and rendering, beside the stock tools (JOBS=1000: large batches)
	@$(RUN)python benchmarks/bench.py
	@$(RUN)python -m benchmarks.batch_speed $(if $(RECORD),--record) \
		$(if $(JOBS),--notebooks memory --sizes 10$(comma)100$(comma)$(JOBS) --slow 10)
	@$(RUN)python benchmarks/memory_grid.py
	@$(RUN)python benchmarks/serving_speed.py
	@$(RUN)python benchmarks/search_speed.py
	@$(RUN)python benchmarks/drivers_speed.py
	@$(RUN)python benchmarks/plan_speed.py

format: $(VENV)/.dev ## bring the code into the house style
	$(RUN)ruff check --fix
	$(RUN)ruff format

readme: $(VENV)/.dev ## renew the generated parts of README.md and its picture
	$(RUN)python tests/readme.py

constraints: $(VENV)/.runtime ## pin the newest versions that pyproject.toml allows
	@env -u PIP_CONSTRAINT -u PIP_EXTRA_INDEX_URL -u PIP_FIND_LINKS PIP_CONFIG_FILE=/dev/null \
		$(RUN)python -m pip install --quiet --dry-run --ignore-installed --report $(VENV)/pins.json \
		--editable '.[dev,lab]'
	@$(RUN)python -c 'import json; \
		found = json.load(open("$(VENV)/pins.json"))["install"]; \
		pins = {m["name"].lower(): m["version"] for m in (f["metadata"] for f in found)}; \
		del pins["llminfra"]; \
		print("# The versions that the tests ran with. Made by: make constraints"); \
		[print(name + "==" + pins[name]) for name in sorted(pins)]' > constraints.tmp
	@mv constraints.tmp constraints.txt

clean: ## remove .venv, rendered reports and caches
	rm -rf $(VENV) reports/out build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.runtime: pyproject.toml constraints.txt $(if $(USABLE),,FORCE)
	$(if $(USABLE),,$(eval found := $(base_python))$(check_python))
	@echo "Installing llminfra into $(VENV): about a minute, once"
	@[ -n "$(USABLE)" ] || { rm -rf $(VENV); $(lastword $(found)) -m venv $(VENV); }
	$(call install,)

$(VENV)/.dev: $(VENV)/.runtime
	@echo "Installing what the tests need into $(VENV)"
	$(call install,[dev])

$(VENV)/.lab: $(VENV)/.runtime
	@echo "Installing JupyterLab into $(VENV)"
	$(call install,[lab])
