"""Build fasth2's compiled modules. Every compiler directive is set here and nowhere else.

FASTH2_SANITIZE in the environment names a build for tests (see CONTRIBUTING.md, "Memory and threads"):
1: Cython's bounds checks, AddressSanitizer and UndefinedBehaviorSanitizer; thread: ThreadSanitizer;
refnanny: Cython counts each reference that a function takes and gives back.
"""
import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

KIND = os.environ.get("FASTH2_SANITIZE", "")
SANITIZE = KIND == "1"

DIRECTIVES = {
    "language_level": 3,
    "freethreading_compatible": True,
    "embedsignature": True,
    "auto_pickle": False,
    # Sequences come from users; C arrays are never checked, whatever this says.
    "boundscheck": True,
    "wraparound": True,
    "initializedcheck": SANITIZE,
    "nonecheck": SANITIZE,
    "overflowcheck": False,
    "cdivision": not SANITIZE,
}

SOURCE = Path("src", "fasth2")
# Relative, as setuptools wants paths: it runs this file from its own folder.
MODULES = sorted(SOURCE.glob("_*.pyx"))
HEADERS = sorted(path.as_posix() for path in SOURCE.glob("*.h"))

if sys.platform == "win32":
    CFLAGS = ["/O2", "/std:c11"]
    LDFLAGS = []
elif SANITIZE:
    CFLAGS = ["-std=c11", "-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined",
              "-fno-sanitize-recover=undefined"]
    LDFLAGS = ["-fsanitize=address,undefined"]
elif KIND == "thread":
    CFLAGS = ["-std=c11", "-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=thread"]
    LDFLAGS = ["-fsanitize=thread"]
else:
    CFLAGS = ["-std=c11", "-g0", "-O3", "-Wall", "-Wextra", "-Wno-unused-function", "-Wno-unused-parameter",
              "-Wno-missing-field-initializers", "-Wno-cast-function-type"]
    LDFLAGS = []

setup(
    package_dir={"": "src"},
    packages=find_packages("src"),
    package_data={"": ["*.pyi", "*.pxd", "*.h", "py.typed"]},
    ext_modules=cythonize(
        [
            Extension(
                f"fasth2.{path.stem}",
                [path.as_posix()],
                include_dirs=[SOURCE.as_posix()],
                depends=HEADERS,
                define_macros=[("CYTHON_REFNANNY", "1")] if KIND == "refnanny" else [],
                extra_compile_args=CFLAGS,
                extra_link_args=LDFLAGS,
            )
            for path in MODULES
        ],
        compiler_directives=DIRECTIVES,
        # The C of the two kinds of build differs, so each has a folder of its own.
        build_dir="build/c-sanitize" if SANITIZE else "build/c",
    ),
)
