"""The C tables are what their generators write, and what RFC 7541's appendices say."""
from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import hpack
import pytest
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

import fasth2

ROOT = Path(__file__).parents[2]
PACKAGE = Path(fasth2.__file__).parent


def generator(name):
    """A generator of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "header"),
    [("generate_huffman_table", "hpack/huffman_table.h"), ("generate_static_table", "hpack/static_table.h")],
)
def test_header_is_what_its_generator_writes(name, header):
    script = ROOT / "tools" / f"{name}.py"
    written = subprocess.run([sys.executable, script], capture_output=True, check=True, timeout=60).stdout
    assert (ROOT / "src" / "fasth2" / header).read_bytes() == written
    # The one that was compiled, where the package is not used from the tree.
    if (PACKAGE / header).exists():
        assert (PACKAGE / header).read_bytes() == written
    assert f"Made by tools/{name}.py" in written.decode().splitlines()[0]


def test_huffman_codes_are_appendix_b():
    module = generator("generate_huffman_table")
    assert list(module.LENGTHS) == list(REQUEST_CODES_LENGTH)
    assert module.codes() == list(REQUEST_CODES)


def test_huffman_header_holds_the_codes():
    text = (ROOT / "src" / "fasth2" / "hpack/huffman_table.h").read_text()

    def array(name):
        body = re.search(rf"{name}\[[^\]]*\] = {{(.*?)}};", text, re.DOTALL).group(1)
        return [int(item, 0) for item in body.replace("\n", " ").split(",") if item.strip()]

    assert array("huffman_code") == list(REQUEST_CODES[:256])
    assert array("huffman_bits") == list(REQUEST_CODES_LENGTH[:256])


def test_static_table_is_appendix_a():
    module = generator("generate_static_table")
    found = [(name.encode(), value.encode()) for name, value in module.FIELDS]
    assert found == list(hpack.table.HeaderTable.STATIC_TABLE)
