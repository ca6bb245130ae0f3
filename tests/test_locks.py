"""The lock files name every installed package in one version, with the hashes of its files."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = {
    "requirements.txt": "requirements.lock",
    "requirements-dev.txt": "requirements-dev.lock",
    "requirements-embedded.txt": "requirements-embedded.lock",
}
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def read_lock(name: str) -> list[tuple[Requirement, int]]:
    """Return the requirements of a lock file, and the number of allowed files of each."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / name).read_text("utf-8"))
    entries = text.replace("\\\n", " ").strip().splitlines()
    return [(Requirement(entry.split(" --hash")[0]), len(HASH.findall(entry))) for entry in entries]


def list_requirements(name: str) -> Iterator[Requirement]:
    """Yield the requirements that people wrote, those of included files too."""
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if line.startswith("-r "):
            yield from list_requirements(line.removeprefix("-r ").strip())
        elif line and not line.startswith("#"):
            yield Requirement(line)


def list_needs(name: str) -> list[Requirement]:
    """Return the requirements of an installed package; none if it is not installed."""
    try:
        return [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:
        return []


def find_needed(name: str) -> set[str]:
    """Return the names of all packages that a package needs here, by the metadata of the installed ones."""
    needed: set[str] = set()
    waiting = [(name, {""})]
    while waiting:
        name, extras = waiting.pop()
        for one in list_needs(name):
            key = canonicalize_name(one.name)
            is_needed = one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
            if is_needed and key not in needed:
                needed.add(key)
                waiting.append((key, one.extras | {""}))
    return needed


@pytest.mark.parametrize(("asked", "lock"), LOCKS.items())
def test_every_requirement_is_locked_at_its_version(asked: str, lock: str) -> None:
    """Every requirement is locked in its version.

    A changed requirement needs ``make lock`` to take effect.
    """
    locked = {canonicalize_name(one.name): str(one.specifier) for one, _ in read_lock(lock)}
    wanted = {canonicalize_name(one.name): str(one.specifier) for one in list_requirements(asked)}
    assert {name: locked.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("lock", LOCKS.values())
def test_every_line_is_pinned_with_hashes_and_names_no_index(lock: str) -> None:
    """Each package has one exact version and at least one hash.

    No line names an index of the machine that wrote it.
    """
    entries = read_lock(lock)
    loose = [
        str(one)
        for one, hashes in entries
        if not hashes or not re.fullmatch(r"==[\w.+]+", str(one.specifier))
    ]
    assert entries
    assert loose == []
    assert re.findall(r"https?://|file:|(?m:^-)|(?m:^\s+-(?!-hash))", (ROOT / lock).read_text("utf-8")) == []


@pytest.mark.parametrize(("asked", "lock"), LOCKS.items())
def test_what_requirements_need_is_locked_too(asked: str, lock: str) -> None:
    """Dependencies of dependencies are pinned too."""
    locked = {canonicalize_name(one.name) for one, _ in read_lock(lock)}
    needed = {name for one in list_requirements(asked) for name in find_needed(canonicalize_name(one.name))}
    assert needed - locked == set()


def test_locks_agree_about_versions() -> None:
    """Two lock files name the same version of a package, so they can be installed together and one by one."""
    versions: dict[tuple[str, str], set[str]] = {}
    for lock in LOCKS.values():
        for one, _ in read_lock(lock):
            key = (canonicalize_name(one.name), str(one.marker or ""))
            versions.setdefault(key, set()).add(str(one.specifier))
    assert {key: found for key, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("place", ["README.md", "Makefile"])
def test_everybody_installs_by_the_locks(place: str) -> None:
    """No command in the documents or in continuous integration installs packages that are not locked."""
    text = (ROOT / place).read_text("utf-8").replace("\\\n", " ")
    commands = re.findall(r"(?m)pip install[^`\n]*", text)
    assert commands
    assert [one for one in commands if "--require-hashes" not in one or ".txt" in one] == []
