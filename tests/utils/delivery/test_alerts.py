"""Alerts: the admins are told once, in any place where the bot can write to them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial

import discord
import pytest
from discord.ext import commands

from simulation.discord import Channel, Fault, Guild, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import START, FakeClock
from tests.fakes.errors import FakeErrorSink
from tests.fakes.incidents import FakeIncidentStore, FakeToldStore
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.own_bot import wait_until
from utils.delivery.admin_places import AdminPlaces
from utils.delivery.alerts import (
    MOST_TOLD,
    MOST_WAITING,
    RETRY_BACKOFF,
    TOLD_FOR,
    AdminAlerts,
    compute_digest,
)
from utils.delivery.sender import DiscordSender
from utils.errors import StorageUnavailableError
from utils.incident_log import IncidentLog
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.incident_kinds import IncidentKind
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId, ServerScope
from utils.models.server_buttons import build_test_button
from utils.models.texts import text
from utils.tasks import TaskManager

SENTENCE = "The host refused the login."
KEY = "watch:42/k3v9x0aa"
POST = "/channels/{channel_id}/messages"


class FakeSettingsSource:
    """Settings of guilds; while the database is away, reading them fails."""

    def __init__(self) -> None:
        self.channels: Mapping[ChannelKind, ChannelId] = {}
        self.is_away = False

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return the settings."""
        if self.is_away:
            raise StorageUnavailableError("away")
        return GuildSettings(guild_id, channels=self.channels)


@pytest.fixture(name="settings")
def _settings(channel: Channel) -> FakeSettingsSource:
    """Settings in which alerts go to the channel."""
    settings = FakeSettingsSource()
    settings.channels = {ChannelKind.ALERTS: ChannelId(channel.id), ChannelKind.KILLFEED: ChannelId(1)}
    return settings


MakeAlerts = Callable[[], AdminAlerts]


@pytest.fixture(name="make")
async def _make(
    bot: commands.Bot, settings: FakeSettingsSource, clock: FakeClock
) -> AsyncIterator[MakeAlerts]:
    """Make the alerts of a process."""
    tasks = TaskManager(clock)
    yield lambda: build_alerts(bot, tasks, settings, clock, store=FakeIncidentStore())
    await tasks.stop()


@pytest.fixture(name="alerts")
def _alerts(make: MakeAlerts) -> AdminAlerts:
    return make()


def build_alerts(
    bot: commands.Bot,
    tasks: TaskManager,
    settings: FakeSettingsSource,
    clock: FakeClock,
    *,
    store: FakeIncidentStore,
    told: FakeToldStore | None = None,
) -> AdminAlerts:
    """Build the alerts of a process over what earlier processes stored."""
    sender = DiscordSender(bot, clock=clock)
    return AdminAlerts(
        bot,
        sender,
        tasks,
        places=AdminPlaces(bot, sender, settings=settings, errors=FakeErrorSink()),
        languages=FakeGuildLanguages(),
        incidents=IncidentLog(store, clock=clock),
        store=FakeToldStore() if told is None else told,
        clock=clock,
    )


def read(channel: Channel) -> list[str]:
    """Return the sentences in a channel."""
    return [message.embed["description"] for message in channel.all_messages]


async def test_admins_are_told_once_until_the_matter_is_settled(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel, alerts: AdminAlerts
) -> None:
    """There is one post for each key; after ``clear`` the next fault is posted again."""
    guild_id = GuildId(guild.id)
    async with running_bot(bot, world):
        for _ in range(3):
            await alerts.notify(guild_id, text(SENTENCE), KEY)
        await world.wait_for_messages(channel, 1)
        await alerts.notify(guild_id, text("Another matter."), "other")
        await world.wait_for_messages(channel, 2)
        await alerts.clear(guild_id, KEY)
        await alerts.clear(guild_id, "never told")
        await alerts.notify(guild_id, text(SENTENCE), KEY)
        await world.wait_for_messages(channel, 3)
        await world.settle()
    assert read(channel) == [SENTENCE, "Another matter.", SENTENCE]
    first = channel.messages[0]
    assert first.embed["timestamp"].startswith(START.isoformat()[:19])
    assert not first.pings


async def test_matter_is_told_once_when_many_tell_it_at_once(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel, alerts: AdminAlerts
) -> None:
    """While the first post is running, the same alert is not posted again."""
    async with running_bot(bot, world):
        notes = (alerts.notify(GuildId(guild.id), text(SENTENCE), KEY) for _ in range(5))
        await asyncio.gather(*notes)
        await world.wait_for_messages(channel, 1)
        await world.settle()
    assert read(channel) == [SENTENCE]


async def test_owner_is_told_directly_when_no_channel_is_set(
    bot: commands.Bot,
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    alerts: AdminAlerts,
    settings: FakeSettingsSource,
) -> None:
    """A channel of another kind is never used for alerts."""
    settings.channels = {ChannelKind.KILLFEED: ChannelId(channel.id)}
    async with running_bot(bot, world):
        await world.until(lambda: bot.get_guild(guild.id) is not None, what="the guild")
        await alerts.notify(GuildId(guild.id), text(SENTENCE), KEY)
        await world.settle()
    assert read(channel) == []
    assert read(world.direct_messages(guild.owner.user)) == [SENTENCE]


@pytest.mark.parametrize("status", [403, 404])
async def test_owner_is_told_when_the_channel_cannot_be_used(
    bot: commands.Bot,
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    alerts: AdminAlerts,
    status: int,
) -> None:
    """If the channel is deleted or forbidden, the next place is tried."""
    posts = Fault(
        method="POST", route=POST, status=status, only_if=lambda request: str(channel.id) in request.path
    )
    world.faults.add(posts)
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        await alerts.notify(GuildId(guild.id), text(SENTENCE), KEY)
        await world.settle()
    assert (read(channel), read(world.direct_messages(guild.owner.user))) == ([], [SENTENCE])


async def test_alert_is_posted_elsewhere_when_the_database_is_away(
    bot: commands.Bot,
    world: SimulatedDiscord,
    guild: Guild,
    alerts: AdminAlerts,
    settings: FakeSettingsSource,
) -> None:
    """The bot does not know the channel then, but the alert must not be lost."""
    settings.is_away = True
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        await alerts.notify(GuildId(guild.id), text(SENTENCE), KEY)
        await world.settle()
    assert read(world.direct_messages(guild.owner.user)) == [SENTENCE]


@pytest.mark.fault
@pytest.mark.parametrize("cut", ["before", "after"])
async def test_cut_connection_is_never_raised(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, alerts: AdminAlerts, cut: str
) -> None:
    """``notify`` raises nothing; the alert is posted the next time."""
    world.faults.add(Fault(method="POST", cut=cut, times=None))  # type: ignore[arg-type] # one of both
    async with running_bot(bot, world):
        await alerts.notify(GuildId(guild.id), text(SENTENCE), KEY)
        await world.settle()
        world.faults.clear()


async def test_alert_waits_when_discord_was_never_reached(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel, alerts: AdminAlerts
) -> None:
    """Servers are read before the first login; their alerts are posted after it."""
    guild_id = GuildId(guild.id)
    await alerts.notify(guild_id, text(SENTENCE), KEY)
    await alerts.notify(guild_id, text("Settled meanwhile."), "settled")
    await alerts.clear(guild_id, "settled")
    async with running_bot(bot, world):
        await world.wait_for_messages(channel, 1)
        await alerts.notify(guild_id, text(SENTENCE), KEY)
    assert read(channel) == [SENTENCE]


async def test_alert_that_reached_nobody_is_told_by_itself_later(
    bot: commands.Bot,
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    alerts: AdminAlerts,
    clock: FakeClock,
) -> None:
    """The bot tries again by itself with growing pauses; cleared alerts are not posted."""
    guild_id = GuildId(guild.id)
    world.faults.add(Fault(method="POST", status=429, body="banned", times=None))
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        await alerts.notify(guild_id, text(SENTENCE), KEY)
        await alerts.notify(guild_id, text("Settled meanwhile."), "settled")
        await world.settle()
        for failures in (1, 2):
            await clock.advance(RETRY_BACKOFF.compute_seconds(failures))
            await world.settle()
        await alerts.clear(guild_id, "settled")
        await alerts.notify(guild_id, text(SENTENCE), KEY)
        world.faults.clear()
        await clock.advance(RETRY_BACKOFF.compute_seconds(3))
        await world.wait_for_messages(channel, 1)
        await clock.advance(RETRY_BACKOFF.longest_seconds)
        await world.settle()
    assert (read(channel), read(world.direct_messages(guild.owner.user))) == ([SENTENCE], [])


async def test_alert_is_told_though_the_guilds_settings_cannot_be_read(
    bot: commands.Bot,
    world: SimulatedDiscord,
    guild: Guild,
    alerts: AdminAlerts,
    settings: FakeSettingsSource,
) -> None:
    """``notify`` raises nothing; the alert is posted once the settings can be read."""
    settings.channels = 7  # type: ignore[assignment] # what a malformed document holds
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        await alerts.notify(GuildId(guild.id), text(SENTENCE), KEY)
        await world.settle()
        settings.channels = {}
        await alerts.tell_waiting()
    assert read(world.direct_messages(guild.owner.user)) == [SENTENCE]


async def test_guild_that_the_bot_left_is_no_error(
    bot: commands.Bot, world: SimulatedDiscord, alerts: AdminAlerts, settings: FakeSettingsSource
) -> None:
    """There is no place for an alert, and no error."""
    settings.channels = {}
    async with running_bot(bot, world):
        await alerts.notify(GuildId(999), text(SENTENCE), KEY)
        await world.settle()
    assert isinstance(bot, discord.Client)


async def test_member_is_told_once_in_a_direct_message(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, alerts: AdminAlerts
) -> None:
    """The message names the community; a failed one is not tried again, and nothing is raised."""
    alice = world.add_member(guild, "alice")
    said = text("Somebody asked for “{player}”, who is linked to you.", player="Wolf_1")
    async with running_bot(bot, world):
        for key in ("first", "first", "second"):
            await alerts.tell_member(GuildId(guild.id), MemberId(alice.id), said, key)
        await alerts.tell_member(GuildId(guild.id), MemberId(1), said, "first")
        await world.settle()
    told = [message.embed for message in world.direct_messages(alice.user).all_messages]
    assert [(one["title"], one["description"]) for one in told] == [
        (guild.name, str(said).replace("_", "\\_"))
    ] * 2


@pytest.mark.fault
async def test_nobody_waits_for_discord_who_finds_a_fault(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel, alerts: AdminAlerts
) -> None:
    """While Discord delays its answer, the reading of a server goes on; the alert is posted once, later."""
    held = asyncio.Event()
    world.faults.add(Fault(method="POST", route=POST, held=held))
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        async with asyncio.timeout(60):
            await alerts.notify(GuildId(guild.id), text(SENTENCE), KEY)
            await alerts.tell_member(GuildId(guild.id), MemberId(guild.owner.id), text(SENTENCE), KEY)
        assert read(channel) == []
        held.set()
        await world.wait_for_messages(channel, 1)
        await world.settle()
    assert read(channel) == [SENTENCE]


async def test_what_is_remembered_of_alerts_is_bounded(alerts: AdminAlerts, guild: Guild) -> None:
    """Strangers can create keys, one for each player and day; those of one guild displace no others."""
    other = GuildId(7)
    await alerts.notify(other, text(SENTENCE), KEY)
    for number in range(MOST_WAITING + 5):
        await alerts.notify(GuildId(guild.id), text(SENTENCE), f"waiting {number}")
    assert len(alerts._waiting) == MOST_WAITING + 1
    for number in range(MOST_TOLD + 5):
        await alerts.notify(GuildId(guild.id), text(SENTENCE), f"told {number}")
        alerts._waiting.pop((GuildId(guild.id), f"told {number}"), None)
        alerts._waiting.pop((GuildId(guild.id), f"waiting {number}"), None)
    assert {guild_id: len(keys) for guild_id, keys in alerts._told.items()} == {
        other: 1,
        GuildId(guild.id): MOST_TOLD,
    }


async def test_alert_has_its_buttons_where_a_press_has_a_guild(
    bot: commands.Bot,
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    alerts: AdminAlerts,
    settings: FakeSettingsSource,
) -> None:
    """The button is below the post in the alerts channel, but not in a direct message."""
    buttons = [build_test_button(ServerId("k3v9x0aa"))]
    async with running_bot(bot, world):
        await alerts.notify(GuildId(guild.id), text(SENTENCE), KEY, buttons=buttons)
        await world.wait_for_messages(channel, 1)
        settings.channels = {}
        await alerts.notify(GuildId(guild.id), text(SENTENCE), "other", buttons=buttons)
        direct = world.direct_messages(guild.owner.user)
        await world.wait_for_messages(direct, 1)
    [button] = channel.messages[0].interactive_components
    assert (button["label"], button["custom_id"]) == ("Test again", "kf!test_server:1:k3v9x0aa")
    assert direct.messages[0].components == []


async def test_incident_is_told_once_over_restarts_until_a_later_process_closes_it(
    bot: commands.Bot,
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    settings: FakeSettingsSource,
    clock: FakeClock,
) -> None:
    """The next process knows the alert and its server, closes it, and tells the next fault again."""
    store, scope = FakeIncidentStore(), ServerScope(GuildId(guild.id), ServerId("k3v9x0aa"))
    login, tasks = IncidentKind.SERVER_LOGIN, TaskManager(clock)

    async def report(alerts: AdminAlerts) -> None:
        await alerts.notify(scope.guild_id, text(SENTENCE), KEY, kind=login, server_id=scope.server_id)
        await world.settle()

    async with running_bot(bot, world):
        for _ in range(2):
            await report(build_alerts(bot, tasks, settings, clock, store=store))
        third = build_alerts(bot, tasks, settings, clock, store=store)
        assert await third.list_reported(scope) == {KEY}
        assert read(channel) == [SENTENCE]
        await third.clear(scope.guild_id, KEY)
        fourth = build_alerts(bot, tasks, settings, clock, store=store)
        assert await fourth.list_reported(scope) == frozenset()
        clock.move(1)
        await report(fourth)
    await tasks.stop()
    assert read(channel) == [SENTENCE, SENTENCE]
    assert [one.is_open for one in store.stored.values()] == [False, True]


async def test_alert_without_a_kind_is_not_sent_again_for_a_day_after_a_restart(
    bot: commands.Bot,
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    settings: FakeSettingsSource,
    clock: FakeClock,
) -> None:
    """A later process knows its digest, which names no member; ``clear`` and a day forget it."""
    told, tasks, guild_id = FakeToldStore(), TaskManager(clock), GuildId(guild.id)

    async def report(sentence: str, *, key: str = KEY, is_over: bool = False) -> None:
        alerts = build_alerts(bot, tasks, settings, clock, store=FakeIncidentStore(), told=told)
        await alerts.notify(guild_id, text("{sentence}", sentence=sentence), key)
        await world.settle()
        if is_over:
            await alerts.clear(guild_id, key)

    async with running_bot(bot, world):
        await report("first")
        await report("not again", is_over=True)
        await report("after its end")
        told.is_away = True
        await report("nobody knows", key="other")
        told.is_away = False
        clock.move(TOLD_FOR.total_seconds() + 1)
        await report("a day later")
    await tasks.stop()
    assert read(channel) == ["first", "after its end", "nobody knows", "a day later"]
    assert {digest for _, digest in told.told} == {compute_digest(KEY)}
    assert KEY not in compute_digest(KEY)


async def test_incident_is_told_while_the_database_is_away_and_stored_afterwards(
    bot: commands.Bot,
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    settings: FakeSettingsSource,
    clock: FakeClock,
) -> None:
    """The alert does not wait for the database, and is stored with the next change."""
    store, tasks, guild_id = FakeIncidentStore(), TaskManager(clock), GuildId(guild.id)
    store.is_away = True
    alerts = build_alerts(bot, tasks, settings, clock, store=store)
    async with running_bot(bot, world):
        await alerts.notify(guild_id, text(SENTENCE), KEY, kind=IncidentKind.SERVER_LOGIN)
        await world.settle()
        assert (read(channel), store.stored) == ([SENTENCE], {})
        store.is_away = False
        await alerts.clear(guild_id, "another")
        await alerts.clear(guild_id, KEY)
    await tasks.stop()
    assert [(one.key.subject, one.is_open) for one in store.stored.values()] == [(KEY, False)]


async def test_alert_that_is_due_is_sent_once_over_all_processes(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel, make: MakeAlerts
) -> None:
    """A process was killed after it had sent the alert, and before it had noted that."""
    guild_id, marked = GuildId(guild.id), []

    async def mark(name: str) -> None:
        marked.append(name)

    async def notify(alerts: AdminAlerts, name: str) -> None:
        mark_told = partial(mark, name)
        await alerts.notify_due(guild_id, text(SENTENCE), KEY, buttons=(), mark_told=mark_told)

    async with running_bot(bot, world):
        first, successor = make(), make()
        await notify(first, "killed")
        await wait_until(lambda: marked == ["killed"])
        await notify(successor, "next")
        await wait_until(lambda: marked == ["killed", "next"])
        await notify(successor, "again")
    assert (read(channel), marked) == ([SENTENCE], ["killed", "next", "again"])
