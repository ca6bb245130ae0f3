"""The figures of a server in memory follow each batch, and one strange row does not spoil them."""

from datetime import date, timedelta

import pytest

from tests.fakes.deaths import NOON, SCOPE, build_deaths, build_row
from utils.database.read_models.standings import columns
from utils.database.read_models.standings.columns import build_table
from utils.database.read_models.standings.parts import GuildStandings, StandingsPart, take_over
from utils.database.read_models.standings.sections import DAYS
from utils.events import CountersStored
from utils.models.players import Counters, PlayerDay
from utils.models.scope import PlayerId


@pytest.mark.parametrize("day", [date.min, date(1969, 12, 31), date(2107, 1, 1), date.max])
def test_days_that_are_kept_stay_when_a_player_brings_an_impossible_one(day: date) -> None:
    """The days of a newly counted player do not decide which days are old; only the new deaths do."""
    guild = GuildStandings()
    (death,) = build_deaths([build_row("Ann", "Bob")])
    start = NOON.date() - timedelta(days=31)
    known = {NOON.date(): build_table([columns.build_row(1, Counters(kills=3))])}
    days = tuple(PlayerDay(PlayerId("Ann"), one, Counters(kills=1)) for one in (day, NOON.date()))
    event = CountersStored(scope=SCOPE, generation=0, batches=1, deaths=(death,), players=(), days=days)
    part = take_over(guild, DAYS, StandingsPart(0, 0, known, start), event)
    assert part.start == start
    assert part.tables[NOON.date()][3].tolist() == [3, 1]
