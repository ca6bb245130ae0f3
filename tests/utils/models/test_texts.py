"""Texts as values, and their English."""

from datetime import UTC, datetime, timedelta

import pytest

from utils.models.texts import (
    Code,
    Command,
    Mention,
    Metres,
    Moment,
    Names,
    Number,
    Share,
    Span,
    Value,
    join,
    plural,
    text,
    text_in,
)

AT = datetime(2025, 5, 1, 18, 5, tzinfo=UTC)


def test_texts_are_compared_and_kept_by_what_they_say() -> None:
    """Texts with equal facts are equal, also as keys; another value or context makes another text."""
    same = {text("Hello {name}", name="Ann"), text("Hello {name}", name="Ann")}
    assert same == {text("Hello {name}", name="Ann")}
    assert text("Hello {name}", name="Ann") != text("Hello {name}", name="Bob")
    assert text("Open") != text_in("a door", "Open")


@pytest.mark.parametrize(
    ("value", "english"),
    [
        (text("Hello {name}", name="Ann_{x}"), "Hello Ann_{x}"),
        (Number(1_234_567), "1,234,567"),
        (Number(-1_234.5, 1), "-1,234.5"),
        (Number(2**53 + 1), "9,007,199,254,740,993"),
        (Number(2.5, 2), "2.50"),
        (Metres(1234.4), "1,234\u00a0m"),
        (Share(1, 8), "12.5 %"),
        (Share(0, 0), "0.0 %"),
        (Span(timedelta(minutes=3, seconds=20)), "3 min 20 s"),
        (Span(timedelta(days=2, minutes=5, seconds=1)), "2 d 5 min"),
        (Span(timedelta(seconds=-1)), "0 s"),
        (Span(timedelta()), "0 s"),
        (Span(timedelta(seconds=59.6)), "1 min"),
        (Span(timedelta(seconds=3725)), "1 h 2 min"),
        (Span(timedelta(seconds=90061)), "1 d 1 h"),
        (Moment(AT), "01 May 2025, 18:05 UTC"),
        (Command("admin server edit", "new_password:True"), "/admin server edit new_password:True"),
        (Command("link"), "/link"),
        (Mention("@&", 7), "<@&7>"),
        (Code("ab-1"), "ab-1"),
        (Names(("Mirny", "Kamensk")), "Mirny, Kamensk"),
        (join([text("One."), text("Two {name}.", name="x")]), "One. Two x."),
        (plural("{count} kill", "{count} kills", 0), "0 kills"),
        (plural("{count} kill", "{count} kills", 1), "1 kill"),
        (plural("{count} kill", "{count} kills", -1), "-1 kill"),
        (plural("{count} kill", "{count} kills", 1_234.4), "1,234 kills"),
        (
            text("It costs {price}.", price=plural("{count} emerald", "{count} emeralds", 5)),
            "It costs 5 emeralds.",
        ),
    ],
)
def test_english_of_each_value(value: Value, english: str) -> None:
    """Logs show the English without a localizer."""
    assert str(text("{value}", value=value)) == english
