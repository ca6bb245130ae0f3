"""A month of a community: links, rules, a season, two factions, recaps and notifications, counted by hand."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from structlog.testing import capture_logs

from simulation.discord import Interaction, Member, Role, SimulatedDiscord
from simulation.game_host.battle import Battle
from simulation.town import Community, list_embeds, open_host
from tests.bot.month import (
    DAY,
    FIRST_DAY,
    HISTORY,
    Days,
    Figures,
    Month,
    TravelClock,
    find_day,
    run_application,
)
from tests.bot.stage import get_fields
from utils.database.core.database import SafeDatabase
from utils.models.seasons import SeasonState
from utils.services.guilds import looks

LAST_DAY = 27
ALL_DAYS = (HISTORY, LAST_DAY)
WEEK = 7
LINKED = (0, 2, 3, 5, 7, 9)  # the second and the fifth of the most active players have no link
HUNTERS_KILLS = 25
SEASON = (7, 20)
LITTLE = 0.25
NEWS_LEVEL = re.compile(r"\*\*(.+?)\*\* has reached level \*\*(\d+)\*\*")
RECAP = re.compile(r"\*\*(\d+) kills\*\* by (\d+) players")


@pytest.fixture(name="month")
async def _month(
    tmp_path: Path, database: SafeDatabase, mongod_uri: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Month]:
    for name in ("ROUND_SECONDS", "REST_FACTOR"):  # looks wait for real time by both
        monkeypatch.setattr(looks, name, LITTLE)
    start = FIRST_DAY + HISTORY * DAY
    battle = Battle(seed=7, players=24, start=start.replace(tzinfo=None), deaths_per_day=40)
    clock = TravelClock(start)
    async with (
        SimulatedDiscord(enforce_rate_limits=False) as world,
        open_host(tmp_path / "host") as host,
    ):
        community = Community.found(world, host, "Community")
        news = world.create_channel(community.guild, "news")
        with capture_logs(), MongoClient[dict[str, Any]](mongod_uri) as client:
            async with run_application(tmp_path / "bot", world, database, clock):
                stored = client["test"]
                yield Month(**vars(community), clock=clock, stored=stored, battle=battle, news=news)
        assert (world.violations, world.contract_violations) == ([], [])


@dataclass
class Expected:
    """The roles and messages that are due, by a count by hand.

    Attributes:
        levels: the level of each linked member.
        news: the levels that the news channel tells, with the player's name.
    """

    month: Month
    levels: dict[Member, int] = field(default_factory=dict)
    news: list[tuple[str, str]] = field(default_factory=list)

    def note_levels(self, day: int) -> None:
        """Count the levels at the end of a day; the news channel has the first and each fifth one."""
        counted = self.month.count((HISTORY, day))
        for member, player_id in self.month.players.items():
            before, now = self.levels.get(member), find_level(counted.get(player_id, Figures()).xp)
            self.levels[member] = now
            if before is None:
                continue
            assert now - before <= 2, "more at once is not told, and the bot may look twice a day"
            told = [level for level in range(before + 1, now + 1) if level == 1 or not level % 5]
            self.news += [(self.month.names[player_id], str(level)) for level in told]

    def find_holders(self, day: int) -> list[set[Member]]:
        """Return the holders of both roles: those with enough kills, and the first of all."""
        counted = self.month.count((HISTORY, day))
        first = self.month.rank(counted)[0]
        hunters = {
            one for one, player in self.month.players.items() if counted[player].kills >= HUNTERS_KILLS
        }
        return [hunters, {one for one, player in self.month.players.items() if player == first}]


async def test_all_of_a_month_is_told_once_and_equals_a_count_by_hand(month: Month) -> None:
    """The bot reads each day. Roles and news are right every evening; figures are compared at the end."""
    await month.settle_in()
    members = await month.link(*LINKED)
    expected = Expected(month)
    expected.note_levels(HISTORY)
    for member in members[:2]:
        await month.ask("/notify", by=member, event="level", on=True)
    roles = [month.world.create_role(month.guild, name) for name in ("Hunters", "King")]
    for role, terms in zip(roles, ({"kills": HUNTERS_KILLS}, {"rank": 1}), strict=True):
        await press(await month.ask("/roles add", role=role, **terms), "Save")
    for day in range(LAST_DAY + 1):
        await begin_day(month, day)
        await month.live(day)
        await end_day(month, expected, roles, day)
    await begin_day(month, LAST_DAY + 1)
    assert read_levels(month) == expected.news
    check_recaps(month)
    check_direct_messages(month, expected, members)
    check_season(month)
    await check_members(month, expected)
    await check_factions(month, members)


async def begin_day(month: Month, day: int) -> None:
    """Let the people do what they do on the morning of a day, and wait for what a morning brings."""
    wolf, other_wolf, bear, other_bear, *_ = month.players
    await month.go_to(day, 1)
    match day:
        case 3:
            await month.ask("/faction create", by=wolf, name="Night Wolves", tag="NWL")
            await month.ask("/faction invite", by=wolf, member=other_wolf)
            await month.ask("/faction join", by=other_wolf, faction="Night Wolves")
            await month.ask("/faction create", by=bear, name="Bears", tag="BRS", open=True)
        case 5:
            await month.ask("/faction join", by=other_bear, faction="Bears")
        case 7:
            first, last = ((FIRST_DAY + one * DAY).date().isoformat() for one in SEASON)
            await month.ask("/season start", name="Summer", first_day=first, last_day=last)
        case 10:
            await press(await month.ask("/faction leave", by=other_wolf), "Leave")
        case 21:
            closing, seasons = {"state": SeasonState.CLOSING.value}, month.stored["seasons"]
            await month.pass_until(lambda: bool(seasons.count_documents(closing)), "the season's last day")
        case 22:  # the reads are stored by the real time, so the season waits a whole day for them
            await month.pass_until(lambda: len(list_news(month, "**Summer**")) == 1, "the season's end")
    if not day % WEEK:
        await month.go_to(day, 9)
        await month.pass_until(lambda: len(read_recaps(month)) == day // WEEK + 1, f"the recap of day {day}")


async def end_day(month: Month, expected: Expected, roles: Sequence[Role], day: int) -> None:
    """Wait until roles and news are those that the day brings."""
    expected.note_levels(day)
    holders = expected.find_holders(day)
    await month.pass_until(lambda: [*map(month.list_holders, roles)] == holders, f"the roles of day {day}")
    await month.pass_until(lambda: read_known_levels(month) == expected.levels, f"the levels of day {day}")
    told = len(expected.news)
    await month.pass_until(lambda: len(read_levels(month)) >= told, f"the told levels of day {day}")
    assert sorted(read_levels(month)) == sorted(expected.news)
    waiting = month.stored["direct_messages"]
    await month.pass_until(lambda: not waiting.count_documents({}), f"the direct messages of day {day}")
    expected.news = read_levels(month)  # in the order in which the bot told those of a day


def read_known_levels(month: Month) -> dict[Member, int]:
    """Return the stored level of each member; the news channel tells only some of them."""
    known = {one["member_id"]: one["level"] for one in month.stored["levels"].find({})}
    return {member: known[member.user.id] for member in month.players}


def check_recaps(month: Month) -> None:
    """Compare each recap's kills and players, and its best player."""
    assert len(read_recaps(month)) == 5
    for week, (kills, players, best) in enumerate(read_recaps(month), start=-1):
        counted = month.count((week * WEEK, week * WEEK + WEEK - 1))
        ranked = month.rank(counted)
        assert (kills, players) == (sum(one.kills for one in counted.values()), len(ranked))
        assert best == f"{month.names[ranked[0]]} · {counted[ranked[0]].kills} kills"


def check_direct_messages(month: Month, expected: Expected, members: Sequence[Member]) -> None:
    """Each level is told once, in order, up to the present one, to members that asked for it."""
    for member in members:
        messages = month.world.direct_messages(member.user).all_messages
        told = [
            int(one) for said in messages for one in re.findall(r"level (\d+)\.", said.embed["description"])
        ]
        if member in members[:2]:
            assert told == sorted(set(told))
            assert told[-1] == expected.levels[member]
        else:
            assert told == []


def check_season(month: Month) -> None:
    """Compare the frozen results of two boards with the season's days, and the post with them."""
    counted = month.count(SEASON)
    ranked = month.rank(counted)
    frozen = {one["board"]: one["rows"] for one in month.stored["season_results"].find({})}
    assert [(one["player_id"], one["value"]) for one in frozen["kills"]] == [
        (player_id, counted[player_id].kills) for player_id in ranked
    ]
    assert {one["player_id"]: one["value"] for one in frozen["xp"]} == {
        player_id: figures.xp for player_id, figures in counted.items() if figures.xp
    }
    [post] = [embed for embed in list_embeds(month.news) if "**Summer**" in str(embed.get("description"))]
    marks = ("🥇", "🥈", "🥉")
    assert unescape(get_fields(post)["Kills"]).splitlines() == [
        f"{mark} {month.names[one]} · {counted[one].kills} kills"
        for mark, one in zip(marks, ranked, strict=False)
    ]


async def check_members(month: Month, expected: Expected) -> None:
    """Compare the answers of every linked member."""
    counted = month.count(ALL_DAYS)
    ranked = sorted(counted, key=lambda one: -counted[one].xp)
    for member, player_id in month.players.items():
        own = counted[player_id]
        stats = get_fields((await month.ask("/stats", by=member)).embed)
        assert (stats["Kills"], stats["Deaths"]) == (f"{own.kills:,}", f"{own.deaths:,}")
        rank = get_fields((await month.ask("/rank", by=member)).embed)
        assert rank["XP"] == f"{own.xp:,}"
        assert rank["Level"].startswith(f"{expected.levels[member]} ·")
        place = sum(counted[one].xp > own.xp for one in ranked) + 1
        assert rank["Place"] == f"#{place} of {len(ranked)}"


async def check_factions(month: Month, members: Sequence[Member]) -> None:
    """Compare the figures of both factions: the days of membership, without the kills among them."""
    wolf, other_wolf, bear, other_bear, *_ = members
    factions: dict[str, dict[Member, Days]] = {
        "Night Wolves": {wolf: (3, LAST_DAY), other_wolf: (3, 9)},
        "Bears": {bear: (3, LAST_DAY), other_bear: (5, LAST_DAY)},
    }
    for name, days in factions.items():
        figures = Figures()
        for member, own in days.items():
            figures = figures.add(month.count(own)[month.players[member]])
        players = {month.players[member]: own for member, own in days.items()}
        among = [
            row
            for row in month.list_kills()
            if all(
                one in players and players[one][0] <= find_day(row) <= players[one][1]
                for one in (row.killer_id, row.victim_id)
            )
        ]
        shown = get_fields((await month.ask("/faction info", faction=name)).embed)
        assert {one: shown[one] for one in ("Kills", "Deaths", "XP")} == {
            "Kills": f"{figures.kills - len(among):,}",
            "Deaths": f"{figures.deaths:,}",
            "XP": f"{figures.xp:,}",
        }


def list_news(month: Month, part: str) -> list[str]:
    """Return the descriptions in the news channel that have these words."""
    said = [unescape(str(embed.get("description"))) for embed in list_embeds(month.news)]
    return [one for one in said if part in one]


def read_levels(month: Month) -> list[tuple[str, str]]:
    """Return the levels that the news channel tells, with the player's name."""
    return [found for said in list_news(month, "reached level") for found in NEWS_LEVEL.findall(said)]


def read_recaps(month: Month) -> list[tuple[int, int, str]]:
    """Return kills, players and the best player of each recap."""
    recaps = [one for one in list_embeds(month.news) if RECAP.search(str(one.get("description")))]
    found = [RECAP.findall(one["description"])[0] for one in recaps]
    best = [unescape(get_fields(one)["MVP"]) for one in recaps]
    return [(int(kills), int(players), mvp) for (kills, players), mvp in zip(found, best, strict=True)]


def find_level(xp: int) -> int:
    """Return the level of an amount of XP; level n needs 25 * n * (n + 1)."""
    level = 0
    while 25 * (level + 1) * (level + 2) <= xp:
        level += 1
    return level


def unescape(shown: str) -> str:
    """Return a text without the marks that keep names from being markup."""
    return shown.replace("\\", "")


async def press(asked: Interaction, button: str) -> None:
    """Press a button of an answer, and wait until that has changed it."""
    title = asked.embed["title"]
    await asked.click(button)
    await asked.wait_until(lambda one: one.message is not None and one.embed["title"] != title)
