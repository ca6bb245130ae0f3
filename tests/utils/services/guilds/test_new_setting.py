"""A new setting needs one field; everything else follows from its declaration."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.small_bot import Shelf
from utils.database.core.database import SafeDatabase
from utils.database.documents.personal_fields import Erasure, FieldContent, PersonalField
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.guilds import GuildRepository
from utils.errors import InvalidInputError
from utils.events import GuildSettingsChanged
from utils.models.audit import AuditAction
from utils.models.declared_settings import between, setting
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.models.texts import text
from utils.services.guilds.guild_changes import GuildChangeService
from utils.services.guilds.guild_settings import SettingsService

GUILD, ADMIN = GuildId(42), MemberId(5)


@dataclass(frozen=True)
class InventedSettings(GuildSettings):
    """The settings with two more fields, of which one names a member."""

    quiet_hour: int = setting(3, check=between(0, 23, text("An hour is a number from 0 to 23.")))
    keeper_id: MemberId | None = setting(None)


async def test_new_setting_is_stored_checked_audited_announced_and_seen_at_once(
    database: SafeDatabase,
) -> None:
    """The setting is complete with its field alone."""
    shelf, told = Shelf(clock=FakeClock()), list[GuildSettingsChanged]()
    services, guilds = shelf.build_services(), GuildRepository(database, InventedSettings)
    settings = SettingsService(guilds, shelf.servers, clock=shelf.clock)
    changes = GuildChangeService(
        settings,
        services.servers,
        guilds=guilds,
        channels=shelf.servers,
        premium=services.premium,
        audit=services.audit,
        events=shelf.events,
    )

    async def set_hour(hour: int) -> None:
        await changes.change(GUILD, ADMIN, AuditAction.ROLE, partial(replace, quiet_hour=hour))

    shelf.events.register(GuildSettingsChanged, told.append)
    assert cast("InventedSettings", await settings.get_settings(GUILD)).quiet_hour == 3
    await changes.set_channel(GUILD, ChannelKind.ALERTS, ChannelId(1), server=None, actor_id=ADMIN)
    await set_hour(22)
    with pytest.raises(InvalidInputError, match="from 0 to 23"):
        await set_hour(24)
    await set_hour(22)
    expected = InventedSettings(GUILD, {ChannelKind.ALERTS: ChannelId(1)}, quiet_hour=22)
    assert (await settings.get_settings(GUILD), await guilds.get_settings(GUILD)) == (expected, expected)
    [stored] = await database.unscoped("guilds").find({}, {"_id": 0}).to_list(None)
    assert stored == {"guild_id": 42, "channels": {"alerts": 1}, "quiet_hour": 22}
    entries, _ = await AuditRepository(database).list_entries(GUILD, limit=9)
    changed = [change for entry in entries[:-1] for change in entry.facts.changes]
    assert [(one.name, one.old, one.new) for one in changed] == [("quiet_hour", 3, 22)]
    assert [event.names for event in told] == [frozenset({"alerts"}), frozenset({"quiet_hour"})]


async def test_setting_that_names_a_member_is_erased_by_its_row(database: SafeDatabase) -> None:
    """Its row erases it, like every stored field; ``test_declared_settings.py`` checks that it has a row."""
    keeper = PersonalField(path="keeper_id", holds=FieldContent.MEMBER, erasure=Erasure.REPLACED)
    guilds = GuildRepository(database, InventedSettings)
    erasures = ErasureRepository(database, fences=lambda _: None, declared={"guilds": (keeper,)})
    before = InventedSettings(GUILD)
    for guild_id in (GUILD, GuildId(43)):
        await guilds.write_settings(guild_id, before, replace(before, keeper_id=ADMIN))
    await erasures.erase_member(GUILD, ADMIN)
    stored = [cast("InventedSettings", await guilds.get_settings(one)) for one in (GUILD, GuildId(43))]
    assert [one.keeper_id for one in stored] == [None, ADMIN]


ROOT = Path(__file__).parents[4]
TRIES = """
from cogs.admin.bounties import MoneyCommands
from utils.database.documents.guild_documents import SettingsDocuments
from utils.embeds.factory import EmbedFactory
from utils.models.declared_settings import find_problem, list_changes
from utils.models.guilds import GuildSettings
from utils.services.money.bounties.settings import change_bounties

before = GuildSettings(42)
after, too_long = (change_bounties(before, auto_pause_hours=hours) for hours in (12, 49))
[change] = list_changes(before, after)
assert (change.name, change.old, change.new) == ("auto_pause_hours", 6, 12)
assert find_problem(before, after) is None
assert str(find_problem(before, too_long)) == "The house waits 1 to 48 hours."
stored = SettingsDocuments(GuildSettings).build_changed(before, after)
assert SettingsDocuments(GuildSettings).read(42, stored) == after
assert "auto_pause_hours" in {option.name for option in MoneyCommands.bounty_settings.options}
fields = EmbedFactory().build_bounty_settings(after.bounties, is_saved=True).fields
assert ("The house waits", "12 h") in [(field.name, field.value) for field in fields]
"""


def apply(diff: str, tree: Path) -> None:
    """Change the files of a tree as a diff of the guide says; each part is found by its lines alone."""
    for file, parts in re.findall(r"^\+\+\+ b/(\S+)\n((?:[ +@-](?!-- ).*\n)+)", diff, re.MULTILINE):
        source = (tree / file).read_text(encoding="utf-8")
        for part in parts.split("@@\n"):
            lines = part.splitlines(keepends=True)
            old = "".join(line[1:] for line in lines if line[0] != "+")
            assert source.count(old) == 1, f"{file} has no such lines: {old}"
            source = source.replace(old, "".join(line[1:] for line in lines if line[0] != "-"))
        (tree / file).write_text(source, encoding="utf-8")


def test_example_of_the_guide_is_all_that_a_setting_takes(tmp_path: Path) -> None:
    """Applied to the code as it is, it can be chosen, checked, stored, audited and seen."""
    guide = (ROOT / "DEVELOPER_GUIDE.md").read_text(encoding="utf-8")
    [diff] = [part.split("```")[0] for part in guide.split("```diff\n") if "auto_pause_hours" in part]
    for room in ("cogs", "utils"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    apply(diff, tmp_path)
    subprocess.run([sys.executable, "-c", TRIES], cwd=tmp_path, check=True)  # noqa: S603 - our own code
