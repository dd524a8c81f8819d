PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
SUITE := $(VENV)/json-schema-test-suite

.PHONY: setup run test attacks console-check screenshots conformance quick check bench lock soak soak-agencies sbom audit
.DEFAULT_GOAL := setup
# Tests start the product often. Without this, each start would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

setup: $(STAMP)  ## make .venv with the locked requirements and the product in it

$(STAMP): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	# The JSON Schema Test Suite comes in the source of a locked library. Without it a test is skipped, and says so.
	rm -rf $(SUITE) && mkdir -p $(SUITE)
	sed -n '/^jsonschema==/,/^ *# via/p' requirements-dev.lock > $(SUITE)/source.txt
	-$(VENV)/bin/python -m pip download --quiet --no-deps --no-binary jsonschema --no-build-isolation --require-hashes \
	  -r $(SUITE)/source.txt -d $(SUITE) && tar -xzf $(SUITE)/jsonschema-*.tar.gz -C $(SUITE) --strip-components 1
	touch $(STAMP)

run: setup  ## bus, simulators and sample apps; ONCE=1 ends by itself
	$(VENV)/bin/python -m samples.run $(if $(ONCE),--once)

test: setup  ## the whole test suite
	$(VENV)/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not stress and not conformance and not console"

attacks: setup  ## attacks that take long, beside an innocent
	$(VENV)/bin/python -m pytest tests/attacks -m stress

console-check: setup  ## axe on every page of the console in every state, and Lighthouse; needs chromium and npm
	CI=true $(VENV)/bin/python -m pytest tests/journeys/console -m console -v

screenshots: setup  ## make the pictures in docs/konsol anew; needs chromium
	$(VENV)/bin/python -m tests.journeys.console.screenshots

conformance: setup  ## outside suites in full, without skipping any; validators and the model of records at length
	CI=true $(VENV)/bin/python -m pytest tests/conformance tests/asyncapi -v
	$(VENV)/bin/python -m pytest tests/contracts/test_validation.py tests/attacks/test_agency_answers.py \
	  tests/http/test_record_model.py --timeout 1800 --hypothesis-profile thorough

quick: setup  ## the tests that need neither a database nor a process
	$(VENV)/bin/python -m pytest -m unit -p no:schemathesis --hypothesis-profile quick -q

soak: setup  ## the kill test for long; ROUNDS=n
	BUS_SOAK_ROUNDS=$(or $(ROUNDS),60) $(VENV)/bin/python -m pytest tests/journeys/test_kill.py -s

soak-agencies: setup  ## agencies with faults of every kind that come and go, for ten minutes; SECONDS=n
	BUS_SOAK_SECONDS=$(or $(SECONDS),600) $(VENV)/bin/python -m pytest tests/journeys/test_agencies_soak.py -s

check: setup  ## ruff, types, import rules, contract lint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/bus contract lint contracts

bench: setup  ## every benchmark, each as a ratio to a baseline of the same run
	$(VENV)/bin/python -m bench

lock:  ## renew the locks (needs uv)
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 --all-extras --upgrade pyproject.toml -o requirements-dev.lock
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml -c requirements-dev.lock -o requirements.lock

sbom:  ## write sbom.json, all libraries in CycloneDX (needs uv)
	uv tool run --from cyclonedx-bom cyclonedx-py requirements requirements.lock --output-reproducible -o sbom.json

audit:  ## ask for known holes in the locked libraries (needs uv)
	uv tool run pip-audit --strict --require-hashes --disable-pip -r requirements.lock
