"""Formats of counters, and Discord's limit of renames."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START
from utils.models.counters import (
    NAME_CHARACTERS,
    RENAME_TIME,
    RENAMES,
    CounterPlace,
    CounterRecord,
    clean_format,
    fill_format,
    find_format_problem,
)
from utils.models.scope import ChannelId

PIECES = st.sampled_from(
    [*(f"{{{place}}}" for place in CounterPlace), "{", "}", "{name}", "{{online}}", " | "]
)
TEMPLATES = st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join).map(clean_format)
KNOWN = "{server}, {online}, {max}, {queue}, {peak}, {state}"
COUNTED = (CounterPlace.ONLINE, CounterPlace.MAX, CounterPlace.QUEUE, CounterPlace.PEAK)
NAMES = st.text(min_size=1, max_size=50)
NUMBERS = st.integers(0, 999).map(str) | st.just("?")


@given(template=TEMPLATES, server=NAMES, numbers=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS))
def test_name_is_whole_if_its_format_was_accepted(
    template: str, server: str, numbers: tuple[str, str, str, str]
) -> None:
    """An accepted format never needs a cut, and no format makes a name that Discord refuses."""
    facts = {CounterPlace.SERVER: server, CounterPlace.STATE: "stopped"}
    facts |= dict(zip(COUNTED, numbers, strict=True))
    name = fill_format(template, facts)
    assert 1 <= len(name) <= NAME_CHARACTERS
    if find_format_problem(template, server) is None:
        expected = template
        marks = {place: f"\0{place}\0" for place in CounterPlace}
        for place, mark in marks.items():
            expected = expected.replace(f"{{{place}}}", mark)
        for place, mark in marks.items():
            expected = expected.replace(mark, facts[place])
        assert name == (" ".join(expected.split()) or "?")


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{server} | {online}/{max} {queue} {peak} {state}", None),
        ("Players", None),
        ("", "A name needs at least one character. Leave the format out for the default one."),
        (
            "{server} {players} {Online}",
            f"I don't know {{players}}, {{Online}}. These work: {KNOWN}.",
        ),
        (
            "x" * 95 + "{server}",
            "That name could have 101 characters, and Discord allows 100. Use a shorter format.",
        ),
    ],
)
def test_format_is_refused_with_its_reason(template: str, problem: str | None) -> None:
    """The refusal names unknown places, and the length of a name that could be too long."""
    found = find_format_problem(template, "Mirny1")
    assert (None if found is None else str(found)) == problem


def test_inserted_facts_are_not_searched_for_places() -> None:
    """A server may be called like a place."""
    facts = {CounterPlace.SERVER: "{online}", CounterPlace.ONLINE: "7"}
    assert fill_format("{server} {online} {max}", facts) == "{online} 7 {max}"


@given(pauses=st.lists(st.integers(0, 900), max_size=40))
def test_discords_limit_is_never_reached(pauses: list[int]) -> None:
    """At most two renames are in any ten minutes, no matter when names are wanted."""
    record, now, made = CounterRecord(ChannelId(1)), START, []
    for pause in pauses:
        now += timedelta(seconds=pause)
        if record.may_rename(now):
            record = record.note_rename(now)
            made.append(now)
    assert all(sum(at - RENAME_TIME <= one <= at for one in made) <= RENAMES for at in made)
    assert not made or record.may_rename(made[-1] + 2 * RENAME_TIME)


def test_clock_that_is_set_back_makes_renames_wait() -> None:
    """A rename of the future may have been a moment ago."""
    record = CounterRecord(ChannelId(1)).note_rename(START).note_rename(START)
    assert [record.may_rename(START + offset) for offset in (-RENAME_TIME, RENAME_TIME, 2 * RENAME_TIME)] == [
        False,
        False,
        True,
    ]


def test_name_that_discord_changed_is_known() -> None:
    """A text channel gets neither capitals nor blanks, and it shows the wanted name nevertheless."""
    record = CounterRecord(ChannelId(1), "North | 3/50", "north-3-50")
    shown = [
        record.is_shown("North | 3/50", "north-3-50"),
        record.is_shown("North | 3/50", "North | 3/50"),
        record.is_shown("North | 4/50", "north-3-50"),
        record.is_shown("North | 3/50", "renamed-by-hand"),
    ]
    assert shown == [True, True, False, False]
