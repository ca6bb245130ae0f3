"""Deaths of a backup for a repair: no person who was erased since it comes back."""

from datetime import UTC, datetime, timedelta

import bson
import pytest

from tests.fakes.verified import SERVER, Community
from utils.composition.erasures import keep_erased_out
from utils.database.core.database import SafeDatabase
from utils.database.documents.death_documents import build_death_document
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.erasure_records import ErasureRecordRepository
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.deaths import Death
from utils.models.personal import ErasureRecord, PersonKind
from utils.models.verification import ArchivedDeaths
from utils.secrets import SecretBox
from utils.services.personal.erasure_log import compute_digest

SINCE = datetime(2025, 6, 1, tzinfo=UTC)
BOX = SecretBox("0123456789abcdef0123456789abcdef")


def encode(deaths: list[Death]) -> list[bytes]:
    """Return deaths as a backup holds them."""
    own = {"guild_id": int(SERVER.guild_id), "server_id": str(SERVER.server_id)}
    return [bson.encode({**own, **build_death_document(one)}) for one in deaths]


@pytest.mark.parametrize("hours", [-1, 1])
async def test_deaths_of_the_erased_alone_are_left_out(database: SafeDatabase, hours: int) -> None:
    """An erasure before the backup leaves nothing out, one after it all deaths that name the person."""
    deaths = Community(database).build_deaths(60)
    erased = deaths[0].row.victim_id
    digest = compute_digest(BOX, SERVER.guild_id, PersonKind.PLAYER, erased)
    record = ErasureRecord(SERVER.guild_id, digest, SINCE + timedelta(hours=hours), BOX.fingerprint)
    await ErasureRecordRepository(database).put_erasures(SERVER.guild_id, [record])
    archived = ArchivedDeaths({SERVER: encode(deaths)}, is_cut=True)
    others = [one for one in deaths if erased not in (one.row.killer_id, one.row.victim_id)]
    assert 0 < len(others) < len(deaths)
    kept = await keep_erased_out(database, archived, since=SINCE, secret_box=BOX)
    assert kept == ArchivedDeaths({SERVER: encode(others if hours > 0 else deaths)}, is_cut=True)


@pytest.mark.parametrize("box", [None, SecretBox("fedcba9876543210fedcba9876543210")])
async def test_no_death_comes_back_where_nobody_can_tell_who_was_erased(
    database: SafeDatabase, box: SecretBox | None
) -> None:
    """Without the key of that time the erased person cannot be known, so the community gets nothing."""
    deaths = Community(database).build_deaths(5)
    record = ErasureRecord(SERVER.guild_id, b"0" * 16, SINCE + timedelta(hours=1), BOX.fingerprint)
    await ErasureRecordRepository(database).put_erasures(SERVER.guild_id, [record])
    archived = ArchivedDeaths({SERVER: encode(deaths)}, is_cut=False)
    kept = await keep_erased_out(database, archived, since=SINCE, secret_box=box)
    assert kept == ArchivedDeaths({}, is_cut=False)


@pytest.mark.parametrize("hours", [-1, 1])
async def test_erasure_without_a_record_keeps_the_community_out(database: SafeDatabase, hours: int) -> None:
    """The audit tells of an erasure that has no digest; one from before the backup is in it."""
    entry = AuditEntry(SINCE + timedelta(hours=hours), None, AuditAction.DATA_ERASE, AuditFacts())
    await AuditRepository(database).insert_entry(SERVER.guild_id, entry)
    archived = ArchivedDeaths({SERVER: encode(Community(database).build_deaths(5))}, is_cut=False)
    kept = await keep_erased_out(database, archived, since=SINCE, secret_box=BOX)
    assert kept == (archived if hours < 0 else ArchivedDeaths({}, is_cut=False))
