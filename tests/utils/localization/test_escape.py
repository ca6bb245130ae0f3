"""Escaping: foreign text is shown unchanged and has no effect."""

import re
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.markdown import Reader, Span, Style
from utils.localization.escape import (
    FIRST_STRONG_ISOLATE,
    POP_ISOLATE,
    ZERO_WIDTH_SPACE,
    escape_name,
    escape_text,
    hide_ids,
    isolate,
    isolate_parts,
)
from utils.models.visible_text import NAMELESS, clean_text, cut

NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("\\*_~|`<>[]()#:@-+.1\n\t \u200b\u202e\u2066\ufeff\u3164\x00\ud800"),
        st.sampled_from("everyonhttps/dicrgABC"),
        st.characters(),
    ),
    max_size=80,
)


@given(NASTY)
def test_every_markup_character_is_held_back(text: str) -> None:
    """In the result every markup character has its own backslash."""
    assert not re.search(r"[*_~|`<>\[\]#:]", re.sub(r"\\.", "", escape_text(text, 200)))


@given(NASTY)
def test_escaped_text_shows_as_the_cleaned_text(text: str) -> None:
    """Without the backslashes the text is the one that a reader sees."""
    shown = re.sub(r"\\(.)", r"\1", escape_text(text, 200)).replace(f"@{ZERO_WIDTH_SPACE}", "@")
    assert shown == clean_text(text, 200)


@given(NASTY, st.integers(1, 60))
def test_cleaned_text_is_visible_on_one_line_and_short(text: str, limit: int) -> None:
    """Cleaned text has no control, reordering or zero-width characters, and is within the limit."""
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    assert cleaned == cleaned.strip()
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"} for char in cleaned)
    assert clean_text(cleaned, limit) == cleaned


@given(NASTY)
def test_no_mention_survives(text: str) -> None:
    """The result has neither @everyone nor Discord's angle brackets."""
    escaped = escape_text(text, 200)
    assert not re.search(r"@(everyone|here)|(?<!\\)<|(?<!\\)https?:", escaped)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Hollow_Amtumn_", r"Hollow\_Amtumn\_"),
        ("AK-SU", "AK-SU"),
        ("Woodcutter's Axe", "Woodcutter's Axe"),
        ("@everyone", f"@{ZERO_WIDTH_SPACE}everyone"),
        ("<@1> <#2> <:a:3> <t:4:R>", rf"\<@{ZERO_WIDTH_SPACE}1\> \<\#2\> \<\:a\:3\> \<t\:4\:R\>"),
        ("[x](https://a.b)", r"\[x\](https\://a.b)"),
        ("# head", r"\# head"),
        ("- item", r"\- item"),
        ("12. item", r"12\. item"),
        ("a\nb\u202ec\u200bd", "a bcd"),
        ("日本 Ünï", "日本 Ünï"),
    ],
)
def test_known_tricks_are_held_back(text: str, escaped: str) -> None:
    """Tricks with markup, mentions, links and directions become plain letters."""
    assert escape_text(text) == escaped


def test_name_without_a_visible_character_is_said_to_be_so() -> None:
    """A name of blanks and fillers is replaced by a readable text."""
    assert escape_name(" \u200b\u3164\n") == NAMELESS


def test_ids_are_hidden() -> None:
    """A player's id inside a log line is hidden."""
    assert hide_ids("x;0002" + "aF" * 14 + ";y") == "x;(id);y"


def test_cut_text_ends_with_an_ellipsis() -> None:
    """A cut text has a mark, which counts."""
    assert (cut("abcdef", 6), cut("abcdef", 5), cut("abc def", 5)) == ("abcdef", "abcd…", "abc…")


@given(NASTY, NASTY)
def test_names_between_the_bots_own_markup_are_read_as_what_they_are(killer: str, victim: str) -> None:
    """Each name is bold and nothing else is, with any characters in it; no name begins a line."""
    names = [escape_name(name) for name in (killer, victim)]
    lines = Reader(datetime(2025, 5, 1, tzinfo=UTC)).read("**{}** shot **{}**.".format(*names))
    shown = [(clean_text(name) or NAMELESS).replace("@", f"@{ZERO_WIDTH_SPACE}") for name in (killer, victim)]
    assert lines == (
        (
            Span(shown[0], Style.BOLD),
            Span(" shot "),
            Span(shown[1], Style.BOLD),
            Span("."),
        ),
    )


@given(NASTY)
def test_text_at_the_start_of_a_line_is_no_quote_heading_or_list(text: str) -> None:
    """Marks that work only at the start of a line are escaped there."""
    escaped = escape_text(text, 200)
    assert not re.match(r"(>|#|-#|[-+*] |\d+\. )", escaped)
    [line] = Reader(datetime(2025, 5, 1, tzinfo=UTC)).read(escaped)
    assert {span.style for span in line} <= {Style.PLAIN}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Z" + "\u0337\u0322\u031b" * 20 + "o", "Z\u0337\u0322\u031b\u0337o"),
        ("\u0301" * 30, "\u0301" * 4),
        ("שָּׁלוֹם", "שָּׁלוֹם"),
        ("Việt Phở", "Việt Phở"),
        ("กี่ที่", "กี่ที่"),
    ],
)
def test_marks_are_not_piled_over_the_lines_around_them(name: str, shown: str) -> None:
    """A name of the game stays on its line; letters of languages keep all their marks."""
    assert clean_text(name) == shown


@pytest.mark.parametrize(
    ("shown", "is_isolated"),
    [("Ghost", False), ("Ян", False), ("日本", False), ("مرحبا", True), ("Eli שלום", True), ("x٣", True)],
)
def test_only_a_right_to_left_name_is_isolated(shown: str, *, is_isolated: bool) -> None:
    """Hebrew and Arabic letters and Arabic digits would turn their row around."""
    assert isolate(shown) == (f"\u2068{shown}\u2069" if is_isolated else shown)


@given(st.lists(st.text("אaب1 ·", max_size=20), min_size=1, max_size=8))
def test_every_part_of_a_choice_is_isolated_within_its_limit(parts: list[str]) -> None:
    """A choice whose signs would not fit is isolated as a whole."""
    row = " · ".join(parts)[:98]
    shown = isolate_parts(row, " · ", 100)
    assert len(shown) <= 100
    assert re.sub("[\u2068\u2069]", "", shown) == row
    assert shown.count(FIRST_STRONG_ISOLATE) == shown.count(POP_ISOLATE)
    assert not re.search("[אب]", re.sub("\u2068[^\u2068\u2069]*\u2069", "", shown))
