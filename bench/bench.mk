# Benchmarks. The Makefile that includes this gives PY, the environment's python; VENV, the
# environment's folder; INSTALL, which installs into it; build-bench, after which PY can import
# fasth2 and all of bench/requirements.txt; and test-packages, after which h2load and
# libnghttp2-dev are there.

BENCH_RAW := bench/results/raw.json
BENCH_SVG := bench/results/ratios.svg
BENCH_FLOOR := .work/bench/floor
BENCH_PYTEST := $(PY) -m pytest bench -q -p no:cacheprovider

.PHONY: bench bench-quick bench-e2e bench-profile bench-programs bench-servers bench-servers-profile bench-before

$(BENCH_FLOOR): bench/floor/floor.c | test-packages
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -O3 -Wall -Wextra -Werror -o $@ $< -lnghttp2

# Every row, timed: one table, the raw samples and the picture of the ratios.
bench: build-bench $(BENCH_FLOOR)
	@mkdir -p $(dir $(BENCH_RAW))
	$(BENCH_PYTEST) --benchmark-quiet --benchmark-json=$(BENCH_RAW)
	@$(PY) -m bench.report $(BENCH_RAW) $(BENCH_SVG)

# Every row once, its answers checked, nothing timed.
bench-quick: build-bench $(BENCH_FLOOR)
	$(BENCH_PYTEST) --benchmark-disable

# gunicorn with and without fasth2, under h2load, and uploads over long links; ARGS=--quick takes a tenth of the time.
bench-e2e: build-bench test-packages
	$(PY) -m bench.e2e $(ARGS)
	$(PY) -m bench.long_links $(if $(findstring --quick,$(ARGS)),--quick)

# Instructions a request, counted by valgrind.
bench-profile: build-bench $(BENCH_FLOOR)
	$(PY) -m bench.profile

# This checkout beside the one in BEFORE, built by the same interpreter: instructions, and processor time of servers.
bench-before: build-bench $(BENCH_FLOOR)
	@$(PY) -m bench.before $(BEFORE) $(ARGS)

# fasth2's WSGI worker and other servers, over TLS, in turn. ARGS=--quick takes one short round; --only NAME ... and
# --row NAME ... take a part of it, and leave the results of the last whole run alone.
SERVERS_RESULTS := bench/results/servers

bench-servers: build-bench test-packages $(VENV)/.servers
	@$(PY) -m bench.servers $(if $(ARGS),$(ARGS),--json $(SERVERS_RESULTS).json --svg $(SERVERS_RESULTS).svg)

# Programs that use h2, on h2 and on fasth2, in turn. ARGS="--row NAME ... --rounds N" takes a part.
BENCH_H2 := .work/bench/h2

$(BENCH_H2)/.made: bench/programs/requirements.txt | $(VENV)/.build
	rm -rf $(@D)
	$(INSTALL) --target $(@D) -r $<
	@touch $@

bench-programs: build-bench test-packages programs $(BENCH_H2)/.made
	@$(PY) -m bench.programs $(ARGS)

# Where the worker's time goes, by perf; ARGS=--callgrind counts instructions instead.
bench-servers-profile: build-bench test-packages $(VENV)/.servers
	@$(PY) -m bench.servers.profile $(ARGS)

$(VENV)/.servers: bench/servers/requirements.txt $(VENV)/.bench
	$(INSTALL) -r $<
	@touch $@
