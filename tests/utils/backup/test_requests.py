"""Requests for a restore in Discord: what is allowed from there, and what names the command line."""

from pathlib import Path

import pytest

from tests.fakes.backups import MOMENT, write_archive
from tests.fakes.clock import FakeClock
from tests.fakes.restores import RestoreSetup
from utils.backup.archive import PROOF_NAME, Archive, write_note
from utils.backup.requests import RestoreRequests
from utils.backup.verification import BackupVerifier
from utils.database.archives.trial import TrialPlace
from utils.errors import ArchiveRefusedError, BackupError
from utils.models.scope import GuildId

KEY_CHECK = "0123456789abcdef"  # that of the invented backups


def build(
    setup: RestoreSetup, place: Path, *, key: str = KEY_CHECK, is_alone: bool = True
) -> RestoreRequests:
    """Return the requests of a bot with a secret key."""
    trial = TrialPlace(place, None, "", "test")
    verifier = BackupVerifier(trial, command=(), key_check=lambda _: key, clock=FakeClock())
    return RestoreRequests(setup.restorer, places=(place,), verifier=verifier, is_alone=is_alone)


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Archive:
    """Return a proven backup."""
    archive = write_archive(tmp_path)
    write_note(archive, PROOF_NAME, MOMENT, {})
    return archive


async def test_proven_backup_is_planned_then_wanted(setup: RestoreSetup, archive: Archive) -> None:
    """A plan alone changes nothing; the request ends the wait of the bot."""
    requests = build(setup, archive.path.parent)
    plan = await requests.plan_restore(archive.id, guild_id=GuildId(7))
    assert (plan.backup_id, plan.documents["kills"], requests.order) == (archive.id, (200, 150), None)
    await requests.ask_for_restore(archive.id, guild_id=None)
    await requests.wait()
    assert requests.order is not None
    assert (requests.order.archive.id, requests.order.guild_id) == (archive.id, None)


async def test_everything_else_names_the_command_line(setup: RestoreSetup, archive: Archive) -> None:
    """The answer says why it is not possible from Discord, and what to run instead."""
    place = archive.path.parent
    call = f"Stop every bot, and run python bot.py restore {archive.id}"
    with pytest.raises(BackupError) as refused:
        await build(setup, place, is_alone=False).plan_restore(archive.id, guild_id=GuildId(7))
    assert str(refused.value) == (
        f"Other processes of the bot serve communities too. {call} --guild 7 on its machine."
    )
    (archive.path / PROOF_NAME).unlink()
    with pytest.raises(BackupError) as refused:
        await build(setup, place).ask_for_restore(archive.id, guild_id=None)
    assert str(refused.value) == f"This backup isn't proven. {call} on its machine."
    with pytest.raises(ArchiveRefusedError, match="need another secret key"):
        await build(setup, place, key="00").plan_restore(archive.id, guild_id=None)
    with pytest.raises(ArchiveRefusedError, match="No place has a backup"):
        await build(setup, place).plan_restore("killfeed-x", guild_id=None)
