# Benchmarks. The Makefile that includes this gives PY, the environment's python, and
# the target build-bench, after which PY can import fasth2 and bench/requirements.txt.

BENCH_RAW := bench/results/raw.json
BENCH_SVG := bench/results/ratios.svg
BENCH_FLOOR := bench/floor/floor

# libnghttp2-dev gives the header and the library; the floor is measured at -O3.
$(BENCH_FLOOR): bench/floor/floor.c
	$(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -O3 -Wall -Wextra -o $@ $< -lnghttp2

.PHONY: bench bench-quick bench-e2e bench-profile

# Every row, timed: one table, the raw samples and the picture of the ratios.
bench: build-bench $(BENCH_FLOOR)
	$(PY) -m pytest bench -q -p no:cacheprovider --benchmark-quiet --benchmark-json=$(BENCH_RAW)
	$(PY) -m bench.report $(BENCH_RAW) $(BENCH_SVG)

# Every row once, its answers checked, nothing timed.
bench-quick: build-bench $(BENCH_FLOOR)
	$(PY) -m pytest bench -q -p no:cacheprovider --benchmark-disable

# gunicorn with and without fasth2, under h2load (Debian's nghttp2-client).
bench-e2e: build-bench
	$(PY) -m bench.e2e

# Instructions a request, by valgrind's callgrind.
bench-profile: build-bench $(BENCH_FLOOR)
	$(PY) -m bench.profile
