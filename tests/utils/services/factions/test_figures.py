"""Figures of factions, counted by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.factions import FakeFactionDays, FakeFactionStore, MemberKill
from tests.fakes.links import FakeLinkStore
from utils.models.factions import Faction, FactionPeriod, FactionRank, FactionRow, list_rows
from utils.models.links import Link
from utils.models.players import Counters, PlayerDay
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId
from utils.models.statistics import Coverage
from utils.services.factions.figures import FactionFigureService

GUILD = GuildId(42)
START = datetime(2025, 4, 10, 12, tzinfo=UTC)
TODAY = date(2025, 4, 20)
DAY = timedelta(days=1)
ANNA, BERT, CARL = MemberId(1), MemberId(2), MemberId(3)
WOLF, ALT, BEAR, FOX = PlayerId("wolf"), PlayerId("alt"), PlayerId("bear"), PlayerId("fox")
PLAYERS = {ANNA: [WOLF, ALT], BERT: [BEAR], CARL: [FOX]}
WOLVES = Faction(GUILD, "w", "Wolves", "woives", "WLF", is_open=True, founded_at=START)
BEARS = replace(WOLVES, faction_id="b", name="Bears", name_key="bears", tag="BRS")


def stay(faction: Faction, member_id: MemberId, first: int, last: int | None = None) -> FactionPeriod:
    """Return a period from a day of April to the day of leaving."""
    joined, left = (None if one is None else START.replace(day=one) for one in (first, last))
    assert joined is not None
    return FactionPeriod(faction.faction_id, member_id, joined, FactionRank.MEMBER, left_at=left)


def count(player_id: PlayerId, day: int, kills: int = 1, **counters: int) -> PlayerDay:
    """Return the counters of a day in April."""
    return PlayerDay(player_id, date(2025, 4, day), Counters(kills=kills, **counters))


async def sum_kills(
    periods: list[FactionPeriod], days: list[PlayerDay], kills: Sequence[MemberKill] = ()
) -> dict[str, int]:
    """Return the kills of each faction up to today."""
    links, store = FakeLinkStore(), FakeFactionStore()
    for member_id, players in PLAYERS.items():
        for player_id in players:
            await links.put_proven(GUILD, Link(GUILD, member_id, player_id, player_id, START), at=START)
    store.factions, store.periods = {one.faction_id: one for one in (WOLVES, BEARS)}, periods
    figures = FactionFigureService(store, days=FakeFactionDays(days, list(kills)), links=links)
    ranked = await figures.rank(Coverage(GUILD, [ServerId("a")], where="", today=TODAY, until=TODAY))
    return {one.shown.faction.faction_id: one.counters.kills for one in ranked}


async def test_days_count_for_the_faction_at_their_end() -> None:
    """The day of joining counts, the day of leaving does not, and the days between two periods neither."""
    periods = [stay(WOLVES, ANNA, 10, 12), stay(WOLVES, ANNA, 15, 17), stay(BEARS, ANNA, 18)]
    days = [count(WOLF, day, 10**index) for index, day in enumerate((9, 10, 11, 12, 14, 15, 17, 18, 20))]
    assert await sum_kills(periods, days) == {"w": 10 + 100 + 100_000, "b": 10_000_000 + 100_000_000}


async def test_alts_and_former_members_count_with_the_players_of_now() -> None:
    """A member who left keeps their days in it; a day before the membership counts for no faction."""
    periods = [stay(WOLVES, ANNA, 10), stay(WOLVES, BERT, 10, 13), stay(BEARS, CARL, 11)]
    days = [count(WOLF, 11), count(ALT, 12, 5), count(BEAR, 12, 2), count(BEAR, 13, 9), count(FOX, 10, 7)]
    assert await sum_kills(periods, days) == {"w": 8, "b": 0}


async def test_kills_inside_the_faction_are_taken_off() -> None:
    """Only on days on which both belong to it; deaths stay."""
    periods = [stay(WOLVES, ANNA, 10), stay(WOLVES, BERT, 12), stay(BEARS, CARL, 10)]
    days = [count(WOLF, 11, 3), count(WOLF, 12, 3), count(BEAR, 12, 1, deaths=2)]
    kills = [
        MemberKill(WOLF, BEAR, date(2025, 4, 11)),
        MemberKill(WOLF, BEAR, date(2025, 4, 12)),
        MemberKill(WOLF, FOX, date(2025, 4, 12)),
        MemberKill(BEAR, ALT, date(2025, 4, 12)),
    ]
    assert await sum_kills(periods, days, kills) == {"w": 5, "b": 0}


@given(st.lists(st.tuples(st.integers(1, 28), st.integers(0, 6)), max_size=5), st.integers(1, 28))
async def test_no_day_counts_twice(stays: list[tuple[int, int]], day: int) -> None:
    """A day of a member counts for one faction at most, after any joining and leaving."""
    periods, free = [], 1
    for first, days in sorted(stays):
        if first >= free:
            periods.append(stay((WOLVES, BEARS)[len(periods) % 2], ANNA, first, min(28, first + days)))
            free = first + days + 1
    assert sum((await sum_kills(periods, [count(WOLF, day)])).values()) <= 1


async def test_places_need_a_kill_and_periods_limit_the_days() -> None:
    """The most kills come first; a faction without any has no place, and founding shows at once."""
    links, store, days = FakeLinkStore(), FakeFactionStore(), FakeFactionDays()
    for member_id, players in PLAYERS.items():
        for player_id in players:
            await links.put_proven(GUILD, Link(GUILD, member_id, player_id, player_id, START), at=START)
    hares = replace(WOLVES, faction_id="h", name="Hares", founded_at=START + DAY)
    store.factions = {one.faction_id: one for one in (WOLVES, BEARS, hares)}
    store.periods = [stay(WOLVES, ANNA, 10), stay(BEARS, BERT, 20), stay(hares, CARL, 10)]
    days.days = [count(WOLF, 11, 9), count(WOLF, 20, 1), count(BEAR, 20, 4, deaths=1, xp=50, longest=80)]
    figures = FactionFigureService(store, days=days, links=links)
    everything = Coverage(GUILD, [ServerId("a")], where="Mirny", today=TODAY)
    ranked = await figures.rank(everything)
    assert [(one.shown.faction.name, one.counters.kills, one.place, one.places) for one in ranked] == [
        ("Wolves", 10, 1, 2),
        ("Bears", 4, 2, 2),
        ("Hares", 0, None, 2),
    ]
    today = await figures.rank(replace(everything, since=TODAY))
    assert [(one.shown.faction.name, one.counters.kills, one.place) for one in today] == [
        ("Bears", 4, 1),
        ("Wolves", 1, 2),
        ("Hares", 0, None),
    ]
    assert list_rows(today) == (FactionRow(1, "b", "Bears", "BRS", 4), FactionRow(2, "w", "Wolves", "WLF", 1))
    early = await figures.rank(replace(everything, since=date(2025, 4, 10), until=date(2025, 4, 12)))
    assert list_rows(early) == (FactionRow(1, "w", "Wolves", "WLF", 9),)
    assert (await figures.get(everything, "b")).counters == Counters(kills=4, deaths=1, xp=50, longest=80)
