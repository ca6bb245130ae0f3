"""The time zones of several game servers."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from tests.fakes.storage import build_server
from utils.models.servers import choose_zone, list_zones

BERLIN = replace(build_server(), timezone="Europe/Berlin")
NEW_YORK = replace(build_server("Second", "2"), timezone="America/New_York")


def test_zones_are_those_of_all_servers() -> None:
    """Without a game server the day of UTC counts."""
    assert list_zones([BERLIN, NEW_YORK]) == [ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")]
    assert list_zones([]) == [ZoneInfo("UTC")]


def test_only_server_tells_the_date() -> None:
    """Several servers may have several dates at one moment, so they have that of UTC."""
    assert choose_zone([BERLIN]) == ZoneInfo("Europe/Berlin")
    assert choose_zone([BERLIN, NEW_YORK]) == choose_zone([]) == ZoneInfo("UTC")
