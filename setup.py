"""Build fasth2's compiled modules. Every compiler directive is set here and nowhere else.

FASTH2_SANITIZE in the environment names a build for tests (see CONTRIBUTING.md, "Memory and threads"):
1: Cython's bounds checks, AddressSanitizer and UndefinedBehaviorSanitizer; thread: ThreadSanitizer;
refnanny: Cython counts each reference that a function takes and gives back; debug: with the lines of the C;
fuzz: as 1, by clang, which also counts what the fuzzer has reached (see fuzz/README.md).
FASTH2_WERROR=1 makes a compiler's warning an error, as ``make build`` does.
"""
import os
import platform
import sys
import tempfile
from pathlib import Path

if platform.python_implementation() != "CPython":
    raise SystemExit(
        f"fasth2 is made for CPython and cannot be built for {platform.python_implementation()}: "
        "use CPython, or the h2 package, which has the same API."
    )

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError

KIND = os.environ.get("FASTH2_SANITIZE", "")
SANITIZE = KIND in ("1", "fuzz")
WERROR = os.environ.get("FASTH2_WERROR") == "1"

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
MODULES = sorted(SOURCE.rglob("*.pyx"))
HEADERS = sorted(path.as_posix() for path in SOURCE.rglob("*.h"))

if sys.platform == "win32":
    CFLAGS = ["/O2", "/std:c11", *(["/WX"] if WERROR else [])]
    LDFLAGS = []
elif KIND == "fuzz":
    # OSS-Fuzz has flags of its own, for each sanitizer.
    given = os.environ.get("FASTH2_FUZZ_FLAGS", "-O1 -fsanitize=address,undefined,fuzzer-no-link "
                           "-fno-sanitize-recover=undefined").split()
    CFLAGS = ["-std=c11", "-g", "-fno-omit-frame-pointer", "-Wno-unused-function", *given]
    LDFLAGS = []
elif SANITIZE:
    CFLAGS = ["-std=c11", "-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined",
              "-fno-sanitize-recover=undefined"]
    LDFLAGS = ["-fsanitize=address,undefined"]
elif KIND == "thread":
    CFLAGS = ["-std=c11", "-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=thread"]
    LDFLAGS = ["-fsanitize=thread"]
elif KIND == "debug":
    CFLAGS = ["-std=c11", "-g", "-O1", "-fno-omit-frame-pointer"]
    LDFLAGS = []
else:
    CFLAGS = ["-std=c11", "-g0", "-O3", "-Wall", "-Wextra", "-Wno-unused-function", "-Wno-unused-parameter",
              "-Wno-missing-field-initializers", "-Wno-cast-function-type", *(["-Werror"] if WERROR else [])]
    LDFLAGS = []


class BuildModules(build_ext):
    """Says what to install, last of all, where a compiler or Python's headers are missing."""

    def run(self):
        try:
            super().run()
        except (CCompilerError, ExecError, PlatformError):
            if not self._compiles("#include <stdio.h>"):
                raise SystemExit(
                    "fasth2 has to be compiled where no wheel of it fits, and no C compiler that works was found: "
                    "install one (Debian, Ubuntu: apt install gcc libc6-dev; Fedora: dnf install gcc; Alpine: apk add "
                    "gcc musl-dev; macOS: xcode-select --install; Windows: Microsoft C++ Build Tools) and try again."
                ) from None
            if not self._compiles("#include <Python.h>"):
                raise SystemExit(
                    "fasth2 has to be compiled where no wheel of it fits, and this Python's headers were not found: "
                    "install them (Debian, Ubuntu: apt install python3-dev; Fedora: dnf install python3-devel; Alpine: "
                    "apk add python3-dev) and try again."
                ) from None
            raise

    def _compiles(self, text):
        """Whether the compiler makes an object of a line of C."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "fasth2_check.c")
            source.write_text(text + "\n")
            try:
                self.compiler.compile([str(source)], output_dir=folder)
            except (AttributeError, CCompilerError, ExecError, PlatformError):  # the first where it has no compiler at all
                return False
        return True


setup(
    package_dir={"": "src"},
    packages=find_packages("src"),
    package_data={"": ["*.pyi", "*.pxd", "*.h", "py.typed"]},
    cmdclass={"build_ext": BuildModules},
    ext_modules=cythonize(
        [
            Extension(
                ".".join(path.relative_to("src").with_suffix("").parts),
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
        # The C of the kinds of build differs, or is made of another Cython's; so each has a folder of its own.
        build_dir=f"build/c-{KIND}" if KIND else "build/c",
    ),
)
