"""Stored guilds: which of them were welcomed, and which alerts they got."""

from datetime import timedelta

from tests.fakes.clock import START
from tests.fakes.storage import put_settings
from utils.database.core.database import SafeDatabase
from utils.database.repositories.guilds import KEPT_TOLD, GuildRepository
from utils.models.guilds import GuildSettings
from utils.models.scope import GuildId

NEW, KNOWN, FORMER = GuildId(1), GuildId(2), GuildId(3)


async def test_guild_is_welcomed_once_for_ever(database: SafeDatabase) -> None:
    """Neither a second join nor a return after leaving welcomes it again."""
    guilds = GuildRepository(database)
    assert [await guilds.note_welcome(NEW, at=START) for _ in range(2)] == [True, False]
    await guilds.set_left(NEW, is_left=True)
    await guilds.set_left(NEW, is_left=False)
    assert not await guilds.note_welcome(NEW, at=START)
    assert await guilds.get_settings(NEW) == GuildSettings(NEW)


async def test_guild_that_the_bot_knew_before_is_not_welcomed(database: SafeDatabase) -> None:
    """It has settings, or the bot has left it: its admins know the bot."""
    guilds = GuildRepository(database)
    await put_settings(guilds, KNOWN, admin_role_id=9)
    await guilds.set_left(FORMER, is_left=True)
    assert [await guilds.note_welcome(guild_id, at=START) for guild_id in (KNOWN, FORMER)] == [False, False]


async def test_sent_alerts_are_kept_for_their_guild_and_the_oldest_go(database: SafeDatabase) -> None:
    """Only alerts since the given moment are listed; another guild and a guild without settings have none."""
    guilds = GuildRepository(database)
    for guild_id in (NEW, KNOWN):
        await guilds.note_welcome(guild_id, at=START)
    for number in range(KEPT_TOLD + 2):
        await guilds.note_told(NEW, f"d{number}", at=START + timedelta(minutes=number))
    await guilds.forget_told(NEW, f"d{KEPT_TOLD}")
    since = START + timedelta(minutes=KEPT_TOLD - 1)
    assert await guilds.list_told(NEW, since=since) == {f"d{KEPT_TOLD - 1}", f"d{KEPT_TOLD + 1}"}
    assert len(await guilds.list_told(NEW, since=START)) == KEPT_TOLD - 1
    assert await guilds.list_told(KNOWN, since=START) == frozenset()
    assert await guilds.list_told(FORMER, since=START) == frozenset()
    assert await guilds.get_settings(NEW) == GuildSettings(NEW)
