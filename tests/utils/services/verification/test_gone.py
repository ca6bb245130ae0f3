"""Communities and game servers that are gone without a person's doing."""

from datetime import timedelta

from tests.fakes.verified import GUILD, NOW, Community, verify_fully, verify_quickly
from utils.database.core.database import SafeDatabase
from utils.database.repositories.audit import AuditRepository
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.scope import GuildId, ServerScope
from utils.models.verification import KeptCommunities

HAVE = KeptCommunities(NOW, frozenset({GUILD}), {GUILD: 1})
OTHER, THIRD = GuildId(43), GuildId(44)


async def list_gone(database: SafeDatabase, kept: KeptCommunities) -> list[str]:
    """Return the sentences of the quick verification, which are those of the full one."""
    assert KeptCommunities.load(kept.dump()) == kept
    found = (await verify_quickly(database, kept=kept)).findings
    assert (await verify_fully(database, {}, kept)).findings == found
    return [str(one.said) for one in found]


async def test_half_of_the_communities_are_not_gone_by_themselves(
    database: SafeDatabase, community: Community
) -> None:
    """The bot never deletes settings, so a backup with twice as many says that they are lost."""
    del community
    assert await list_gone(database, HAVE) == []
    two = KeptCommunities(NOW, frozenset({GUILD, OTHER}), {})
    said = "The newest backup has settings of 2 communities, and the database has those of 1."
    assert await list_gone(database, two) == [said]
    assert await list_gone(database, KeptCommunities(NOW, frozenset({OTHER}), {})) == [
        "The newest backup has settings of 1 community, and the database has those of 0."
    ]


async def test_less_than_half_is_no_loss(database: SafeDatabase, community: Community) -> None:
    """One community of three may have belonged to an installation that was given up."""
    await Community(database, ServerScope(OTHER, community.scope.server_id), seed=2).store(deaths=2)
    three = KeptCommunities(NOW, frozenset({GUILD, OTHER, THIRD}), {GUILD: 1, OTHER: 1})
    assert await list_gone(database, three) == []


async def test_game_servers_go_with_an_entry_of_the_audit_alone(
    database: SafeDatabase, community: Community
) -> None:
    """An admin who removes a game server leaves an entry; one from before the backup says nothing."""
    del community
    two = KeptCommunities(NOW, frozenset({GUILD}), {GUILD: 2})
    said = "The newest backup has 2 game servers of the community 42, and the database has 1."
    assert await list_gone(database, two) == [said]
    audit = AuditRepository(database)
    for hours, sentences in ((-1, [said]), (1, [])):
        at = NOW + timedelta(hours=hours)
        await audit.insert_entry(GUILD, AuditEntry(at, None, AuditAction.SERVER_REMOVE, AuditFacts()))
        assert await list_gone(database, two) == sentences
