"""The version is written once, in `fasth2/__init__.py`; the changelog has an entry for it."""
import re
from pathlib import Path

import pytest

import fasth2

ROOT = Path(__file__).parents[2]


def test_the_build_takes_the_packages_own(tree):
    source = tree.path / "src" / "fasth2" / "__init__.py"
    source.write_text(source.read_text().replace(f'__version__ = "{fasth2.__version__}"', '__version__ = "7.8.9"'))
    assert tree.setup("--version").stdout.splitlines()[-1] == "7.8.9"


def test_nothing_else_that_builds_says_it():
    files = [ROOT / name for name in ("pyproject.toml", "setup.py", "Makefile")]
    files += [*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("tools/*.*"), *ROOT.glob("requirements/*.txt")]
    said = re.compile(rf"fasth2.{re.escape(fasth2.__version__)}|version\W+{re.escape(fasth2.__version__)}")
    assert [file.name for file in files if said.search(file.read_text())] == []


@pytest.mark.parametrize("page", ["README.md", "docs/gunicorn.md"])
def test_pages_show_lines_of_this_version(page):
    shown = re.findall(r"(?:HTTP/2 by |^)fasth2 (\d+\.\d+\.\d+)", (ROOT / page).read_text(), re.MULTILINE)
    assert set(shown) == {fasth2.__version__}


def test_the_changelog_begins_with_it():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.findall(r"^## (\S+), ", text, re.MULTILINE)[0] == fasth2.__version__
