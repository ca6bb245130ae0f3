"""Time zones as people type them."""

from zoneinfo import available_timezones

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
    "text", ["UTC+2", "utc +02:00", "GMT-5", "+2", "-0330", "+05:30", "\u22123", "UTC+0"]
)
def test_offset_is_explained(text: str) -> None:
    """An offset is wrong for half of the year, and its sign is reversed in some zones."""
    with pytest.raises(
        InvalidInputError, match=r"is an offset, and most clocks change in summer\. Name the city"
    ):
        find_zone(text)


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
    with pytest.raises(InvalidInputError, match=r"“Berln” is not a time zone\. Did you mean: Europe/Berlin"):
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
    assert (search_zones("", limit=2), search_zones("nowhere", limit=25)) == (("UTC", "Europe/London"), [])
