"""tools/release_check.py, on trees of its own."""
import datetime
import importlib.util
import os
import re
import subprocess

import pytest

from tests.support.paths import ROOT

TODAY = datetime.date(2030, 2, 3)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("release_check", ROOT / "tools" / "release_check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Repository:
    """A tree that may be released, in git."""

    def __init__(self, path):
        self.path = path
        (path / "src" / "fasth2").mkdir(parents=True)
        (path / "src" / "fasth2" / "__init__.py").write_text('"""x"""\n__version__ = "1.2.0"\n')
        self.changelog("1.2.0, 2030-02-03")
        self.git("init", "--quiet")
        self.commit()

    def git(self, *arguments):
        names = {f"GIT_{who}_{what}": "someone" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *arguments], cwd=self.path, check=True, env={**os.environ, **names})

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a state")

    def changelog(self, heading):
        (self.path / "CHANGELOG.md").write_text(f"# Changelog\n\n## {heading}\n\n- Add x.\n\n## 1.1.0, 2029-01-01\n")


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "tree").mkdir()
    return Repository(tmp_path / "tree")


def test_a_tree_that_may_be_released(script, repository):
    assert script.faults(repository.path, TODAY) == []


def test_an_edited_file(script, repository):
    repository.changelog("1.2.0, 2030-02-02")
    assert script.faults(repository.path, TODAY) == ["The tree is not clean: git status."]


def test_a_tag_that_is_there(script, repository):
    repository.git("tag", "v1.2.0.1")
    assert script.faults(repository.path, TODAY) == []
    repository.git("tag", "v1.2.0")
    assert script.faults(repository.path, TODAY) == [
        "v1.2.0 is tagged already: raise __version__ in src/fasth2/__init__.py."]


def test_a_tag_that_is_only_at_the_remote(script, repository, tmp_path):
    repository.git("tag", "v1.2.0")
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "remote"))
    repository.git("tag", "--delete", "v1.2.0")
    repository.git("remote", "add", "origin", str(tmp_path / "remote"))
    assert script.faults(repository.path, TODAY) == ["v1.2.0 is tagged already at origin."]


@pytest.mark.parametrize("heading", ["1.2.0, not released yet", "1.2.0", "1.3.0, 2030-02-03", "1.2.0, 2030-02-30"])
def test_no_entry_with_a_date(script, repository, heading):
    repository.changelog(heading)
    repository.commit()
    assert script.faults(repository.path, TODAY) == ["CHANGELOG.md has no `## 1.2.0, YYYY-MM-DD`."]


def test_a_date_to_come(script, repository):
    repository.changelog("1.2.0, 2030-02-04")
    repository.commit()
    assert script.faults(repository.path, TODAY) == [
        "CHANGELOG.md says that 1.2.0 was released on 2030-02-04, which is to come."]


def test_the_version_is_the_packages(script):
    import fasth2

    assert script.version(ROOT) == fasth2.__version__


def test_what_it_runs_is_there(script):
    targets = set(re.findall(r"^([a-z][\w.-]*(?: [\w.-]+)*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {name for line in targets for name in line.split()}
    by_hand = re.findall(r"make ((?:[a-z][\w.-]* ?)+)", script.BY_HAND)
    wanted = {command[1] for command in script.COMMANDS if command[0] == "make"}
    wanted |= {name for line in by_hand for name in line.split() if name.startswith("test-")}
    assert wanted <= known
    assert {"test-i386", "test-s390x"} <= wanted
    assert (ROOT / ".ci" / "run").exists()
