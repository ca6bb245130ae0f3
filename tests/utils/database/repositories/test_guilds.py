"""Stored guilds: which of them were welcomed, which alerts they got, and in which languages they are used."""

from datetime import timedelta

from tests.fakes.clock import START
from tests.fakes.storage import put_settings
from utils.database.core.database import SafeDatabase
from utils.database.repositories.guilds import KEPT_TOLD, GuildRepository
from utils.database.repositories.premium import PremiumRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.guilds import GuildSettings
from utils.models.premium import Grant, PremiumAction, PremiumEvent
from utils.models.scope import GuildId, MemberId
from utils.models.sharding import Sharding

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


async def test_command_or_grant_before_the_welcome_does_not_prevent_it(database: SafeDatabase) -> None:
    """Neither tells that the bot spoke in the guild; the welcome leaves both, and comes once."""
    guilds, grants = GuildRepository(database), PremiumRepository(database)
    await guilds.add_locale_uses(NEW, {("2025-05", "de"): 7})
    grant = Grant(2, START, MemberId(7), None)
    event = PremiumEvent(START, PremiumAction.GRANTED, 2, by=MemberId(7))
    entry = AuditEntry(START, MemberId(7), AuditAction.PREMIUM_GRANT, AuditFacts())
    await grants.write_grant(KNOWN, grant, event, entry=entry)
    for guild_id in (NEW, KNOWN):
        assert [await guilds.note_welcome(guild_id, at=START) for _ in range(2)] == [True, False]
    assert (await grants.get_premium(KNOWN)).grant == grant
    [known] = await database.unscoped("guilds").find({"guild_id": int(NEW)}).to_list(None)
    assert (known["locales"], known["welcomed_at"]) == ({"2025-05": {"de": 7}}, START)
    await put_settings(guilds, FORMER, admin_role_id=9)
    await guilds.add_locale_uses(FORMER, {("2025-05", "de"): 7})
    assert not await guilds.note_welcome(FORMER, at=START)


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


async def test_uses_by_language_add_up_and_the_newest_three_months_stay(database: SafeDatabase) -> None:
    """Settings are not touched, and a month that comes late counts only if it is kept."""
    guilds = GuildRepository(database)
    await put_settings(guilds, NEW, admin_role_id=9)
    for month in ("2025-11", "2025-12", "2026-01"):
        await guilds.add_locale_uses(NEW, {(month, "de"): 2, (month, "pt-BR"): 1})
    await guilds.add_locale_uses(NEW, {("2026-01", "de"): 3, ("2025-10", "de"): 7})
    stored = await database.unscoped("guilds").find_one({"guild_id": NEW})
    both = {"de": 2, "pt-BR": 1}
    assert stored is not None
    assert stored["locales"] == {"2025-11": both, "2025-12": both, "2026-01": {"de": 5, "pt-BR": 1}}
    await guilds.add_locale_uses(NEW, {("2026-03", "ru"): 1})
    stored = await database.unscoped("guilds").find_one({"guild_id": NEW})
    assert stored is not None
    assert stored["locales"] == {"2026-01": {"de": 5, "pt-BR": 1}, "2026-03": {"ru": 1}}
    assert await guilds.get_settings(NEW) == GuildSettings(NEW, admin_role_id=9)


async def test_uses_of_a_month_are_summed_over_the_guilds_of_all_processes(database: SafeDatabase) -> None:
    """A guild without settings counts as well; other months and strange fields do not."""
    guilds, strange = GuildRepository(database), {"guild_id": FORMER, "locales": {"2026-01": 5}}
    await guilds.add_locale_uses(NEW, {("2026-01", "de"): 2, ("2025-12", "de"): 4})
    await guilds.add_locale_uses(KNOWN, {("2026-01", "de"): 3, ("2026-01", "pl"): 1})
    await database.unscoped("guilds").insert_one(strange)
    for sharding in (Sharding(), Sharding(2, (1,))):
        index = ScopeIndexRepository(database, sharding)
        assert await index.count_locales("2026-01") == {"de": 5, "pl": 1}
        assert await index.count_locales("2026-02") == {}
