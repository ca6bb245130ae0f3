"""One word for one thing: the glossary of ARCHITECTURE.md holds for the names in the code."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import FUNCTIONS, ROOT, Module, build_module, list_modules

GLOSSARY_SIZE = 26
GIVEN_UP = {
    *("settle", "settled", "settling", "unsettled"),  # pay, pause, wait, end: choose one
    *("keeper", "book", "desk", "courtesy", "town", "proving"),  # use a word for the thing itself
    *("gathering", "gathered"),  # a group commit
    *("room", "rooms"),  # a room is a package; code does not use the word
}
BOOKING = {"book", "booked"}
"""Allowed for money, as a verb of functions and variables, never for a class."""
CONTAINERS = ("Directory", "DirectoryRepository")
"""Classes that know positions are indexes, finders or stores."""

UNPLAIN = re.compile(
    r"\b(he|him|his|himself|she|her|hers|herself|whoever|whomever|whatever)\b", re.IGNORECASE
)
"""People are "they", and a sentence names its subject."""

UNCLEAR = re.compile(
    r"\banew\b|\bmeanwhile\b|\ball the same\b|\bas it were\b|\bever (?:more|less|fewer)\b|\bthought of\b"
    r"|\b(?:of|by|behind|with) whom\b|\b(?:wake|let) whom?\b|\balso (?:where|while|when)\b"
    r"|^ *\"\"\"(?:What|Who|Whose|Whom|Which|Where|Of|However)\b"
)
"""Constructions that have a plain form: "again", "the waiters", "even if", a noun instead of "what"."""

VAGUE_CLASSES = frozenset(
    [
        "Seen",
        "Known",
        "Shown",
        "Told",
        "Look",
        "Part",
        "Numbers",
        "Section",
        "Question",
        "Moved",
        "Announced",
        "Holds",
    ]
)
"""Names without a meaning of their own."""

_SEGMENT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+")


def read_glossary() -> dict[str, frozenset[str]]:
    """Return the allowed rooms of each word; an empty set allows all rooms."""
    section = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("\n## Words\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in section.splitlines() if "|" in line]
    return {word: frozenset(re.findall(r"`([^`]+)`", rooms)) for word, _, rooms in rows[2:]}


def list_names(module: Module) -> Iterator[str]:
    """Yield the names that a module defines, and its own name."""
    yield module.name.rpartition(".")[2]
    yield from (node.name for node in module.find(*FUNCTIONS, ast.ClassDef))
    yield from (node.arg for node in module.find(ast.arg))
    yield from (node.id for node in module.find(ast.Name) if isinstance(node.ctx, ast.Store))
    yield from (node.attr for node in module.find(ast.Attribute) if isinstance(node.ctx, ast.Store))


def split_name(name: str) -> set[str]:
    """Return the words of a name in small letters, without the "feed" of a line feed."""
    words = [word.lower() for word in _SEGMENT.findall(name)]
    return set(words) - ({"feed"} if "line_feed" in name.lower() else set())


def list_given_up(module: Module) -> list[str]:
    """Return the names with a word that is given up."""
    found = []
    for name in list_names(module):
        if name.lstrip("_") in VAGUE_CLASSES:
            found.append(name)
        allowed = set() if name[0].isupper() and not name.isupper() else BOOKING
        if split_name(name) & (GIVEN_UP - allowed) or name.endswith(CONTAINERS):
            found.append(name)
    return found


def list_strays(module: Module, glossary: dict[str, frozenset[str]]) -> list[str]:
    """Return the names with a word of the glossary in a room where it is not allowed."""
    room = module.name.removeprefix("utils.").split(".")[0]
    words = {word for word, rooms in glossary.items() if rooms and room not in rooms}
    return [name for name in list_names(module) if words & {*(split_name(name)), *_singulars(name)}]


def _singulars(name: str) -> set[str]:
    return {word.removesuffix("s") for word in split_name(name)}


def list_product() -> list[Module]:
    """Return the modules of the product. The simulation has words of its own."""
    return [module for module in list_modules() if module.room != "simulation"]


def test_glossary_is_short() -> None:
    """A newcomer reads the glossary in a minute."""
    assert 15 <= len(read_glossary()) <= GLOSSARY_SIZE


def test_words_of_the_glossary_stand_where_they_mean_that() -> None:
    """A word of the glossary is used only in its rooms: a lease is of a shard, a lane is of a channel."""
    glossary = read_glossary()
    strays = {module.path: names for module in list_product() if (names := list_strays(module, glossary))}
    assert strays == {}


def test_words_of_the_glossary_are_in_use() -> None:
    """Names use every word of the glossary."""
    used = {word for module in list_product() for name in list_names(module) for word in _singulars(name)}
    assert [word for word in read_glossary() if word.split()[0].removesuffix("s") not in used] == []


def test_private_words_are_gone() -> None:
    """No name has a word that is given up."""
    assert {module.path: names for module in list_product() if (names := list_given_up(module))} == {}


def test_sentences_are_plain() -> None:
    """Code, comments and documents of the product have no words that make a sentence hard to read."""
    texts = {module.path: module.source for module in list_product()}
    texts |= {path.name: path.read_text("utf-8") for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))}
    found = {
        f"{path}:{number}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if UNPLAIN.search(line) or UNCLEAR.search(line)
    }
    assert sorted(found) == []


@pytest.mark.parametrize(
    ("source", "given_up", "strays"),
    [
        ("class NameBook: ...", ["NameBook"], []),
        ("class NoteBooks:\n    def book(self, key): ...", [], []),
        ("async def settle_servers(guild_id): ...", ["settle_servers"], []),
        ("class _Look: ...", ["_Look"], []),
        ("self._rooms = room", ["_rooms"], []),
        ("class BoardDirectory: ...", ["BoardDirectory"], []),
        ("def lend(leases): ...", [], ["leases"]),
        ("class SftpLease: ...", [], ["SftpLease"]),
        ("LINE_FEED = 10", [], []),
        ("release = 1", [], []),
    ],
)
def test_words_are_found_within_names(source: str, given_up: list[str], strays: list[str]) -> None:
    """The checks find given-up and misplaced words within names."""
    module = build_module(source, "utils/sftp/example.py")
    assert list_given_up(module) == given_up
    assert list_strays(module, {"lease": frozenset({"services"}), "feed": frozenset({"delivery"})}) == strays


@pytest.mark.parametrize(
    "line",
    [
        "# whoever asks",
        "# the file is read anew",
        '    """What is stored of a guild."""',
        '"""Of a guild: its servers."""',
        "# wake who waits",
    ],
)
def test_unplain_lines_are_found(line: str) -> None:
    """The patterns match the sentences that they refuse, and no plain one."""
    assert UNPLAIN.search(line) or UNCLEAR.search(line)
    assert not UNCLEAR.search("# the answer says which guild was asked for, and of which server")
