# Commands for contributors. `make` alone lists the targets.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test test-matrix lint check bench applications stress docs
.PHONY: clean

WORKERS := 2
# 0 for a site whose guides are not run.
GUIDES := 1
PYTHON := .venv/bin/python
# Python compiles what is imported: pip would compile all of TensorFlow.
PIP := $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-compile
PYTEST := $(PYTHON) -m pytest --numprocesses=$(WORKERS) --dist=worksteal \
	--durations=10
# Layers, backbones and methods must also run without TensorFlow.
PORTABLE_TESTS := tests/layers tests/backbones tests/methods \
	tests/metrics/calibration_errors_test.py tests/prediction
# Every file with cases that are marked matrix.
MATRIX_TESTS := tests/layers/conformance_test.py tests/methods \
	tests/training/batch_norms_test.py tests/export_methods_test.py \
	tests/runs/cost_test.py

# A pyenv shim can exist and fail, and a Debian python3 can lack ensurepip, so
# the only way to check a Python is to run it.
CANDIDATES := python3 python3.13 python3.12 python3.11 python
SUITABLE := import ensurepip, sys, venv; \
	sys.exit(not (3, 11) <= sys.version_info < (3, 14))

export TF_CPP_MIN_LOG_LEVEL := 2
# Else each of the tests' processes would compile TensorFlow anew: 10 s.
unexport PYTHONDONTWRITEBYTECODE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))

install: .venv/installed ## Create .venv and install the package into it

demo: install ## Train, evaluate and export MIMO on handwritten digits
	$(PYTHON) uncertainty_runs/cifar.py --dataset=digits --method=mimo \
		--ensemble_size=3 --output_dir=runs/demo --export

test: install ## Run all tests except the large ones (WORKERS=2 at a time)
	KERAS_BACKEND=tensorflow $(PYTEST) -m "not large"

test-matrix: .venv/extras ## Methods x backbones, likelihoods and formats
	KERAS_BACKEND=tensorflow $(PYTEST) --matrix $(MATRIX_TESTS)

lint: install ## Check style and format without changing anything
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

# JAX spends nearly all of the tests' time compiling: let the workers share what
# they compile.
check: lint .venv/extras ## What CI runs: lint, tests under JAX, all tests
	KERAS_BACKEND=jax \
		JAX_COMPILATION_CACHE_DIR="$(CURDIR)/.jax_cache" \
		JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 $(PYTEST) $(PORTABLE_TESTS)
	KERAS_BACKEND=tensorflow $(PYTEST)

bench: install ## Time every method and its peers, as in docs/speed.md
	$(PYTHON) -m benchmarks.bench

applications: install ## Every network of keras.applications as an ensemble
	rm -f results/applications.json
	$(PYTHON) benchmarks/applications.py --record=results/applications.json

stress: install ## Signals, flags, damage, a loaded server: docs/stress.md
	$(PYTHON) -m tests.stress.kills
	$(PYTHON) -m tests.stress.flags --record=results/stress_flags.json \
		--document=docs/stress.md
	$(PYTHON) -m tests.stress.attacks --record=results/stress_attacks.json \
		--document=docs/stress.md
	$(PYTHON) -m tests.stress.serving --record=results/stress_serving.json \
		--document=docs/stress.md

docs: .venv/docs ## Run the guides and build the site, build/site/index.html
	$(PYTHON) -m sphinx --jobs 2 --quiet --fail-on-warning --keep-going \
		-d build/site_state -D plot_gallery=$(GUIDES) docs build/site
	$(PYTHON) docs/extensions/check_site.py build/site

clean: ## Remove .venv, runs/ and the tools' caches
	rm -rf .venv runs build dist docs/generated *.egg-info
	rm -rf .hypothesis .jax_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: pyproject.toml setup.py mimo_keras/version.py
	@for python in $(CANDIDATES) none; do \
		"$$python" -c '$(SUITABLE)' >/dev/null 2>&1 && break; \
	done; \
	if [ "$$python" = none ]; then \
		echo "Expected Python 3.11, 3.12 or 3.13 with venv." \
			"Received: none of $(CANDIDATES) is one." \
			"Install one, or put its folder first in PATH." >&2; \
		exit 2; \
	fi; \
	echo "Creating .venv with $$("$$python" --version): 2.7 GB, 1-4 min ..."; \
	"$$python" -m venv --clear .venv
	@$(PIP) --editable '.[test]'
	@touch $@

.venv/extras: .venv/installed
	@echo "Installing the packages for the JAX and ONNX tests ..."
	@$(PIP) --editable '.[test,jax,onnx]'
	@touch $@

.venv/docs: .venv/installed
	@echo "Installing the packages for the documentation ..."
	@$(PIP) --editable '.[test,docs]'
	@touch $@
