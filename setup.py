"""Build fasth2's compiled modules. Every compiler directive is set here and nowhere else.

FASTH2_SANITIZE=1 in the environment builds with Cython's bounds and overflow
checks, AddressSanitizer and UndefinedBehaviorSanitizer, for ``make test-sanitize``.
"""
import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SANITIZE = os.environ.get("FASTH2_SANITIZE") == "1"

DIRECTIVES = {
    "language_level": 3,
    "freethreading_compatible": True,
    "embedsignature": True,
    "auto_pickle": False,
    "boundscheck": SANITIZE,
    "wraparound": SANITIZE,
    "initializedcheck": SANITIZE,
    "nonecheck": SANITIZE,
    "overflowcheck": False,
    "cdivision": not SANITIZE,
}

MODULES = sorted(path.stem for path in Path(__file__).parent.joinpath("src", "fasth2").glob("_*.pyx"))

if sys.platform == "win32":
    CFLAGS = ["/O2", "/std:c11"]
    LDFLAGS = []
elif SANITIZE:
    CFLAGS = ["-std=c11", "-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined",
              "-fno-sanitize-recover=undefined"]
    LDFLAGS = ["-fsanitize=address,undefined"]
else:
    CFLAGS = ["-std=c11", "-O3", "-Wall", "-Wextra", "-Wno-unused-function", "-Wno-unused-parameter",
              "-Wno-missing-field-initializers", "-Wno-cast-function-type"]
    LDFLAGS = []

setup(
    package_dir={"": "src"},
    packages=["fasth2", "fasth2.server", "fasth2.gunicorn"],
    package_data={"fasth2": ["*.pyi", "*.pxd", "py.typed"]},
    ext_modules=cythonize(
        [
            Extension(
                f"fasth2.{name}",
                [f"src/fasth2/{name}.pyx"],
                include_dirs=["src/fasth2"],
                extra_compile_args=CFLAGS,
                extra_link_args=LDFLAGS,
            )
            for name in MODULES
        ],
        compiler_directives=DIRECTIVES,
    ),
)
