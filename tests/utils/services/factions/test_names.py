"""Names and tags of factions."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import InvalidInputError
from utils.services.factions.names import compute_name_key, read_name, read_tag

NAMES = st.text(alphabet="aА0Oо l1Iß-_.'&ёЕΗñ軍ष", min_size=3, max_size=24)  # noqa: RUF001 - look-alikes


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Night   Wolves ", "Night Wolves"),
        ("Ｗｏｌｖｅｓ", "Wolves"),  # noqa: RUF001 - look-alikes
        ("Rock & Roll-7", "Rock & Roll-7"),
        ("O'Neill_Jr.", "O'Neill_Jr."),
        ("日本軍", "日本軍"),
        ("हिन्द", "हिन्द"),
        ("Łódź", "Łódź"),
        ("Ab1", "Ab1"),
        ("a" * 24, "a" * 24),
    ],
)
def test_name_is_stored_in_one_form(typed: str, stored: str) -> None:
    """Letters of any script may stand in a name; blanks and wide letters are made plain."""
    assert read_name(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "ab",
        "a" * 25,
        "123",
        "-.-",
        "a1 2",
        "Wolf\u200bpack",
        "Wolf\nPack!",
        "<@123abc>",
        "**bold**",
        "@all",
        "🐺wolf",
    ],
)
def test_name_that_cannot_be_used_is_refused(typed: str) -> None:
    """Too short, too long, too few letters, invisible characters and markup are refused."""
    with pytest.raises(InvalidInputError):
        read_name(typed)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Wolves", "WOLVES"),
        ("Wolves", "W0LVES"),
        ("Wolves", "Wo1ve5"),
        ("Wolves", "W.o-l_v'e&s"),
        ("Wolves", "Wölvés"),
        ("Wolves", "Wоlvеs"),  # noqa: RUF001 - look-alikes
        ("Illinois", "lllinois"),
        ("ΑΤΗΟΝ", "ATHON"),  # noqa: RUF001 - look-alikes
        ("ВОРОН", "BOPOH"),  # noqa: RUF001 - look-alikes
        ("ВОРОН", "ворон"),  # noqa: RUF001 - look-alikes
    ],
)
def test_names_that_look_alike_have_one_key(first: str, second: str) -> None:
    """Case, marks, punctuation and look-alikes of other scripts make no difference."""
    assert compute_name_key(first) == compute_name_key(second)


@pytest.mark.parametrize(
    ("first", "second"), [("Wolves", "Wolfes"), ("Alpha 2", "Alpha 3"), ("日本軍", "日本車")]
)
def test_different_names_have_different_keys(first: str, second: str) -> None:
    """Names that do not look alike may both exist."""
    assert compute_name_key(first) != compute_name_key(second)


@given(NAMES)
def test_key_of_a_name_is_the_same_however_it_is_typed(typed: str) -> None:
    """A stored name reads as itself; case and the form of Unicode never change its key."""
    try:
        name = read_name(typed)
    except InvalidInputError:
        return
    assert read_name(name) == name
    key = compute_name_key(name)
    assert key
    assert compute_name_key(name.swapcase()) == key
    assert compute_name_key(unicodedata.normalize("NFD", name)) == key


@pytest.mark.parametrize(
    ("typed", "tag"), [("a1", "A1"), ("wlf", "WLF"), ("[A1]", "A1"), (" 12345 ", "12345")]
)
def test_tag_is_stored_in_capitals(typed: str, tag: str) -> None:
    """Brackets around it belong to its look."""
    assert read_tag(typed) == tag


@pytest.mark.parametrize("typed", ["A", "ABCDEF", "Ä1", "A B", "", "W-F"])
def test_tag_that_cannot_be_used_is_refused(typed: str) -> None:
    """A tag has 2 to 5 of A-Z and 0-9."""
    with pytest.raises(InvalidInputError):
        read_tag(typed)
