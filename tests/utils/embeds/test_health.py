"""The answer of ``/admin health`` says when the last backup was made, and what it is worth."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.clock import START
from tests.fakes.health import FakeHealth
from utils.embeds.factory import EmbedFactory
from utils.models.backups import BackupState
from utils.models.scope import GuildId

PROVEN = "<t:1746100800:R>, and a restore on trial has shown that it works"
UNPROVEN = "<t:1746100800:R>, not restored on trial yet"
EARLIER = START - timedelta(days=1)


@pytest.mark.parametrize(
    ("backups", "shown"),
    [
        (None, []),
        (BackupState(), ["None yet"]),
        (BackupState(2, START, START, EARLIER, 96), [PROVEN]),
        (BackupState(2, START, EARLIER, EARLIER, 96), [UNPROVEN]),
        (BackupState(1, START, None, START, 96), [UNPROVEN]),
    ],
)
def test_last_backup_is_shown_with_its_proof(backups: BackupState | None, shown: list[str]) -> None:
    """An older proof does not hold for the newest backup; a process that makes no backups shows none."""
    guild = replace(FakeHealth().describe_guild(GuildId(42)), backups=backups)
    [embed] = EmbedFactory().build_health(guild, None, now=START)
    assert [field.value for field in embed.fields if field.name == "Last backup"] == shown
