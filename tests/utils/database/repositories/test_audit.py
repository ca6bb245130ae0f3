"""The stored audit of each guild: newest entries first, in pages."""

from datetime import UTC, datetime, timedelta

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.repositories.audit import AuditRepository
from utils.models.audit import AuditEntry, AuditFacts
from utils.models.scope import GuildId, MemberId

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
GUILD, OTHER = GuildId(42), GuildId(43)
ANN, BOB = MemberId(1), MemberId(2)


@pytest.fixture(name="audit")
def _audit(database: SafeDatabase) -> AuditRepository:
    return AuditRepository(database)


def build_entry(number: int, actor_id: MemberId | None = ANN, action: str = "role") -> AuditEntry:
    """Return an entry; its number is also its second."""
    return AuditEntry(NOW + timedelta(seconds=number), actor_id, action, AuditFacts(reason=f"{number}"))


async def test_entries_come_in_pages_newest_first(audit: AuditRepository) -> None:
    """The total counts all pages; entries of other guilds are not included."""
    for number in range(5):
        await audit.insert_entry(GUILD, build_entry(number))
    await audit.insert_entry(OTHER, build_entry(9, None))
    found = [await audit.list_entries(GUILD, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [([entry.facts.reason for entry in entries], total) for entries, total in found] == [
        (["4", "3"], 5),
        (["2", "1"], 5),
        (["0"], 5),
        ([], 5),
    ]
    assert await audit.list_entries(OTHER, limit=9) == ((build_entry(9, None),), 1)


async def test_entries_of_one_moment_keep_the_order_in_which_they_came(audit: AuditRepository) -> None:
    """No page repeats an entry, even if several were written at once."""
    for number in range(4):
        await audit.insert_entry(GUILD, AuditEntry(NOW, ANN, "role", AuditFacts(reason=f"{number}")))
    pages = [await audit.list_entries(GUILD, limit=2, offset=offset) for offset in (0, 2)]
    assert [entry.facts.reason for entries, _ in pages for entry in entries] == ["3", "2", "1", "0"]


async def test_entries_are_found_by_member_and_by_action(audit: AuditRepository) -> None:
    """Both filters work, alone and together."""
    await audit.insert_entry(GUILD, build_entry(0, ANN, "role"))
    await audit.insert_entry(GUILD, build_entry(1, BOB, "role"))
    await audit.insert_entry(GUILD, build_entry(2, BOB, "server add"))
    found = {
        (actor, action): [
            entry.facts.reason
            for entry in (await audit.list_entries(GUILD, actor_id=actor, action=action, limit=9))[0]
        ]
        for actor in (None, ANN, BOB)
        for action in (None, "role", "server")
    }
    assert found == {
        (None, None): ["2", "1", "0"],
        (None, "role"): ["1", "0"],
        (None, "server"): [],
        (ANN, None): ["0"],
        (ANN, "role"): ["0"],
        (ANN, "server"): [],
        (BOB, None): ["2", "1"],
        (BOB, "role"): ["1"],
        (BOB, "server"): [],
    }
