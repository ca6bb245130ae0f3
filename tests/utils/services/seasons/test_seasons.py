"""Seasons for commands: making, ending and cancelling them, over a guild in memory."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from tests.fakes.bounties import ADMIN, GUILD, NORTH, SOUTH
from tests.fakes.seasons import build_season
from tests.fakes.small_bot import Shelf
from utils.errors import AmbiguousError, LimitReachedError, UserFacingError
from utils.events import SeasonChanged
from utils.models.seasons import MOST_SEASONS, Season, SeasonState
from utils.services.seasons.seasons import SeasonForm, SeasonService

TODAY = date(2025, 5, 1)  # the clock of the tests begins with it


@pytest.fixture(name="shelf")
def _shelf() -> Shelf:
    shelf = Shelf()
    shelf.servers.servers = {NORTH.scope: NORTH, SOUTH.scope: SOUTH}
    return shelf


@pytest.fixture(name="seasons")
def _seasons(shelf: Shelf) -> SeasonService:
    return shelf.build_services().seasons


async def start(seasons: SeasonService, *options: str | None, request_id: int = 7) -> Season:
    """Start a season with its name, first day, last day and server."""
    form = SeasonForm(*options)  # type: ignore[arg-type]
    return (await seasons.start(GUILD, form, actor_id=ADMIN, request_id=request_id))[0]


async def test_season_begins_today_unless_it_is_planned(shelf: Shelf, seasons: SeasonService) -> None:
    """The audit has an entry of it, and the change has an event."""
    told: list[SeasonChanged] = []
    shelf.events.register(SeasonChanged, told.append)
    winter = await start(seasons, " Winter\u200b ", None, "2025-05-31")
    assert winter == Season(
        guild_id=GUILD,
        season_id="7",
        name="Winter",
        first_day=TODAY,
        last_day=date(2025, 5, 31),
        state=SeasonState.RUNNING,
    )
    planned = await start(seasons, "Summer", "2025-06-01", None, request_id=8)
    assert (planned.state, planned.last_day) == (SeasonState.PLANNED, None)
    assert shelf.seasons.seasons == {"7": winter, "8": planned}
    assert shelf.audit.lines == [
        (ADMIN, "season start", "Winter, from 01 May 2025 to 31 May 2025"),
        (ADMIN, "season start", "Summer, from 01 Jun 2025 on"),
    ]
    assert told == [SeasonChanged(guild_id=GUILD)] * 2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("\u200b",), "The name needs a letter or a number. Choose another name."),
        (
            ("Winter", "1 May"),
            "“1 May” isn't a day. Type it like 2026-12-01 (year, month, day).",
        ),
        (("Winter", "today", "yesterday"), "The last day is before the first day. Choose a later last day."),
        (("Winter", None, None, "East"), "No game server is called “East”."),
        (
            ("Winter", None, None, "South"),
            (
                "**Spring** covers all game servers. While it is planned or running, "
                "one game server can't have a season of its own."
            ),
        ),
        (("Winter",), "**Spring** has the days from 28 Apr 2025 to 04 May 2025. Choose other days."),
    ],
)
async def test_refused_season_is_not_stored(
    shelf: Shelf, seasons: SeasonService, options: tuple[str | None, ...], problem: str
) -> None:
    """Neither it nor an entry of the audit."""
    shelf.seasons.seasons = {"1": build_season(GUILD)}
    with pytest.raises(UserFacingError) as refused:
        await start(seasons, *options)
    assert str(refused.value).startswith(problem)
    assert (list(shelf.seasons.seasons), shelf.audit.entries) == (["1"], [])


async def test_two_admins_start_a_season_at_one_moment(shelf: Shelf, seasons: SeasonService) -> None:
    """One is stored; the other admin reads which one it is."""
    results = await asyncio.gather(
        *(start(seasons, name, request_id=number) for number, name in enumerate(("Ann's", "Bob's"))),
        return_exceptions=True,
    )
    assert list(shelf.seasons.seasons.values()) == [results[0]]
    assert str(results[1]) == (
        "**Ann's** has all days from 01 May 2025 on. /season end makes room for another season."
    )


async def test_guild_keeps_fifty_seasons(shelf: Shelf, seasons: SeasonService) -> None:
    """If none of them is over, there is no room for another one."""
    shelf.seasons.seasons = {
        str(number): build_season(GUILD, str(number), state=SeasonState.CLOSED)
        for number in range(MOST_SEASONS)
    }
    with pytest.raises(LimitReachedError, match="There are 50 seasons already"):
        await start(seasons, "Winter")
    assert shelf.audit.entries == []


async def test_running_season_ends_with_today(shelf: Shelf, seasons: SeasonService) -> None:
    """The timer does the rest; a season that ends today anyway is not ended again."""
    season = build_season(GUILD)
    shelf.seasons.seasons = {"1": season}
    found = await seasons.find_open(GUILD, "", is_running=True)
    ended = await seasons.end(found, actor_id=ADMIN)
    assert ended == replace(season, last_day=TODAY)
    assert (shelf.seasons.seasons, shelf.audit.lines) == ({"1": ended}, [(ADMIN, "season end", "Spring")])
    with pytest.raises(UserFacingError, match=r"\*\*Spring\*\* ends today anyway"):
        await seasons.end(await seasons.find_open(GUILD, "spring", is_running=True), actor_id=ADMIN)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": SeasonState.CANCELLED}, "**Spring** was cancelled a moment ago."),
        ({"last_day": TODAY}, "Another admin ended **Spring** a moment ago: it ends today."),
        ({"state": SeasonState.CLOSING}, "**Spring** ended a moment ago."),
        (None, "**Spring** was cancelled a moment ago."),
    ],
)
async def test_admin_who_is_late_reads_what_became_of_the_season(
    shelf: Shelf, seasons: SeasonService, change: dict[str, object] | None, said: str
) -> None:
    """Nothing of their change is stored, and it has no entry in the audit."""
    season = build_season(GUILD)
    shelf.seasons.seasons = {} if change is None else {"1": replace(season, **change)}  # type: ignore[arg-type]
    before = dict(shelf.seasons.seasons)
    with pytest.raises(UserFacingError) as refused:
        await seasons.cancel(season, actor_id=ADMIN)
    assert (str(refused.value), shelf.seasons.seasons, shelf.audit.entries) == (said, before, [])


async def test_planned_season_that_began_in_the_meantime_is_not_cancelled(
    shelf: Shelf, seasons: SeasonService
) -> None:
    """The admin has seen another question."""
    planned = build_season(GUILD, state=SeasonState.PLANNED)
    shelf.seasons.seasons = {"1": replace(planned, state=SeasonState.RUNNING)}
    with pytest.raises(UserFacingError, match=r"\*\*Spring\*\* began a moment ago. Look again, then decide."):
        await seasons.cancel(planned, actor_id=ADMIN)


async def test_season_to_end_or_cancel_is_the_only_one_or_a_named_one(
    shelf: Shelf, seasons: SeasonService
) -> None:
    """Several are offered; one that is over or not running is refused in words."""
    north, south = (
        build_season(GUILD, season_id, name, server_id=server.scope.server_id)
        for season_id, name, server in (("1", "Spring", NORTH), ("2", "Other", SOUTH))
    )
    over = build_season(GUILD, "3", "Old", state=SeasonState.CLOSED)
    planned = build_season(GUILD, "4", "Next", state=SeasonState.PLANNED)
    shelf.seasons.seasons = {one.season_id: one for one in (north, south, over, planned)}
    with pytest.raises(AmbiguousError) as asked:
        await seasons.find_open(GUILD, "", is_running=True)
    assert (asked.value.typed, {key for key, _ in asked.value.choices}) == ("", {"1", "2"})
    assert await seasons.find_open(GUILD, "other", is_running=False) == south
    refusals = [("old", True, "**Old** is over already."), ("9", True, "There's no season called “9”.")]
    refusals.append(("next", True, "**Next** hasn't begun yet. /season cancel takes it back."))
    for typed, is_running, said in refusals:
        with pytest.raises(UserFacingError) as refused:
            await seasons.find_open(GUILD, typed, is_running=is_running)
        assert str(refused.value).startswith(said)
    shelf.seasons.seasons = {}
    with pytest.raises(UserFacingError, match="No season is running or planned"):
        await seasons.find_open(GUILD, "", is_running=False)
