"""Verification over a real database: every fault is found, and right data is right."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import build_row, render
from tests.fakes.ingestion import FakeDeathLogs, Posted
from tests.fakes.verified import (
    DEATHS,
    FILE,
    GUILD,
    MEMBERS,
    NOW,
    SERVER,
    Community,
    RepairShop,
    verify_fully,
    verify_quickly,
)
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import INDEXES
from utils.database.migrations.migrations import MIGRATIONS
from utils.errors import NotAllowedError
from utils.events import EventDispatcher
from utils.models.reading import ImportJob
from utils.models.scope import GuildId, ServerScope
from utils.models.verification import DataFault, VerificationReport
from utils.services.ingestion.live import LiveIngestion

Damage = Callable[[Community], Awaitable[None]]


SESSIONS = (timedelta(minutes=1), timedelta(hours=5))

ALL = VerificationReport(servers=1, players=20, wallets=2)


async def test_right_data_is_right(database: SafeDatabase, community: Community) -> None:
    """Counters are those that the deaths give, wallets as the ledger says, links as the periods say."""
    assert await verify_quickly(database, {SERVER: DEATHS}) == ALL
    await community.found_faction()
    newer = Community(database, ServerScope(GuildId(43), SERVER.server_id), seed=2)
    await newer.store(deaths=3)
    expected = {SERVER: DEATHS - 1}
    assert await verify_quickly(database, expected) == replace(ALL, servers=2, players=23, wallets=4)
    whole = await verify_fully(database, expected)
    assert whole == VerificationReport(servers=2, wallets=4, deaths=DEATHS + 3)
    week = [await verify_fully(database, expected, day=day) for day in range(7)]
    assert sum(one.deaths for one in week) == whole.deaths


async def test_playtime_is_right_when_old_sessions_are_deleted(
    database: SafeDatabase, community: Community
) -> None:
    """The days of a player keep the time of sessions that are not kept any more."""
    await community.play(*SESSIONS)
    assert (await verify_fully(database, {})).is_good
    await community.delete("sessions", {"seconds": 60})
    assert (await verify_fully(database, {})).is_good
    await community.damage("play_days", {"day": "2025-05-01"}, {"$inc": {"seconds": -61}})
    assert [one.fault for one in (await verify_fully(database, {})).findings] == [DataFault.PLAYTIME]


async def test_empty_database_is_right(database: SafeDatabase) -> None:
    """A new bot has nothing to verify."""
    await MIGRATIONS.ensure_version(database)
    assert await verify_quickly(database) == await verify_fully(database, {}) == VerificationReport()


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
    assert (await verify_quickly(database)).is_good
    assert await verify_fully(database, {}) == VerificationReport(servers=1, wallets=2, deaths=DEATHS + 20)


def on_all(name: str, update: dict[str, object]) -> Damage:
    """Return a damage to every document of a collection."""

    async def damage(community: Community) -> None:
        await community.database.unscoped(name).update_many({}, update)

    return damage


def on_one(name: str, query: dict[str, object], update: dict[str, object]) -> Damage:
    """Return a damage to one document."""

    async def damage(community: Community) -> None:
        await community.damage(name, query, update)

    return damage


def without(name: str, query: dict[str, object]) -> Damage:
    """Return a damage by which a document is gone."""

    async def damage(community: Community) -> None:
        await community.delete(name, query)

    return damage


async def lose_playtime(community: Community) -> None:
    """Let a day of a player have less time than their sessions have."""
    await community.play(*SESSIONS)
    await community.damage("play_days", {"day": "2025-05-01"}, {"$inc": {"seconds": -1}})


def of_nobody(name: str) -> Damage:
    """Return a damage by which a document belongs to a game server that is gone."""

    async def damage(community: Community) -> None:
        document = await community.database.unscoped(name).find_one({})
        stray = {**(document or {}), "_id": b"stray", "guild_id": int(GUILD), "server_id": "gone"}
        await community.database.unscoped(name).insert_one(stray)

    return damage


async def lose_index(community: Community) -> None:
    """Drop an index that is made again by the next test's start."""
    await community.database.unscoped("boards").drop_index("board")


async def lose_death(community: Community) -> None:
    """Delete one death of many."""
    await community.delete("kills", {"_id": community.build_deaths(1)[0].id})


async def change_death(community: Community, number: int = 0) -> None:
    """Change how far a shot went, so that the death denies its id."""
    death = community.build_deaths(number + 1)[number]
    await community.damage("kills", {"_id": death.id}, {"$set": {"distance": 999}})


async def add_player(community: Community) -> None:
    """Store the counters of a player who is in no death."""
    document = await community.database.unscoped("players").find_one({})
    stray = {**(document or {}), "_id": b"stray", "player_id": "f" * 32}
    await community.database.unscoped("players").insert_one(stray)


def in_faction(*updates: tuple[dict[str, object], dict[str, object]]) -> Damage:
    """Return a damage to links of members, two of whom are in a faction."""

    async def damage(community: Community) -> None:
        await community.found_faction()
        for query, update in updates:
            await community.damage("links", query, update)

    return damage


async def lose_period(community: Community) -> None:
    """Let a member's time in a faction be over, but not in their two links."""
    await community.found_faction()
    await community.damage("faction_periods", PAYER, {"$set": {"is_current": False, "left_at": NOW}})


PAYER, PAID = ({"member_id": int(member_id)} for member_id in MEMBERS)
PLACE = "the game server aaaaaaaa of the community 42"
STRAY = "belongs to no game server any more: the game server gone of the community 42."
NO_INDEX = "boards: the index board is missing"
OTHER_COUNTERS = {"$inc": {"counters.kills": 1}}
CASES: dict[str, tuple[Damage, list[DataFault], list[str]]] = {
    "index": (
        lose_index,
        [DataFault.INDEX],
        [f"An index isn't as it should be ({NO_INDEX})."],
    ),
    "generation": (
        on_one("game_servers", {}, {"$set": {"generation": 7}}),
        [DataFault.GENERATION],
        [f"79 figures aren't what the deaths say: {PLACE}."],
    ),
    "settings": (
        on_one("guilds", {}, {"$set": {"channels": "killfeed"}}),
        [DataFault.UNREADABLE],
        ["The settings of the community 42 can't be read."],
    ),
    "server": (
        on_one("game_servers", {}, {"$unset": {"host": ""}}),
        [DataFault.UNREADABLE],
        [f"Stored data can't be read: {PLACE}."],
    ),
    "counters": (
        on_all("players", OTHER_COUNTERS),
        [DataFault.COUNTERS],
        [f"39 figures aren't what the deaths say: {PLACE}."],
    ),
    "other player": (
        on_one("players", {}, OTHER_COUNTERS),
        [],
        [f"1 figure isn't what the deaths say: {PLACE}."],
    ),
    "unreadable player": (
        on_all("players", {"$unset": {"weapons": ""}}),
        [DataFault.COUNTERS],
        [f"39 figures aren't what the deaths say: {PLACE}."],
    ),
    "days": (
        on_all("player_days", {"$inc": {"days.0.kills": 1}}),
        [DataFault.COUNTERS],
        [f"39 figures aren't what the deaths say: {PLACE}."],
    ),
    "month": (
        on_one("server_months", {}, {"$inc": {"hours.0": 1}}),
        [],
        [f"1 figure isn't what the deaths say: {PLACE}."],
    ),
    "surplus player": (add_player, [], [f"1 figure isn't what the deaths say: {PLACE}."]),
    "playtime": (lose_playtime, [], [f"The playtime of 1 player isn't what their sessions say: {PLACE}."]),
    "lost death": (
        lose_death,
        [DataFault.DEATHS],
        [
            f"149 deaths are stored, and the newest backup has 150: {PLACE}.",
            f"5 figures aren't what the deaths say: {PLACE}.",
        ],
    ),
    "changed death": (
        change_death,
        [],
        [
            f"1 stored death isn't what it was: {PLACE}.",
            f"3 figures aren't what the deaths say: {PLACE}.",
        ],
    ),
    "unreadable deaths": (
        on_all("kills", {"$unset": {"victim_name": ""}}),
        [DataFault.COUNTERS],
        [
            f"150 stored deaths aren't what they were: {PLACE}.",
            f"41 figures aren't what the deaths say: {PLACE}.",
        ],
    ),
    "wallet": (
        on_one("wallets", PAYER, {"$inc": {"balance": 5}}),
        [DataFault.WALLET],
        ["A wallet of the community 42 isn't as its ledger says."],
    ),
    "last row": (
        without("ledger", {**PAID, "number": 3}),
        [DataFault.WALLET],
        ["A wallet of the community 42 isn't as its ledger says."],
    ),
    "first row": (
        without("ledger", {**PAID, "number": 1}),
        [],
        ["Rows are missing or wrong in a ledger of the community 42."],
    ),
    "changed row": (
        on_one("ledger", {**PAID, "number": 2}, {"$inc": {"amount": 1}}),
        [],
        ["Rows are missing or wrong in a ledger of the community 42."],
    ),
    "no wallet": (
        without("wallets", PAYER),
        [],
        ["A wallet of the community 42 isn't as its ledger says."],
    ),
    "orphan": (
        of_nobody("server_months"),
        [],
        [
            f"1 document of server_months {STRAY}",
        ],
    ),
    "orphan of Deadside.log": (
        of_nobody("play_days"),
        [],
        [f"1 document of play_days {STRAY}"],
    ),
    "mark of another faction": (
        in_faction(({**PAYER, "is_main": True}, {"$set": {"faction_id": "f2"}})),
        [],
        ["1 link of the community 42 names another faction than its member's."],
    ),
    "marks that are old, gone and too many": (
        in_faction(
            ({**PAYER, "is_main": False}, {"$set": {"faction_tag": "OLD"}}),
            (PAID, {"$unset": {"faction_id": "", "faction_tag": ""}}),
            ({"member_id": 702}, {"$set": {"faction_id": "f1", "faction_tag": "WLF"}}),
        ),
        [],
        ["3 links of the community 42 name other factions than their members'."],
    ),
    "marks without a period": (
        lose_period,
        [],
        ["2 links of the community 42 name other factions than their members'."],
    ),
    "kept orphan": (
        of_nobody("kills"),
        [],
        [f"1 document of kills {STRAY}"],
    ),
}


UNMENDED = {"settings", "server", "first row", "changed row", "playtime", "kept orphan"}
"""The faults that a person decides about."""


@pytest.mark.parametrize("name", CASES)
async def test_fault_is_found_and_repaired(
    database: SafeDatabase, community: Community, shop: RepairShop, tmp_path: Path, name: str
) -> None:
    """Samples find a part of the faults, a full verification finds all and blames no other data.

    A fault with a proof is repaired within two nights; every other one stays.
    """
    damage, quickly, sentences = CASES[name]
    if "death" in name:
        await shop.take_backup(tmp_path)
    await damage(community)
    expected = {SERVER: DEATHS}
    found = (await verify_quickly(database, expected)).findings
    assert [one.fault for one in found if one.fault in quickly] == quickly
    if quickly and damage is not lose_death:  # its players have other figures, if they are in the sample
        assert [one.fault for one in found] == quickly
    assert [str(one.said) for one in (await verify_fully(database, expected)).findings] == sentences
    first = await shop.repair_all(expected)
    assert [one.is_repaired for one in first.findings] == [name not in UNMENDED] * len(sentences)
    if name.startswith("orphan"):
        await shop.repair_all(expected, first)
    left = [str(one.said) for one in (await verify_fully(database, expected)).findings]
    assert left == (sentences if name in UNMENDED else [])


@pytest.mark.usefixtures("community")
async def test_index_that_is_not_declared_is_reported_and_left(
    database: SafeDatabase, shop: RepairShop
) -> None:
    """The bot drops no index of a person, so it does not say that it has repaired anything."""
    boards, said = database.unscoped("boards"), "boards: there is an unexpected index stray"
    await boards.create_index("posted_by", name="stray")
    try:
        check = await shop.repair_all({})
    finally:
        await boards.drop_index("stray")
    assert [(one.detail, one.is_repaired) for one in check.findings] == [(said, False)]


async def test_repair_touches_nothing_else(
    database: SafeDatabase, community: Community, shop: RepairShop, tmp_path: Path
) -> None:
    """Other communities stay as they are, each repair is audited, and what came back is what was there."""
    neighbour = Community(database, ServerScope(GuildId(43), SERVER.server_id), seed=2)
    await neighbour.store(deaths=30)
    await shop.take_backup(tmp_path)
    before = await read_all(database)
    for name in ("lost death", "other player", "last row", "orphan"):
        await CASES[name][0](community)
    await change_death(community, 1)
    expected = {SERVER: DEATHS, neighbour.scope: 30}
    first = await shop.repair_all(expected)
    assert all(one.is_repaired for one in first.findings)
    await shop.repair_all(expected, first)
    assert (await verify_fully(database, expected)).findings == ()
    after = await read_all(database)
    touched = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert {guild for guild, _ in touched} == {42}
    assert {name for _, name in touched} == {
        *("audit", "cursors", "game_servers", "ledger", "player_days", "players", "server_months", "wallets")
    }
    audit = await database.unscoped("audit").find({"action": "data repair"}).to_list(None)
    assert sorted(one["facts"]["changes"][0]["name"] for one in audit) == ["deaths", "figures", "wallet"]


async def read_all(database: SafeDatabase) -> dict[tuple[int, str], list[dict[str, object]]]:
    """Return all documents of each community by collection."""
    found: dict[tuple[int, str], list[dict[str, object]]] = {}
    for name in INDEXES:
        for document in await database.unscoped(name).find({}).sort("_id", 1).to_list(None):
            found.setdefault((document["guild_id"], name), []).append(document)
    return found


async def test_repaired_marks_are_those_of_the_periods(
    database: SafeDatabase, community: Community, shop: RepairShop
) -> None:
    """A link that was right is not written, and neither is one of another community."""
    neighbour = Community(database, ServerScope(GuildId(43), SERVER.server_id), seed=2)
    await neighbour.found_faction()
    await community.found_faction()
    before = await read_all(database)
    await community.damage("links", {**PAYER, "is_main": True}, {"$set": {"faction_tag": "OLD"}})
    await community.damage("links", {"member_id": 702}, {"$set": {"faction_id": "f1"}})
    check = await shop.repair_all({})
    assert [(one.fault, one.found, one.is_repaired) for one in check.findings] == [(DataFault.MARKS, 2, True)]
    after = await read_all(database)
    [entry] = after.pop((42, "audit"))[len(before.pop((42, "audit"), [])) :]
    changed = {"name": "marks", "old": None, "new": 2}
    assert (entry["action"], entry["facts"]["changes"]) == ("data repair", [changed])
    assert after == before


async def test_figures_that_differ_again_are_left(community: Community, shop: RepairShop) -> None:
    """A recount that helps for a day alone hides a cause, which a person has to find."""
    await CASES["counters"][0](community)
    first = await shop.repair_all({})
    await CASES["counters"][0](community)
    second = await shop.repair_all({}, first)
    assert [one.is_repaired for one in (*first.findings, *second.findings)] == [True, False]
    assert second.recounted == first.recounted


async def test_stopped_wallet_neither_pays_nor_is_paid(
    database: SafeDatabase, community: Community, shop: RepairShop
) -> None:
    """A wallet whose ledger is broken is stopped, and goes on when the ledger is whole again."""
    lost = await database.unscoped("ledger").find_one({**PAID, "number": 1})
    await CASES["first row"][0](community)
    await shop.repair_all({})
    for amount in (10, -10):
        with pytest.raises(NotAllowedError, match="This wallet is stopped"):
            await community.pay(MEMBERS[1], amount, key=f"later:{amount}")
    await community.pay(MEMBERS[0], 10, key="other")
    await database.unscoped("ledger").insert_one(lost)
    await shop.repair_all({})
    await community.pay(MEMBERS[1], 10, key="later:10")
    assert (await verify_fully(database, {})).findings == ()


async def test_data_of_another_version_is_not_looked_at(database: SafeDatabase, community: Community) -> None:
    """Documents of a newer or older shape would all look wrong."""
    await on_all("guilds", {"$set": {"channels": "killfeed"}})(community)
    await database.unscoped("schema").update_one({"_id": "data"}, {"$set": {"version": 99}})
    [finding] = (await verify_quickly(database)).findings
    assert (
        str(finding.said) == f"The data has version 99, and this bot works with version {MIGRATIONS.newest}."
    )


async def test_counters_are_not_compared_during_an_import(
    database: SafeDatabase, community: Community
) -> None:
    """An import corrects deaths before it shows the counters of them."""
    await on_all("players", OTHER_COUNTERS)(community)
    await community.imports.begin_import(SERVER, ImportJob(1, NOW, {FILE: 10}))
    assert (await verify_quickly(database)).is_good
    await community.imports.begin_import(SERVER, ImportJob(1, NOW, {}, is_waiting=True))
    assert not (await verify_quickly(database)).is_good
