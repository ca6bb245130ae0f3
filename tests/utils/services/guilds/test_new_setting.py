"""A new setting needs one field; everything else follows from its declaration."""

from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.small_bot import Shelf
from utils.database.core.database import SafeDatabase
from utils.database.documents.personal_fields import Erasure, FieldContent, PersonalField
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
    changed = [change for _, entry in shelf.audit.entries[1:] for change in entry.facts.changes]
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
