#!/bin/bash -eu
# Build fasth2 with the sanitizer and the coverage that OSS-Fuzz asks for ($CFLAGS), and each target with its corpus.
# What is set where: https://google.github.io/oss-fuzz/getting-started/new-project-guide/python-lang/

cd "$SRC/fasth2"
python3 -m pip install -r requirements/build.txt -r requirements/test-pure.txt
export FASTH2_SANITIZE=fuzz FASTH2_FUZZ_FLAGS="${CFLAGS:--O1} -fsanitize=fuzzer-no-link"
python3 setup.py build --build-base "$WORK/fasth2" --build-lib "$WORK/fasth2/lib"
export PYTHONPATH="$WORK/fasth2/lib:$PWD"

for target in $(python3 -c 'from fuzz import corpora; print(*corpora.TARGETS)'); do
    printf 'import sys\n\nimport atheris\n\nwith atheris.instrument_imports(include=["fasth2"], enable_loader_override=False):\n    from fuzz.targets.%s import one_input\n\natheris.Setup(sys.argv, one_input)\natheris.Fuzz()\n' \
        "$target" >"$WORK/fuzz_$target.py"
    compile_python_fuzzer "$WORK/fuzz_$target.py" --paths "$WORK/fasth2/lib" --paths "$PWD" --collect-submodules fasth2
    python3 -m fuzz.corpora zip "$target" "$OUT/fuzz_${target}_seed_corpus.zip"
done
