"""Discord's markup as text."""

from datetime import UTC, datetime, timedelta

import pytest

from simulation.markdown import Reader, Span, Style, write_time

NOW = datetime(2025, 5, 1, 12, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


def test_bold_code_and_mentions_become_spans() -> None:
    """Each kind of markup becomes a span of its style, and a channel is shown by its name."""
    reader = Reader(NOW, {42: "killfeed"})
    assert reader.read("a **b\\_c** `d` <#42>") == (
        (
            Span("a "),
            Span("b_c", Style.BOLD),
            Span(" "),
            Span("d", Style.CODE),
            Span(" "),
            Span("#killfeed", Style.MENTION),
        ),
    )


def test_members_and_roles_are_shown_by_their_names() -> None:
    """Discord marks the id of a role with an ampersand."""
    reader = Reader(NOW, members={9: "ada"}, roles={8: "Hunter"})
    assert reader.read("<@9> <@&8>") == (
        (Span("@ada", Style.MENTION), Span(" "), Span("@Hunter", Style.MENTION)),
    )


def test_escaped_markup_is_text() -> None:
    """A backslash disappears and turns the next character into plain text."""
    assert Reader(NOW).read("\\*\\*x\\*\\* \\<#42\\>") == ((Span("**x** <#42>"),),)


def test_quotes_and_lines_are_kept_apart() -> None:
    """Every line is parsed alone, and a quote gets its bar."""
    assert Reader(NOW).read_plain("one\n> two") == "one\n▏ two"


def test_small_print_is_faint_but_for_its_marks() -> None:
    """Discord writes such a line small; mentions and bold text in it keep their style."""
    reader = Reader(NOW, members={9: "ada"})
    assert reader.read("-# by <@9> · **x**") == (
        (
            Span("by ", Style.QUOTE),
            Span("@ada", Style.MENTION),
            Span(" · ", Style.QUOTE),
            Span("x", Style.BOLD),
        ),
    )


def test_unknown_channels_members_and_roles_are_told_as_such() -> None:
    """A deleted channel or role, or a member who left, is shown like in Discord, without an id."""
    assert Reader(NOW).read_plain("<#7> <@8> <@&9>") == "#unknown @unknown @unknown"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("t", "12:30"),
        ("T", "12:30:00"),
        ("D", "01 May 2025"),
        ("f", "01 May 2025 12:30"),
        ("R", "0 seconds ago"),
    ],
)
def test_timestamps_are_written_in_their_form(form: str, text: str) -> None:
    """A timestamp is shown in UTC, in the form of the message."""
    assert Reader(NOW).read_plain(f"<t:{SECONDS}:{form}>") == text


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=1), "1 second ago"),
        (timedelta(minutes=3), "3 minutes ago"),
        (timedelta(days=400), "1 year ago"),
        (timedelta(hours=-2), "in 2 hours"),
    ],
)
def test_relative_times_name_their_largest_unit(age: timedelta, text: str) -> None:
    """A relative time has one unit, in the past and in the future."""
    assert write_time(SECONDS, "R", now=NOW + age) == text
