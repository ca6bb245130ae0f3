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


@pytest.mark.parametrize(
    ("locales", "shown"),
    [
        (None, "The database isn't answering."),
        ({}, "None"),
        ({"de": 2, "en-US": 1_200, "cs": 2}, "`en-US` 1,200 · `cs` 2 · `de` 2"),
        ({f"x{letter}": 1 for letter in "abcdefghijklm"}, " · ".join(f"`x{one}` 1" for one in "abcdefghij")),
    ],
)
async def test_most_used_languages_are_shown_to_owners_in_one_line(
    locales: dict[str, int] | None, shown: str
) -> None:
    """The most used ones come first, ten at most; admins of a guild see none."""
    health = FakeHealth()
    guild, bot = health.describe_guild(GuildId(42)), replace(await health.describe_bot(), locales=locales)
    [own, whole] = EmbedFactory().build_health(guild, bot, now=START)
    assert [field.value for field in whole.fields if field.name == "Languages this month"] == [shown]
    assert "Languages this month" not in [field.name for field in own.fields]
