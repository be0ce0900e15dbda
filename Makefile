# make app     start the dashboard on http://127.0.0.1:8501
# make test    everything that must hold
# make benchmark  measure how fast everything is, and write docs/performance.md
# make lock    pin everything that requirements.txt brings, with hashes, in requirements.lock
# make audit   known vulnerabilities and licences of what is installed
# make fuzz    read 220,000 damaged files, and write what became of them to docs/reliability.md
# make clean   remove the virtual environment and every cache

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(VENV)/audit

.PHONY: app test benchmark fuzz lock audit clean
.DELETE_ON_ERROR:

app: $(VENV)/installed
	@echo "Pneumo is starting at http://127.0.0.1:8501 (stop it with Ctrl-C)"
	@$(BIN)/streamlit run streamlit_app.py

test: $(VENV)/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile

# About 20 minutes on an idle machine; what was measured stays measured, see benchmarks/__main__.py.
benchmark: $(VENV)/installed-test
	$(BIN)/python -m benchmarks

lock: $(TOOLS)/installed
	$(BIN)/python -m supply lock $(TOOLS)/bin

audit: $(TOOLS)/installed
	$(BIN)/python -m supply audit $(TOOLS)/bin

$(TOOLS)/installed: requirements-audit.txt $(VENV)/installed
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check -r requirements-audit.txt
	@touch $@

# Some hours. One format: .venv/bin/python -m tests.fuzz --inputs 20000 --format png
fuzz: $(VENV)/installed-test
	$(BIN)/python -m tests.fuzz --inputs 20000

$(VENV)/installed: requirements.txt pyproject.toml
	@echo "Installing Pneumo into $(VENV): about 1.8 GB, a minute or two."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/installed-test: requirements-test.txt $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@touch $@

clean:
	rm -rf $(VENV) .pneumo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist *.egg-info
