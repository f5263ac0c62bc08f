"""Check what has to be so before a release, then print what is left to do by hand.

usage: python tools/release_check.py [--state]

The state first: a clean tree, the version not yet tagged, and the changelog's entry for it with a date. Then every
check that takes long; --state leaves those out.
"""
from __future__ import annotations

import datetime
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Each has to succeed.
COMMANDS = (
    (".ci/run",),
    ("make", "test-warnings"),
    ("make", "check-windows"),
    ("make", "test-sanitize"),
    ("make", "test-slow"),
    ("make", "wheel"),
    ("make", "test-3.14"),
    ("make", "test-free-threaded"),
)

BY_HAND = """\
Left to do by hand, for {version}:
 1. make test-i386 test-s390x, as root; make test-3.15, and read its warning if there is one.
 2. make bench, and the README's figures if they have changed.
 3. Push the branch, and wait until the workflow `test` has passed.
 4. git tag -s v{version} -m "fasth2 {version}" && git push origin v{version}
 5. Let the workflow `release` publish: it asks in the environment `pypi`. (Before the first release, PyPI has to know
    the repository, release.yml and that environment as the project's trusted publisher.)
 6. python3 -m venv /tmp/new && /tmp/new/bin/pip install fasth2=={version} && /tmp/new/bin/python -m fasth2 --version
 7. Publish the changelog's entry as the tag's release notes.
 8. Set the next __version__ in src/fasth2/__init__.py, with an entry `not released yet` in CHANGELOG.md."""


def version(root: Path) -> str:
    """The version of the sources."""
    found = re.search(r'^__version__ = "(.+)"$', (root / "src" / "fasth2" / "__init__.py").read_text(), re.MULTILINE)
    assert found
    return found[1]


def faults(root: Path, today: datetime.date) -> list[str]:
    """What in the state of a tree forbids a release of it, a sentence for each."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout

    found = []
    if git("status", "--porcelain"):
        found.append("The tree is not clean: git status.")
    name = version(root)
    tag = f"v{name}"
    if git("tag", "--list", tag):
        found.append(f"{tag} is tagged already: raise __version__ in src/fasth2/__init__.py.")
    for remote in git("remote").split():
        if git("ls-remote", "--tags", remote, tag):
            found.append(f"{tag} is tagged already at {remote}.")
    entry = re.search(rf"^## {re.escape(name)}, (.+)$", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    try:
        date = datetime.date.fromisoformat(entry[1] if entry else "")
    except ValueError:
        found.append(f"CHANGELOG.md has no `## {name}, YYYY-MM-DD`.")
    else:
        if date > today:
            found.append(f"CHANGELOG.md says that {name} was released on {date}, which is to come.")
    return found


def main(arguments: list[str]) -> None:
    """Check, and exit with 1 at the first kind of fault."""
    wrong = faults(ROOT, datetime.date.today())
    if wrong:
        raise SystemExit("\n".join(wrong))
    for command in () if "--state" in arguments else COMMANDS:
        print("==", *command, flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed.")
    print(BY_HAND.format(version=version(ROOT)))


if __name__ == "__main__":
    main(sys.argv[1:])
