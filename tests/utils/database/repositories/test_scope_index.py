"""The scope index of one of several processes: each guild belongs to exactly one of them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.models.guilds import ChannelKind
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.sharding import Sharding

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
GUILDS = tuple(GuildId((number << 22) + 5) for number in (1, 2, 3, 4, 5))
Ask = Callable[[ScopeIndexRepository], Awaitable[Sequence[GuildId | ServerScope]]]


async def fill(database: SafeDatabase) -> None:
    """Store the same data for each question in every guild."""
    server = {"server_id": "aaaaaaaa"}
    documents = {
        "game_servers": server | {"is_warned": True},
        "guilds": {"premium": {"ends_at": NOW}, "is_left": True, "caught_up": [{}]},
        "boards": server | {"board": "kills"},
        "links": {"member_id": 7, "player_id": "p", "is_open": True},
        "bounties": server | {"slot": "open", "expires_at": NOW},
        "incidents": {"kind": "server-unread", "opened_at": NOW},
        "seasons": {"season_id": "1", "is_moving": True},
    }
    for name, document in documents.items():
        await database.unscoped(name).insert_many([{"guild_id": guild, **document} for guild in GUILDS])


@pytest.mark.parametrize(
    "ask",
    [
        lambda scope_index: scope_index.list_server_scopes(),
        lambda scope_index: scope_index.list_warned_servers(),
        lambda scope_index: scope_index.list_guild_ids(),
        lambda scope_index: scope_index.list_left_guilds(),
        lambda scope_index: scope_index.list_guilds_caught_up(),
        lambda scope_index: scope_index.list_ended_premium(NOW),
        lambda scope_index: scope_index.list_guilds_with_boards(),
        lambda scope_index: scope_index.list_guilds_with_open_links(),
        lambda scope_index: scope_index.list_guilds_with_incidents(),
        lambda scope_index: scope_index.list_guilds_with_seasons(),
        lambda scope_index: scope_index.list_scopes_with_due_bounties(before=NOW + timedelta(seconds=1)),
    ],
    ids=[
        "servers",
        "warned",
        "guilds",
        "left",
        "caught up",
        "premium",
        "boards",
        "links",
        "incidents",
        "seasons",
        "bounties",
    ],
)
async def test_each_process_is_told_of_its_own_guilds(database: SafeDatabase, ask: Ask) -> None:
    """Together the processes have all guilds, and no two have the same."""
    await fill(database)
    told = [
        [read_guild(one) for one in await ask(ScopeIndexRepository(database, sharding))]
        for sharding in (Sharding(3, (0,)), Sharding(3, (1, 2)), Sharding())
    ]
    assert told == [[GUILDS[2]], [GUILDS[0], GUILDS[1], GUILDS[3], GUILDS[4]], list(GUILDS)]


async def test_guild_is_left_until_the_bot_is_there_again(database: SafeDatabase) -> None:
    """A guild without settings works too; a return without a departure writes nothing."""
    guilds, scope_index = GuildRepository(database), ScopeIndexRepository(database, Sharding())
    for guild_id in GUILDS[:2]:
        await guilds.set_left(guild_id, is_left=True)
    await guilds.set_left(GUILDS[1], is_left=False)
    await guilds.set_left(GUILDS[2], is_left=False)
    assert await scope_index.list_left_guilds() == (GUILDS[0],)
    assert await database.unscoped("guilds").count_documents({}) == 2


def read_guild(found: GuildId | ServerScope) -> GuildId:
    """Return the guild of a result."""
    return found.guild_id if isinstance(found, ServerScope) else found


async def test_waiting_posts_are_counted_by_feed_with_the_time_of_the_oldest(database: SafeDatabase) -> None:
    """Each process sees the feeds of its own guilds."""
    later = NOW + timedelta(minutes=1)
    rows = [
        {
            "guild_id": guild,
            "server_id": "aaaaaaaa",
            "channel_kind": kind,
            "sequence": number,
            "due_at": at,
        }
        for guild, kind, number, at in (
            (GUILDS[0], "killfeed", 1, later),
            (GUILDS[0], "killfeed", 2, NOW),
            (GUILDS[0], "bounties", 1, later),
            (GUILDS[2], "killfeed", 1, NOW),
        )
    ]
    await database.unscoped("outbox").insert_many(rows)
    first, third = (ServerScope(guild, ServerId("aaaaaaaa")) for guild in (GUILDS[0], GUILDS[2]))
    found = await ScopeIndexRepository(database, Sharding()).list_waiting()
    assert sorted(found) == [
        (first, ChannelKind.BOUNTIES, 1, later),
        (first, ChannelKind.KILLFEED, 2, NOW),
        (third, ChannelKind.KILLFEED, 1, NOW),
    ]
    own = await ScopeIndexRepository(database, Sharding(3, (0,))).list_waiting()
    assert own == ((third, ChannelKind.KILLFEED, 1, NOW),)
