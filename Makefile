# make app     start the dashboard on http://127.0.0.1:8501
# make test    run all checks: format, lint, types, import contracts, tests
# make test-all   the same with the thorough tests and coverage, about 25 minutes more
# make pictures   take the pictures of the documentation anew
# make benchmark  measure speed, and write docs/performance.md
# make lock    pin all dependencies of the application and the gateway, with hashes, in requirements.lock
# make audit   check dependencies for known vulnerabilities and licences; write an SBOM
# make docs    build the documentation site in build/site, without the network
# make fuzz    read 220,000 damaged files, and write the outcome to docs/reliability.md
# make clean   remove the virtual environment and every cache

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(VENV)/audit
unexport PYTHONDONTWRITEBYTECODE

.PHONY: app pictures test test-all check docs benchmark fuzz lock audit clean
.DELETE_ON_ERROR:

app: $(VENV)/installed
	@echo "Pneumo is starting at http://127.0.0.1:8501 (stop it with Ctrl-C)"
	@$(BIN)/streamlit run streamlit_app.py

test: check
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# Coverage may not fall below fail_under in pyproject.toml.
test-all: check
	PNEUMO_TEST_WHOLE=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

check: $(VENV)/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -n 2
	$(BIN)/lint-imports

# About 20 minutes on an idle machine; existing measurements are kept, see benchmarks/__main__.py.
benchmark: $(VENV)/installed-test
	$(BIN)/python -m benchmarks

docs: $(VENV)/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "Open build/site/index.html"

pictures: $(VENV)/installed-test
	$(BIN)/python -m benchmarks.screenshots

lock: $(TOOLS)/installed
	$(BIN)/python -m supply lock $(TOOLS)/bin

audit: $(TOOLS)/installed
	$(BIN)/python -m supply audit $(TOOLS)/bin

$(TOOLS)/installed: requirements-audit.txt $(VENV)/installed
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --no-compile --disable-pip-version-check -r requirements-audit.txt
	@touch $@

# Takes hours. One format: .venv/bin/python -m tests.fuzz --inputs 20000 --format png
fuzz: $(VENV)/installed-test
	$(BIN)/python -m tests.fuzz --inputs 20000

# --no-compile halves the time: Python compiles a module when it is first imported. It must be allowed
# to keep the result, or every process would compile it again.
$(VENV)/installed: requirements.txt pyproject.toml
	@echo "Installing Pneumo into $(VENV): about 1.8 GB, a minute or two."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/installed-test: requirements-test.txt $(VENV)/installed
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r requirements-test.txt
	@touch $@

$(VENV)/installed-docs: requirements-docs.txt requirements-gateway.txt $(VENV)/installed
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r requirements-docs.txt -r requirements-gateway.txt
	@touch $@

clean:
	rm -rf $(VENV) .pneumo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist *.egg-info .coverage*
