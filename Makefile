# `make demo` and `make test` are all a new machine needs: Python 3.11 or newer, make and a package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
# The longest first, so that no worker begins one when the others are done.
LONG_NOTEBOOKS := $(addprefix notebooks/,06_sweep_at_scale.ipynb 05_compare_prompts.ipynb 04_compare_providers.ipynb 03_orderings.ipynb)
NOTEBOOKS := $(LONG_NOTEBOOKS) $(filter-out $(LONG_NOTEBOOKS),$(wildcard notebooks/*.ipynb))
# Twice the two cores: a third of the time, tests wait for a browser, a kernel or a server.
WORKERS ?= 4
# Workers, kernels and servers import the same modules: who compiles one first keeps it for the others.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lab check gauntlet bench bench-short build clean help

help:
	@echo "make demo      run notebooks/01_quickstart.ipynb against the simulator, print its answer, write it as HTML"
	@echo "make test      run every test: pytest and the notebooks"
	@echo "make lab       open JupyterLab on the notebooks"
	@echo "make check     ruff, mypy and the import contract"
	@echo "make gauntlet  the long tests whole: every recording, every cut"
	@echo "make bench     agentlab beside its peers, an hour or two; parts with BENCH=\"A C\" PEERS=\"openai anthropic\" ROUNDS=5"
	@echo "make bench-short  agentlab beside the floors alone, half a minute; fails where a ratio is far off"
	@echo "make build     wheel and sdist"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"agentlab needs Python 3.11 or newer; $(PYTHON) is {v.major}.{v.minor}. Try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@if command -v uv >/dev/null 2>&1; then \
		test -d $(VENV) || uv venv --quiet --python "$(PYTHON)" $(VENV); \
		uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'; \
	else \
		test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV); \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'; \
	fi
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/agentlab demo --notebook notebooks/01_quickstart.ipynb --html build/01_quickstart.html

test: $(STAMP)
	$(BIN)/python -m pytest -p no:nbval -n $(WORKERS) --dist loadscope --no-loadscope-reorder
	AGENTLAB_DISPLAY=static $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --nbval --nbval-current-env --nbval-sanitize-with notebooks/sanitize.cfg \
		-p no:cacheprovider --override-ini filterwarnings= --allow-hosts=127.0.0.1 $(NOTEBOOKS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

gauntlet: $(STAMP)
	AGENTLAB_GAUNTLET=1 $(BIN)/python -m pytest -p no:xdist -m gauntlet -s
	AGENTLAB_GAUNTLET=1 $(BIN)/python -m pytest -n $(WORKERS) tests/messages tests/http tests/caching tests/tools tests/agent/test_run.py tests/agent/test_cancel.py tests/agent/test_approvals.py tests/notebook/run/test_state.py tests/notebook/safety/test_markdown.py tests/sessions tests/chat/context tests/experiments/statistics/test_coverage.py tests/notebook/test_every_renderer.py

bench: $(STAMP)
	$(BIN)/python -m benchmarks.peers $(if $(BENCH),--bench $(BENCH)) $(if $(PEERS),--peers $(PEERS)) $(if $(ROUNDS),--rounds $(ROUNDS))

bench-short: $(STAMP)
	$(BIN)/python -m benchmarks.peers --short

lab: $(STAMP)
	$(BIN)/jupyter lab notebooks

build: $(STAMP)
	$(BIN)/python -m build --outdir dist

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
