"""Guilds that share hosts, members and players affect each other in no way."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.examples import choose_examples
from tests.fakes.host_files import FakeSession
from tests.fakes.verified import verify_quickly
from tests.isolation.house import House
from tests.isolation.stories import ACTIONS, GUILDS, NUMBERS, Story, Teller, tell
from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import INDEXES, ensure_indexes
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.process.connection import SafeMongoDBConnection
from utils.models.factions import list_rows
from utils.models.scope import GuildId
from utils.models.statistics import Board

STORIES = choose_examples(quick=5, deep=12)
ALONE = choose_examples(quick=1, deep=len(GUILDS))  # the guilds of a story that are compared
STEPS = 80
BOARDS = [board for board in Board if board not in (Board.WEAPONS, Board.FACTIONS)]  # boards of players
FROM_DEADSIDE_LOG = {"log_state", "presence", "sessions", "play_days", "log_events", "population"}
OF_MEMBERS = {"levels", "season_results", "faction_periods", "factions board"}
CHOSEN_AT_RANDOM = {"_id", "secret", "event_id", "post_id", "bounty_id", "nonce", "basis"}
LEDGER_KEY = re.compile(r"'key', '(\w+):[^']*'")
CLOSED_SLOT = re.compile(r"'slot', '(?!open')[^']+'")


@pytest.fixture(name="lonely")
async def _lonely(mongod_uri: str, database: SafeDatabase) -> AsyncIterator[SafeDatabase]:
    """Return a second database, for one guild alone."""
    name = f"{database.name}_b"
    connection = SafeMongoDBConnection(mongod_uri, database=name, clock=SystemClock())
    lonely = await connection.open()
    await ensure_indexes(lonely)
    yield lonely
    await lonely.drop()
    await connection.close()


async def live(
    story: Story, folder: Path, database: SafeDatabase, *guild_ids: GuildId
) -> dict[GuildId, dict[str, Any]]:
    """Run a story for these guilds in an empty database; return the final data of each."""
    for collection in [*INDEXES, "leases"]:
        await database.unscoped(collection).delete_many({})
    hosts = {number: FakeSession() for number in NUMBERS}
    await MIGRATIONS.ensure_version(database)
    house = await House.open(folder, database, hosts, FakeClock())
    teller = Teller(story, house, hosts)
    await teller.tell(guild_ids)
    found = {guild: await look(house, database, guild, teller.boards[guild]) for guild in guild_ids}
    await house.application.tasks.stop()
    assert (await verify_quickly(database)).findings == ()
    return {guild: state | {"outcomes": teller.outcomes[guild]} for guild, state in found.items()}


async def look(
    house: House, database: SafeDatabase, guild_id: GuildId, bounty_board: list[str]
) -> dict[str, Any]:
    """Return all data of a guild, with random ids made equal."""
    state: dict[str, Any] = {}
    for collection in INDEXES:
        documents = await database.unscoped(collection).find({"guild_id": guild_id}).to_list(None)
        state[collection] = [_leave_out_random(document) for document in documents]
    servers = await house.application.repositories.servers.list_servers(guild_id)
    state["names"] = [
        (player.name, player.names, player.kills)
        for player in await house.services.names.search(guild_id, "")
    ]
    state["boards"] = [await _read_board(house, guild_id, board) for board in BOARDS] if servers else []
    state["factions board"] = await _rank_factions(house, guild_id) if servers else []
    state["bounty board"] = bounty_board
    renamed = {one["server_id"]: f"{one['name']} of {one['added_at']}" for one in state["game_servers"]}
    return {kind: _make_equal(found, renamed) for kind, found in state.items()}


async def _read_board(house: House, guild_id: GuildId, board: Board) -> Any:
    coverage = await house.services.coverage.choose(guild_id, None)
    page = await house.services.statistics.get_board(coverage, board, page=0)
    return [(row.rank, row.name, row.value) for row in page.rows]


async def _rank_factions(house: House, guild_id: GuildId) -> list[Any]:
    coverage = await house.services.coverage.choose(guild_id, None)
    return [
        (one.rank, one.name, one.kills) for one in list_rows(await house.services.factions.rank(coverage))
    ]


def _leave_out_random(value: Any) -> Any:
    """Return a document without its random values, at any depth."""
    if isinstance(value, dict):
        return {key: _leave_out_random(one) for key, one in value.items() if key not in CHOSEN_AT_RANDOM}
    return [_leave_out_random(one) for one in value] if isinstance(value, list) else value


def _make_equal(found: list[Any], renamed: dict[str, str]) -> list[str]:
    """Return the texts of documents, in an order that does not depend on random ids."""
    texts = []
    for one in found:
        text = LEDGER_KEY.sub(r"'key', '\1'", repr(sorted(one.items()) if isinstance(one, dict) else one))
        for server_id, name in renamed.items():
            text = text.replace(server_id, name)
        texts.append(CLOSED_SLOT.sub("'slot', 'closed'", text))
    return sorted(texts)


def compare(together: dict[str, list[str]], alone: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the differences between two states, by kind."""
    return {
        kind: sorted({*together[kind]} ^ {*alone[kind]}) or [f"{len(together[kind])}, {len(alone[kind])}"]
        for kind in together
        if together[kind] != alone[kind]
    }


async def test_each_guild_is_as_if_it_were_alone(
    tmp_path: Path, database: SafeDatabase, lonely: SafeDatabase
) -> None:
    """The part of each guild in a story of three guilds ends like the same part alone, refusals included.

    A story is told again for one of its guilds, the next story for the next guild.
    """
    outcomes: set[str] = set()
    has_board, filled = False, set[str]()
    for seed in range(STORIES):
        story = tell(seed, length=STEPS)
        together = await live(story, tmp_path, database, *GUILDS)
        for guild_id in (GUILDS * 2)[seed % len(GUILDS) :][:ALONE]:
            alone = await live(story, tmp_path, lonely, guild_id)
            assert compare(together[guild_id], alone[guild_id]) == {}, f"story {seed}"
        has_board |= any("💎" in row for guild in together.values() for row in guild["bounty board"])
        filled |= {kind for guild in together.values() for kind, found in guild.items() if found}
        outcomes |= {outcome for guild in together.values() for outcome in guild["outcomes"]}
    assert {f"{action}: done" for action in ACTIONS} - outcomes == set()
    assert has_board
    assert (FROM_DEADSIDE_LOG | OF_MEMBERS) - filled == set()
