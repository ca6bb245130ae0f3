"""Settings of guilds: the channel of a post, and a cache that is stale for a short time at most."""

import asyncio

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.storage import FakeGuildStore, FakeServerStore, Gate, build_server, put_settings
from utils.errors import StorageUnavailableError
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope
from utils.services.guilds.guild_settings import CACHE_SECONDS, LANGUAGE_SECONDS, SettingsService

SERVER = build_server()
GUILD = SERVER.scope.guild_id
FEED, OTHER, THIRD = ChannelId(1), ChannelId(2), ChannelId(3)


@pytest.fixture(name="guilds")
def _guilds() -> FakeGuildStore:
    return FakeGuildStore()


@pytest.fixture(name="servers")
def _servers() -> FakeServerStore:
    return FakeServerStore(SERVER)


@pytest.fixture(name="settings")
def _settings(guilds: FakeGuildStore, servers: FakeServerStore, clock: FakeClock) -> SettingsService:
    return SettingsService(guilds, servers, clock=clock)


async def test_settings_are_read_once_within_ten_minutes(
    settings: SettingsService, guilds: FakeGuildStore, clock: FakeClock
) -> None:
    """A change by another process is seen after ten minutes at the latest."""
    await settings.get_settings(GUILD)
    guilds.settings[GUILD] = GuildSettings(GUILD, admin_role_id=9)
    clock.move(CACHE_SECONDS - 0.1)
    assert (await settings.get_settings(GUILD)).admin_role_id is None
    clock.move(0.1)
    assert (await settings.get_settings(GUILD)).admin_role_id == 9
    assert guilds.calls == ["get_settings"] * 2


async def test_own_channel_of_a_server_is_kept_for_ten_minutes(
    settings: SettingsService, servers: FakeServerStore, clock: FakeClock
) -> None:
    """The channels of servers are cached as long as the settings."""
    for _ in range(3):
        assert await settings.find_channel(SERVER.scope, ChannelKind.KILLFEED) is None
    assert servers.calls == ["list_servers"]
    clock.move(CACHE_SECONDS)
    await settings.find_channel(SERVER.scope, ChannelKind.KILLFEED)
    assert servers.calls == ["list_servers"] * 2


async def test_server_channel_goes_before_the_guilds_and_never_another_kinds(
    settings: SettingsService, guilds: FakeGuildStore, servers: FakeServerStore
) -> None:
    """The order is: the server's own channel, the guild's, none; a channel of another kind never counts."""
    await put_settings(guilds, GUILD, channels={ChannelKind.EVENTS: FEED})
    await servers.set_channel(SERVER.scope, ChannelKind.KILLFEED, OTHER)
    neighbour = ServerScope(GUILD, ServerId("neighbour"))
    found = {
        (scope.server_id, kind): await settings.find_channel(scope, kind)
        for scope in (SERVER.scope, neighbour)
        for kind in (ChannelKind.KILLFEED, ChannelKind.EVENTS, ChannelKind.ALERTS)
    }
    assert found == {
        (SERVER.scope.server_id, ChannelKind.KILLFEED): OTHER,
        (SERVER.scope.server_id, ChannelKind.EVENTS): FEED,
        (SERVER.scope.server_id, ChannelKind.ALERTS): None,
        ("neighbour", ChannelKind.KILLFEED): None,
        ("neighbour", ChannelKind.EVENTS): FEED,
        ("neighbour", ChannelKind.ALERTS): None,
    }


async def test_guilds_do_not_see_each_other(settings: SettingsService, guilds: FakeGuildStore) -> None:
    """A channel of one guild does not count in another guild, even for a server with the same id."""
    await put_settings(guilds, GUILD, channels={ChannelKind.KILLFEED: FEED})
    stranger = ServerScope(GuildId(43), SERVER.scope.server_id)
    assert await settings.find_channel(stranger, ChannelKind.KILLFEED) is None


async def test_slow_read_is_not_kept_when_something_was_written_meanwhile(
    guilds: FakeGuildStore, servers: FakeServerStore, clock: FakeClock
) -> None:
    """Such a read may answer its own caller, but no later one."""
    guilds.gate = Gate()
    settings = SettingsService(guilds, servers, clock=clock)
    early = asyncio.create_task(settings.get_settings(GUILD))
    await guilds.gate.has_read.wait()
    guilds.settings[GUILD] = GuildSettings(GUILD, {ChannelKind.ALERTS: THIRD})
    settings.forget_guild(GUILD)
    guilds.gate.may_answer.set()
    assert (await early).channels == {}
    assert (await settings.get_settings(GUILD)).channels == {ChannelKind.ALERTS: THIRD}


async def test_failed_read_is_raised_and_not_kept(settings: SettingsService, guilds: FakeGuildStore) -> None:
    """If the database is away, the read raises and does not return defaults."""
    guilds.failures.append(StorageUnavailableError("away"))
    with pytest.raises(StorageUnavailableError):
        await settings.get_settings(GUILD)
    assert await settings.get_settings(GUILD) == GuildSettings(GUILD)


async def test_language_is_known_only_if_the_storage_tells_it_in_time(
    settings: SettingsService, guilds: FakeGuildStore, clock: FakeClock
) -> None:
    """An answer about a database that is away or hangs must not wait for it."""
    await put_settings(guilds, GUILD, language="ru")
    guilds.failures.append(StorageUnavailableError("away"))
    assert await settings.find_language(GUILD) is None
    guilds.gate = Gate()
    asked = asyncio.create_task(settings.find_language(GUILD))
    await guilds.gate.has_read.wait()
    clock.move(LANGUAGE_SECONDS)
    assert await asked is None
    guilds.gate.may_answer.set()
    assert await settings.find_language(GUILD) == "ru"


async def test_remembered_language_is_told_without_a_task(
    settings: SettingsService, guilds: FakeGuildStore, clock: FakeClock
) -> None:
    """Every answer asks for it; settings that are too old are read again, in a task."""
    await put_settings(guilds, GUILD, language="ru")
    assert await settings.find_language(GUILD) == "ru"
    asking = settings.find_language(GUILD)
    with pytest.raises(StopIteration, match="ru"):
        asking.send(None)
    clock.move(CACHE_SECONDS)
    await put_settings(guilds, GUILD, language="de")
    assert await settings.find_language(GUILD) == "de"
