"""``factions``: how soon the figures of 50 full factions are there, over a year of kills.

Every member's player plays on one of two game servers. Members are the most active players, so most kills
are theirs. Half of the members join their faction later, each on a day of their own. The aims are those of a
million kills and of autocomplete. The first question reads into memory, so it has no aim.
"""

import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure, compute_median
from benchmarks.importing import CLOCK, running_database
from utils.commandline.running import relax_garbage_collection
from utils.database.core.database import SafeDatabase
from utils.database.core.keys import build_key_prefix
from utils.database.documents.player_documents import build_day_entry, format_month
from utils.database.read_models.member_figures import MemberFigures
from utils.database.repositories.faction_figures import FactionFigureRepository
from utils.database.repositories.factions import FactionRepository
from utils.database.repositories.links import LinkRepository
from utils.database.units.faction_unit import FactionTransaction
from utils.events import EventDispatcher
from utils.models.factions import MOST_FACTIONS, MOST_MEMBERS, Faction, FactionPeriod, FactionRank
from utils.models.players import Counters, PlayerDay
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.statistics import Coverage
from utils.services.factions.factions import FactionService
from utils.services.factions.figures import FactionFigureService

GUILD = GuildId(42)
SERVERS = (ServerScope(GUILD, ServerId("aaaaaaaa")), ServerScope(GUILD, ServerId("bbbbbbbb")))
FOUNDED = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 365
TODAY = FOUNDED.date() + timedelta(days=DAYS - 1)
MIDDLE = TODAY.replace(day=15)
PERIODS = (("", None), (", 30 days", 30), (", 7 days", 7))
MEMBERS = MOST_FACTIONS * MOST_MEMBERS
PLAYERS = 5_000
ROUNDS = 5
BATCH = 5_000
ANSWER_AIM_MS, AUTOCOMPLETE_AIM_MS = 500.0, 300.0
COVERAGE = Coverage(GUILD, [one.server_id for one in SERVERS], where="All servers", today=TODAY)


async def measure(rows: int) -> list[Figure]:
    """Measure the answers over a community with ``rows`` kills."""
    relax_garbage_collection()  # the bot does the same
    with TemporaryDirectory(prefix="benchmark-") as name:
        async with running_database(Path(name)) as database:
            await _fill(database, rows)
            factions = FactionRepository(database, fences=lambda _: None)
            days, links = FactionFigureRepository(database, MemberFigures(database)), LinkRepository(database)
            service = FactionService(
                factions,
                figures=FactionFigureService(factions, days=days, links=links),
                events=EventDispatcher(),
                clock=CLOCK,
            )
            start = time.perf_counter()
            await service.rank(COVERAGE)
            return [
                Figure("board of factions, the first one", (time.perf_counter() - start) * 1000, "ms"),
                *[
                    figure
                    for when, today in (("at a month's end", TODAY), ("in its middle", MIDDLE))
                    for period, days in PERIODS
                    for figure in await _time(
                        f"board of factions {when}{period}",
                        partial(service.rank, _cover(today, days)),
                        ANSWER_AIM_MS,
                    )
                ],
                *await _time("one faction", lambda: service.get_figures(COVERAGE, "7"), ANSWER_AIM_MS),
                *await _time("autocomplete", lambda: service.list_choices(GUILD), AUTOCOMPLETE_AIM_MS),
            ]


def _cover(today: date, days: int | None) -> Coverage:
    """Return the coverage of the last days."""
    since = None if days is None else today - timedelta(days=days - 1)
    return replace(COVERAGE, today=today, since=since)


async def _time(name: str, ask: Callable[[], Awaitable[object]], aim: float) -> list[Figure]:
    """Return the median time of a question, and the CPU of the bot in it."""
    seconds, cpu = [], []
    for _ in range(ROUNDS):
        start, started = time.perf_counter(), time.process_time()
        await ask()
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - started)
    return [
        Figure(f"{name}, p50", compute_median(seconds) * 1000, "ms", aim=aim),
        Figure("  CPU of the bot", compute_median(cpu) * 1000, "ms"),
    ]


async def _fill(database: SafeDatabase, rows: int) -> None:
    """Store game servers, kills with the days of their players, links and factions."""
    own = {"guild_id": int(GUILD), "generation": 0}
    for scope in SERVERS:
        await database.unscoped("game_servers").insert_one({**own, "server_id": scope.server_id})
    counted: dict[tuple[int, date], list[int]] = {}
    kills = _draw_kills(rows, counted)
    while batch := list(islice(kills, BATCH)):
        await database.unscoped("kills").insert_many(batch, ordered=False)
    months: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for (player, day), (killed, died) in sorted(counted.items()):
        entry = build_day_entry(PlayerDay(PlayerId(""), day, Counters(kills=killed, deaths=died)))
        months.setdefault((player, format_month(day)), []).append(entry)
    buckets = [
        {
            **own,
            "server_id": _choose_server(player).server_id,
            "month": month,
            "player_id": f"{player:032}",
            "days": entries,
        }
        for (player, month), entries in months.items()
    ]
    await database.unscoped("player_days").insert_many(buckets, ordered=False)
    await _found(database)


def _draw_kills(rows: int, counted: dict[tuple[int, date], list[int]]) -> Iterator[dict[str, Any]]:
    """Yield the indexed fields of kills, and count them by player and day."""
    drawn = random.Random(1)
    activity = [
        list(accumulate(1 / (player + 8) for player in range(PLAYERS) if player % 2 == n)) for n in (0, 1)
    ]
    for number in range(rows):
        side = number % 2
        numbers = range(side, PLAYERS, 2)
        killer, victim = drawn.choices(numbers, cum_weights=activity[side], k=2)
        moment = FOUNDED + timedelta(seconds=number * DAYS * 86_400 // rows)
        counted.setdefault((killer, moment.date()), [0, 0])[0] += 1
        counted.setdefault((victim, moment.date()), [0, 0])[1] += 1
        yield {
            "_id": build_key_prefix(SERVERS[side]) + number.to_bytes(8, "big"),
            "guild_id": int(GUILD),
            "server_id": SERVERS[side].server_id,
            "killer_id": f"{killer:032}",
            "victim_id": f"{victim:032}",
            "written_at": moment.replace(tzinfo=None),
        }


def _choose_server(player: int) -> ServerScope:
    return SERVERS[player % 2]


async def _found(database: SafeDatabase) -> None:
    """Link a player to each member, and let them found the factions on the first day and join later."""
    links = [
        {
            "guild_id": int(GUILD),
            "member_id": member + 1,
            "player_id": f"{member:032}",
            "player_name": f"Player {member}",
            "state": "proven",
            "linked_at": FOUNDED,
            "is_main": True,
        }
        for member in range(MEMBERS)
    ]
    await database.unscoped("links").insert_many(links)

    def found(unit: FactionTransaction) -> None:
        for number in range(MOST_FACTIONS):
            name = f"Faction {number}"
            faction = Faction(GUILD, str(number), name, name, f"F{number}", is_open=True, founded_at=FOUNDED)
            unit.insert_faction(faction)
            for member in range(number, MEMBERS, MOST_FACTIONS):
                rank = FactionRank.LEADER if member == number else FactionRank.MEMBER
                joined_at = FOUNDED + timedelta(days=member * 7 % DAYS) * (member >= MEMBERS // 2)
                period = FactionPeriod(str(number), MemberId(member + 1), joined_at, rank)
                unit.open_period(period, faction)

    await FactionRepository(database, fences=lambda _: None).in_transaction(GUILD, found)
