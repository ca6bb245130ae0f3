"""Time zones as people type them."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import InvalidInputError
from utils.services.servers.time_zones import find_zone, search_zones

ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})


def test_every_zone_is_found_by_its_name_however_it_is_written() -> None:
    """Case, blanks around the name, and blanks for underscores do not matter."""
    for zone in ZONES:
        spelled = (zone, f" {zone.lower()} ", zone.upper(), zone.replace("_", " "))
        assert {find_zone(text) for text in spelled} == {zone}


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Berlin", "Europe/Berlin"),
        (" berlin\u00a0", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("NEW_YORK", "America/New_York"),
        ("São Paulo", "America/Sao_Paulo"),
        ("istanbul", "Europe/Istanbul"),
        ("buenos aires", "America/Buenos_Aires"),
        ("utc", "UTC"),
        ("europe/berlin", "Europe/Berlin"),
        ("etc/gmt-2", "Etc/GMT-2"),
    ],
)
def test_city_is_enough(text: str, zone: str) -> None:
    """People know the city of their server."""
    assert find_zone(text) == zone


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("UTC+2", "one of these: Europe/Athens, Africa/Johannesburg, Europe/Berlin?"),
        ("utc +02:00", "one of these: Europe/Athens, Africa/Johannesburg, Europe/Berlin?"),
        ("GMT-5", "one of these: America/New_York, America/Bogota, America/Chicago?"),
        ("+3", "one of these: Europe/Moscow, Europe/Athens, Etc/GMT-3?"),
        ("-0330", "America/St_Johns?"),
        ("+05:30", "Asia/Kolkata?"),
        ("\u22128", "one of these: America/Los_Angeles, America/Anchorage, Etc/GMT+8?"),
        ("UTC+0", "one of these: Europe/London, Atlantic/Azores, UTC?"),
        ("PST", "America/Los_Angeles?"),
        ("msk", "Europe/Moscow?"),
        ("mez", "Europe/Berlin?"),
    ],
)
def test_offset_or_abbreviation_names_the_near_cities(text: str, near: str) -> None:
    """An offset is wrong for half of the year, so a city has to be chosen; those offered can be found."""
    said = f"doesn't say when the clocks change. Did you mean {near} Type"
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        find_zone(text)


@given(st.integers(-12, 14), st.sampled_from((0, 30, 45)))
def test_offered_zones_of_an_offset_have_it(hours: int, minutes: int) -> None:
    """Each offered zone has the offset in winter or in summer."""
    offset = timedelta(hours=abs(hours), minutes=minutes) * (-1 if hours < 0 else 1)
    sign = "-" if hours < 0 else "+"
    for zone in search_zones(f"UTC{sign}{abs(hours)}:{minutes:02d}", limit=25):
        seasons = [datetime(2025, month, 15, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7)]
        assert offset in seasons


@pytest.mark.parametrize(
    "text",
    [
        "localtime",
        "posixrules",
        "Factory",
        "posix/Europe/Berlin",
        "right/UTC",
        "../../etc/passwd",
        "west",
        "",
    ],
)
def test_what_is_no_zone_of_a_place_is_refused(text: str) -> None:
    """This includes the zone of the bot's own machine, which differs between machines."""
    with pytest.raises(InvalidInputError):
        find_zone(text)


def test_slip_is_answered_with_what_is_close() -> None:
    """The suggestion can be copied."""
    with pytest.raises(InvalidInputError, match=r"“Berln” isn't a time zone\. Did you mean Europe/Berlin\?"):
        find_zone("Berln")


@given(st.text(max_size=120))
def test_any_text_is_a_zone_or_refused_with_a_sentence(text: str) -> None:
    """There is no third outcome."""
    try:
        assert find_zone(text) in ZONES
    except InvalidInputError as error:
        assert len(str(error)) < 400  # noqa: PT017 - a sentence that people can read


def test_zones_are_offered_by_any_part_cities_first() -> None:
    """Without a text the most common zones are offered."""
    assert search_zones("BER", limit=3) == ["Atlantic/Bermuda", "Europe/Berlin", "Australia/Canberra"]
    assert search_zones("new y", limit=25) == ["America/New_York"]
    assert (search_zones("", limit=2), search_zones("zzzzzz", limit=25)) == (("UTC", "Europe/London"), [])
    assert search_zones("berln", limit=1) == ["Europe/Berlin"]
    assert search_zones("est", limit=25)[:1] == ["America/New_York"]
    assert search_zones("utc+1", limit=2) == ["Europe/Berlin", "Europe/London"]
