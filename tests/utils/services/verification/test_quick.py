"""The quick verification over a real database: every fault is found, and right data is right."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import build_row, render
from tests.fakes.ingestion import FakeDeathLogs, Posted
from tests.fakes.verified import DEATHS, FILE, GUILD, MEMBERS, NOW, SERVER, Community, verify_quickly
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.events import EventDispatcher
from utils.models.reading import ImportJob
from utils.models.scope import GuildId, ServerScope
from utils.models.verification import DataFault, VerificationReport
from utils.services.ingestion.live import LiveIngestion

Damage = Callable[[Community], Awaitable[None]]
ALL = VerificationReport(servers=1, players=20, wallets=2)


@pytest.fixture(name="community")
async def _community(database: SafeDatabase) -> Community:
    """A community whose data is right."""
    await MIGRATIONS.ensure_version(database)
    community = Community(database)
    await community.store()
    return community


@pytest.mark.usefixtures("community")
async def test_right_data_is_right(database: SafeDatabase) -> None:
    """Samples of the counters are those that the deaths give, and wallets are as the ledger says."""
    assert await verify_quickly(database, {SERVER: DEATHS}) == ALL
    newer = Community(database, ServerScope(GuildId(43), SERVER.server_id), seed=2)
    await newer.store(deaths=3)
    assert await verify_quickly(database, {SERVER: DEATHS - 1}) == replace(
        ALL, servers=2, players=23, wallets=4
    )


async def test_empty_database_is_right(database: SafeDatabase) -> None:
    """A new bot has nothing to verify."""
    await MIGRATIONS.ensure_version(database)
    assert await verify_quickly(database) == VerificationReport()


async def test_live_batches_leave_right_data(database: SafeDatabase, community: Community) -> None:
    """Counters on which later batches are counted, also late ones, are those of a recount."""
    logs, clock = FakeDeathLogs(), FakeClock(NOW)
    live = LiveIngestion(
        community.ingestion,
        EventDispatcher(),
        clock=clock,
        group_seconds=0,
        max_announce_age=timedelta(hours=1),
    )
    names = ("Wolf", "Bear", "Otter")
    for second in (40, 10, 300, 20):  # a third and a fourth row come late
        rows = [
            build_row(names[number % 3], names[(number + 1) % 3], second=second + number)
            for number in range(5)
        ]
        logs.append(replace(FILE, name=f"2025.05.02-00.{second:02}.00.csv"[:23] + ".csv"), render(*rows))
        server = await community.servers.find_server(SERVER)
        assert server is not None
        await live.poll(server, logs, last_read_at=None, find_posted=Posted())
    for seed in range(5):
        assert (await verify_quickly(database, seed=seed)).is_good


def of_players(update: dict[str, object]) -> Damage:
    """Return a damage to the counters of all players of the game server."""

    async def damage(community: Community) -> None:
        await community.database.unscoped("players").update_many({}, update)

    return damage


async def lose_index(community: Community) -> None:
    """Drop an index that is made again by the next test's start."""
    await community.database.unscoped("boards").drop_index("board")


async def lose_generation(community: Community) -> None:
    """Show counters that are not there."""
    await community.damage("game_servers", {}, {"$set": {"generation": 7}})


async def spoil_settings(community: Community) -> None:
    """Store settings that no bot can read."""
    await community.damage("guilds", {}, {"$set": {"channels": "killfeed"}})


async def spoil_server(community: Community) -> None:
    """Store a game server that no bot can read."""
    await community.damage("game_servers", {}, {"$unset": {"host": ""}})


async def spoil_day(community: Community) -> None:
    """Change the counters of all days."""
    await community.database.unscoped("player_days").update_many({}, {"$inc": {"days.0.kills": 1}})


async def spoil_death(community: Community) -> None:
    """Store deaths that no bot can read."""
    await community.database.unscoped("kills").update_many({}, {"$unset": {"victim_name": ""}})


async def lose_death(community: Community) -> None:
    """Delete one death of many."""
    first = community.build_deaths(1)[0]
    await community.delete("kills", {"_id": first.id})


async def spoil_wallet(community: Community) -> None:
    """Change a balance beside the ledger."""
    await community.damage("wallets", {"member_id": int(MEMBERS[0])}, {"$inc": {"balance": 5}})


async def lose_row(community: Community) -> None:
    """Delete the last row of a ledger."""
    await community.delete("ledger", {"member_id": int(MEMBERS[1]), "number": 3})


PLACE = "the game server aaaaaaaa of the community 42"
CASES: list[tuple[Damage, DataFault, str]] = [
    (lose_index, DataFault.INDEX, "An index isn't as it should be (boards: the index board is missing)."),
    (
        lose_generation,
        DataFault.GENERATION,
        f"T{PLACE[1:]} has deaths but no figures of players.",
    ),
    (spoil_settings, DataFault.UNREADABLE, "The settings of the community 42 can't be read."),
    (spoil_server, DataFault.UNREADABLE, f"T{PLACE[1:]} can't be read."),
    (
        of_players({"$inc": {"counters.kills": 1}}),
        DataFault.COUNTERS,
        f"20 players of {PLACE} have other figures than their deaths say.",
    ),
    (
        of_players({"$unset": {"weapons": ""}}),
        DataFault.COUNTERS,
        f"20 players of {PLACE} have other figures than their deaths say.",
    ),
    (spoil_day, DataFault.COUNTERS, f"20 players of {PLACE} have other figures than their deaths say."),
    (spoil_death, DataFault.COUNTERS, f"20 players of {PLACE} have other figures than their deaths say."),
    (lose_death, DataFault.DEATHS, f"T{PLACE[1:]} has 149 deaths, and the newest backup has 150."),
    (spoil_wallet, DataFault.WALLET, "A wallet of the community 42 isn't as its ledger says."),
    (lose_row, DataFault.WALLET, "A wallet of the community 42 isn't as its ledger says."),
]


@pytest.mark.parametrize(("damage", "fault", "sentence"), CASES, ids=lambda one: getattr(one, "__name__", ""))
async def test_fault_is_found(
    database: SafeDatabase, community: Community, damage: Damage, fault: DataFault, sentence: str
) -> None:
    """Each fault is found at its place, named in one sentence, and no other data is blamed."""
    await damage(community)
    found = (await verify_quickly(database, {SERVER: DEATHS})).findings
    told = [one for one in found if one.fault is fault]
    assert [str(one.said) for one in told] == [sentence]
    assert {one.guild_id for one in told} <= {GUILD, None}
    if damage is not lose_death:  # its players have other figures by now, if they are among the sample
        assert told == list(found)


async def test_data_of_another_version_is_not_looked_at(database: SafeDatabase, community: Community) -> None:
    """Documents of a newer or older shape would all look wrong."""
    await spoil_settings(community)
    await database.unscoped("schema").update_one({"_id": "data"}, {"$set": {"version": 99}})
    [finding] = (await verify_quickly(database)).findings
    assert (
        str(finding.said) == f"The data has version 99, and this bot works with version {MIGRATIONS.newest}."
    )


async def test_counters_are_not_compared_during_an_import(
    database: SafeDatabase, community: Community
) -> None:
    """An import corrects deaths before it shows the counters of them."""
    await of_players({"$inc": {"counters.kills": 1}})(community)
    await community.imports.begin_import(SERVER, ImportJob(1, NOW, {FILE: 10}))
    assert (await verify_quickly(database)).is_good
    await community.imports.begin_import(SERVER, ImportJob(1, NOW, {}, is_waiting=True))
    assert not (await verify_quickly(database)).is_good
