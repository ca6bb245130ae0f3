"""Stored premium: in the guild's document, for that guild only."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.storage import put_settings
from utils.database.core.database import SafeDatabase
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.premium import KEPT_EVENTS, PremiumRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.errors import StorageError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.premium import Grant, PremiumAction, PremiumEvent, PremiumRecord
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.models.sharding import Sharding

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GUILD, OTHER, THIRD = GuildId(42), GuildId(43), GuildId(44)
OWNER = MemberId(7)
ENTRY = AuditEntry(NOW, OWNER, AuditAction.PREMIUM_GRANT, AuditFacts(reason="asked for"))


@pytest.fixture(name="premium")
def _premium(database: SafeDatabase) -> PremiumRepository:
    return PremiumRepository(database)


def grant_event(tier: int, ends_at: datetime | None = None) -> PremiumEvent:
    """Return the history line of a grant."""
    return PremiumEvent(NOW, PremiumAction.GRANTED, tier, ends_at, by=OWNER)


async def test_grant_and_history_are_stored_beside_the_settings(
    premium: PremiumRepository, database: SafeDatabase
) -> None:
    """Grants and settings do not overwrite each other. A guild without a grant has an empty record."""
    guilds = GuildRepository(database)
    await put_settings(guilds, GUILD, channels={ChannelKind.ALERTS: ChannelId(5)})
    grant = Grant(2, NOW, OWNER, NOW + DAY)
    await premium.write_grant(GUILD, grant, grant_event(2, NOW + DAY), entry=ENTRY)
    assert await premium.get_premium(GUILD) == PremiumRecord(GUILD, grant, (grant_event(2, NOW + DAY),))
    assert await guilds.get_settings(GUILD) == GuildSettings(GUILD, {ChannelKind.ALERTS: ChannelId(5)})
    assert await premium.get_premium(OTHER) == PremiumRecord(OTHER)


async def test_revoked_grant_leaves_its_history(premium: PremiumRepository) -> None:
    """The history keeps the reason."""
    await premium.write_grant(GUILD, Grant(2, NOW, OWNER), grant_event(2), entry=ENTRY)
    revoked = PremiumEvent(NOW + DAY, PremiumAction.REVOKED, 2, by=OWNER, reason="asked for")
    await premium.write_grant(GUILD, None, revoked, entry=ENTRY)
    assert await premium.get_premium(GUILD) == PremiumRecord(GUILD, None, (grant_event(2), revoked))


async def test_history_keeps_its_newest_lines(premium: PremiumRepository) -> None:
    """The history is short, so that the document of a guild stays small."""
    for number in range(KEPT_EVENTS + 3):
        await premium.write_grant(GUILD, Grant(1, NOW, OWNER), grant_event(number), entry=ENTRY)
    history = (await premium.get_premium(GUILD)).history
    assert (len(history), history[0].tier, history[-1].tier) == (KEPT_EVENTS, 3, KEPT_EVENTS + 2)


async def test_end_is_written_once_and_never_over_a_newer_grant(
    premium: PremiumRepository, database: SafeDatabase
) -> None:
    """A grant in the last moment wins; an end that is not written has no audit entry."""
    ended = PremiumEvent(NOW + DAY, PremiumAction.ENDED, 2, NOW + DAY)
    await premium.write_grant(GUILD, Grant(2, NOW, OWNER, NOW + DAY), grant_event(2, NOW + DAY), entry=ENTRY)
    assert [await premium.end_grant(GUILD, ended, entry=ENTRY) for _ in range(2)] == [True, False]
    newer = Grant(3, NOW, OWNER, NOW + 2 * DAY)
    await premium.write_grant(GUILD, newer, grant_event(3, NOW + 2 * DAY), entry=ENTRY)
    assert not await premium.end_grant(GUILD, ended, entry=ENTRY)
    assert (await AuditRepository(database).list_entries(GUILD, limit=9))[1] == 3
    record = await premium.get_premium(GUILD)
    assert (record.grant, [event.action.value for event in record.history]) == (
        newer,
        ["granted", "ended", "granted"],
    )


async def test_directory_names_the_guilds_whose_grant_is_over(
    premium: PremiumRepository, database: SafeDatabase
) -> None:
    """The result has keys only. A grant without an end, and a guild without a grant, are not in it."""
    await premium.write_grant(GUILD, Grant(2, NOW, OWNER, NOW + DAY), grant_event(2), entry=ENTRY)
    await premium.write_grant(OTHER, Grant(2, NOW, OWNER), grant_event(2), entry=ENTRY)
    await put_settings(GuildRepository(database), THIRD, admin_role_id=9)
    scope_index = ScopeIndexRepository(database, Sharding())
    assert await scope_index.list_ended_premium(NOW + DAY - timedelta(seconds=1)) == ()
    assert await scope_index.list_ended_premium(NOW + DAY) == (GUILD,)


async def test_grant_that_cannot_be_audited_is_not_written(premium: PremiumRepository) -> None:
    """Grant, history and audit are one transaction."""
    unstorable = AuditEntry(NOW, OWNER, "premium grant", AuditFacts(reason=object()))  # type: ignore[arg-type]
    with pytest.raises(StorageError):
        await premium.write_grant(GUILD, Grant(2, NOW, OWNER), grant_event(2), entry=unstorable)
    assert await premium.get_premium(GUILD) == PremiumRecord(GUILD)
