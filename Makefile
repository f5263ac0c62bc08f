# What people and CI call. PYTHON=python3.13 picks another interpreter; each has
# an environment of its own. Everything is made where it is missing or older than
# what it is made from.

PYTHON ?= python3
PYTHONS ?= $(PYTHON)
TESTS ?= tests
# 1: a compiler's warning is an error.
FASTH2_WERROR ?= 1
JOBS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')
# Tests wait for servers most of the time.
TEST_JOBS ?= $(shell expr $(JOBS) + 5)

ifeq ($(PYTHON),python3)
VENV := .venv
else
VENV := .venv-$(shell $(PYTHON) -c 'import sys, sysconfig; print(sysconfig.get_config_var("VERSION") + sys.abiflags)')
endif
PY := $(VENV)/bin/python
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check

# The versions of gunicorn that fasth2 is tested with; each is fetched once.
GUNICORNS := 25.0.3 25.3.0 26.2.0 27.0.1
GUNICORN_FOLDERS := $(GUNICORNS:%=.work/gunicorn/%)
# The same of uvicorn.
UVICORNS := 0.23.0 0.36.0 0.47.0 0.54.0
UVICORN_FOLDERS := $(UVICORNS:%=.work/uvicorn/%)

# Environments with programs that use h2, those together whose needs agree; one set for each interpreter.
PROGRAMS := $(patsubst requirements/programs/%.txt,%,$(wildcard requirements/programs/*.txt))
PROGRAM_FOLDER := .work/programs/$(shell $(PYTHON) -c 'import sys, sysconfig; print(sysconfig.get_config_var("VERSION") + sys.abiflags)')

SOURCES := $(shell find src/fasth2 -name '*.pyx' -o -name '*.pxd' -o -name '*.h')
SANITIZED := $(CURDIR)/.work/sanitize

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: fuzz fuzz-build fuzz-corpus
.PHONY: test-refnanny test-debug test-valgrind test-memory test-tsan
.PHONY: wheel test-3.14 test-3.15 test-i386 test-s390x test-free-threaded dist-sdist dist-wheels
.PHONY: lint-ruff lint-cython lint-mypy check-workflows test-installed test-warnings pre-commit release-check check-windows
.PHONY: help build build-bench gunicorns uvicorns programs test test-slow test-ecosystem test-sanitize test-package test-packages lint serve dist clean distclean

help:
	@echo "make test           build, then every test; long runs at a tenth of their length"
	@echo "make test-slow      the long runs at full length"
	@echo "make test-ecosystem real clients and real proxies, every one by every worker, at full length"
	@echo "make test-sanitize  every test under AddressSanitizer, UBSan and bounds checks"
	@echo "make test-memory    test-sanitize, and its fellows: test-refnanny, test-debug, test-valgrind"
	@echo "make test-tsan      the tests of threads under ThreadSanitizer, without the interpreter's lock"
	@echo "make fuzz           each target of fuzz/ for FUZZ_SECONDS (60), under sanitizers: clang and atheris"
	@echo "make test-package   the sdist and its wheel, by each of PYTHONS (PYTHON)"
	@echo "make gunicorns      the versions of gunicorn that the tests use, in .work/gunicorn; also uvicorns"
	@echo "make programs       the programs that use h2, in environments without it, in .work/programs"
	@echo "make test-installed the tests that need no server, against fasth2 as pip installs it"
	@echo "make test-warnings  builds with gcc and with clang, a warning being an error"
	@echo "make check-windows  the C against the headers of Windows, by clang (root)"
	@echo "make wheel          wheels by each of PYTHONS (all that are found) from the sdist, checked and tested"
	@echo "make test-3.14      every test on another CPython, in a Debian of its own (root): also test-3.15"
	@echo "make test-i386      the tests that need no server, on another machine (root): also test-s390x"
	@echo "make test-free-threaded  the tests that need no server, on a CPython without the lock; each in threads too"
	@echo "make serve          gunicorn on fasth2, HTTPS on 127.0.0.1 (PORT, 8443)"
	@echo "make lint           ruff, cython-lint and mypy; pre-commit: the same by pre-commit"
	@echo "make bench          the benchmarks; also bench-quick, bench-e2e, bench-servers"
	@echo "make dist           the sdist and a wheel, in dist/; also dist-sdist, dist-wheels (cibuildwheel)"
	@echo "make check-workflows  the workflows against their schema, and zizmor"
	@echo "make release-check  what has to be so before a release, and what is left to do by hand"
	@echo "make clean          everything made but the environments; distclean: those too"

# The environment, and in it each list of requirements that is installed.

$(VENV)/.build: requirements/build.txt
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(INSTALL) -r $<
	@# The package is used from the tree.
	$(PY) -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "fasth2.pth").write_text("$(CURDIR)/src\n")'
	@touch $@

$(VENV)/.%: requirements/%.txt $(VENV)/.build
	$(INSTALL) -r $<
	@touch $@

$(VENV)/.bench: $(wildcard bench/requirements.txt) $(VENV)/.test
	$(INSTALL) $(foreach file,$(wildcard bench/requirements.txt),-r $(file))
	@touch $@

$(VENV)/.compiled: setup.py $(SOURCES) $(VENV)/.build
	FASTH2_WERROR=$(FASTH2_WERROR) $(PY) setup.py --quiet build_ext --inplace --parallel $(JOBS)
	@touch $@

build: $(VENV)/.compiled

build-bench: build $(VENV)/.bench

test-packages:
	@tools/install_test_packages.sh

$(GUNICORN_FOLDERS): .work/gunicorn/%: | $(VENV)/.build
	tools/fetch_gunicorn.sh $(PY) $* $@

gunicorns: $(GUNICORN_FOLDERS)

$(UVICORN_FOLDERS): .work/uvicorn/%: | $(VENV)/.build
	tools/fetch_uvicorn.sh $(PY) $* $@

uvicorns: $(UVICORN_FOLDERS)

$(PROGRAM_FOLDER)/%/.made: requirements/programs/%.txt tools/make_program_environment.sh | $(VENV)/.build
	tools/make_program_environment.sh $(PY) $< $(@D)

programs: $(PROGRAMS:%=$(PROGRAM_FOLDER)/%/.made)

test: build $(VENV)/.test test-packages gunicorns uvicorns programs
	$(PY) -m pytest --timeout=300 -n $(TEST_JOBS) --dist loadfile $(TESTS)

test-slow: build $(VENV)/.test test-packages gunicorns uvicorns programs
	FASTH2_SLOW=1 $(PY) -m pytest -m slow $(TESTS)

# One after another: what they measure is what a loaded server loses, not what a loaded machine does.
test-ecosystem: build $(VENV)/.test test-packages gunicorns uvicorns programs
	FASTH2_ECOSYSTEM=1 $(PY) -m pytest --timeout=900 -m ecosystem $(TESTS)

# A build of its own beside the ordinary one. Python itself is not built with the
# sanitizers, so their libraries have to be loaded before it; it leaks by design.
# No test is left out. tests/conftest.py sees to it that interpreters started by a
# test have the libraries too, and that other programs have not: curl hangs on them.
test-sanitize: $(VENV)/.build $(VENV)/.test test-packages gunicorns uvicorns programs
	FASTH2_SANITIZE=1 $(PY) setup.py --quiet build --build-base $(SANITIZED) --build-lib $(SANITIZED)/lib \
	    --parallel $(JOBS)
	tools/run_sanitized.sh $(SANITIZED) $(PY) -m pytest -p no:cacheprovider --timeout=600 -n $(JOBS) --dist loadfile $(TESTS)

# The other builds that look closely at memory; CONTRIBUTING.md says what each sees. Interpreters are built once,
# outside the tree.
test-memory: test-sanitize test-refnanny test-debug test-valgrind

test-refnanny: $(VENV)/.build $(VENV)/.test
	tools/test_refnanny.sh $(PY)

test-debug:
	tools/test_debug.sh suite "$$(tools/build_python.sh debug)"

test-valgrind:
	tools/test_debug.sh valgrind "$$(tools/build_python.sh debug)"

test-tsan:
	tools/test_tsan.sh "$$(tools/build_python.sh free-threaded-tsan)" "$$(tools/build_python.sh free-threaded)"

# See fuzz/README.md. TARGETS="frames facade" fuzzes some of them; what is found is in .work/fuzz/found.
FUZZ_SECONDS ?= 60
TARGETS ?= $(filter-out __init__,$(basename $(notdir $(wildcard fuzz/targets/*.py))))

fuzz-build: $(VENV)/.fuzz $(VENV)/.test
	CC="$${FUZZ_CC:-clang}" FASTH2_SANITIZE=fuzz $(PY) setup.py --quiet build --build-base .work/fuzz --build-lib .work/fuzz/lib \
	    --parallel $(JOBS)

fuzz: fuzz-build
	set -e; for target in $(TARGETS); do \
	    echo "$$target:"; \
	    fuzz/run.sh $(PY) $$target -max_total_time=$(FUZZ_SECONDS) >.work/fuzz/$$target.log 2>&1 || \
	        { tail -n 60 .work/fuzz/$$target.log; exit 1; }; \
	    $(PY) -m fuzz.coverage .work/fuzz/$$target.log; \
	done

# Takes into fuzz/corpus what reaches more than what is there, as far as it stays small.
fuzz-corpus: fuzz-build
	set -e; for target in $(TARGETS); do fuzz/merge.sh $(PY) $$target; done

lint: lint-ruff lint-cython lint-mypy

lint-ruff: $(VENV)/.lint
	$(PY) -m ruff check .

lint-cython: $(VENV)/.lint
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/cython-lint src

lint-mypy: $(VENV)/.lint
	$(PY) -m mypy src/fasth2

pre-commit: $(VENV)/.pre-commit
	$(VENV)/bin/pre-commit run --all-files

check-workflows: $(VENV)/.wheel
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/zizmor --offline --quiet --config .github/zizmor.yml .github/workflows

serve: build $(VENV)/.serve
	@$(PY) tools/serve.py $(ARGS)

# Other builds and other machines. Each makes what it needs once, outside the tree (FASTH2_CACHE, the user's cache
# folder by default); those with a folder of another Debian run as root.

wheel: $(VENV)/.wheel
	tools/check_wheels.sh $(VENV)/bin \
	    $(if $(filter file,$(origin PYTHONS)),$$($(PYTHON) tools/find_interpreters.py),$(PYTHONS))

test-installed:
	rm -rf .work/installed
	$(PYTHON) -m venv .work/installed
	.work/installed/bin/python -m pip install --quiet --disable-pip-version-check . -r requirements/test-pure.txt
	.work/installed/bin/python tools/test_installed.py

# Only whether they compile. The objects of each compiler have a folder of their own.
COMPILERS ?= gcc clang
test-warnings: $(VENV)/.build
	set -e; for compiler in $(COMPILERS); do \
	    rm -rf .work/warnings; \
	    CC=$$compiler FASTH2_WERROR=1 $(PY) setup.py --quiet build_ext --force --parallel $(JOBS) \
	        --build-temp .work/warnings/objects --build-lib .work/warnings/lib; \
	    echo "no warning by $$($$compiler --version | head -n 1)"; \
	done

# As near to Windows as one gets here.
check-windows: $(VENV)/.build
	tools/check_windows_c.sh $(PY)

# Without what takes a network there: the programs that use h2.
IN_ROOT := --everything --timeout=300 -n $(JOBS) --dist loadfile --ignore=tests/programs

test-3.14: test-%: $(VENV)/.build gunicorns
	root=$$(tools/debian_root.sh python$*) && \
	    FASTH2_HOST_PYTHON=$(PY) tools/test_in_root.sh "$$root" python$* $(IN_ROOT)

# Not a promise yet: what fails is said and fails nothing.
test-3.15: test-%: $(VENV)/.build gunicorns
	@root=$$(tools/debian_root.sh python$*) && \
	    FASTH2_HOST_PYTHON=$(PY) tools/test_in_root.sh "$$root" python$* $(IN_ROOT) || \
	    echo "warning: the tests do not pass on CPython $* yet; the reason stands above"

test-i386 test-s390x: test-%: $(VENV)/.build
	root=$$(tools/debian_root.sh $*) && FASTH2_HOST_PYTHON=$(PY) tools/test_in_root.sh "$$root" python3 -q

test-free-threaded:
	tools/test_free_threaded.sh "$$(tools/build_python.sh free-threaded)"

dist-sdist: $(VENV)/.dist
	$(PY) -m build --quiet --sdist

# What the release workflow runs on each of its machines; ARCHS as cibuildwheel names them. On Linux it takes Docker.
dist-wheels: $(VENV)/.wheel
	CIBW_ARCHS="$(ARCHS)" $(VENV)/bin/cibuildwheel --output-dir dist dist/*.tar.gz

release-check: $(VENV)/.build
	$(PY) tools/release_check.py

dist: $(VENV)/.dist
	rm -rf dist
	$(PY) -m build --quiet

test-package: $(VENV)/.dist
	rm -rf .work/sdist
	$(PY) -m build --quiet --sdist --outdir .work/sdist
	tools/check_package.sh .work/sdist/*.tar.gz $(PYTHONS)

clean:
	rm -rf build dist .work .pytest_cache .hypothesis .benchmarks .ruff_cache .mypy_cache src/*.egg-info $(VENV)/.compiled
	find src -name '*.so' -delete
	find src tests bench tools examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean
	rm -rf .venv .venv-*

-include bench/bench.mk
