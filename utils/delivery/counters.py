"""Counters: renames the channels whose names show how many players are online.

Theory of operation: every minute, and after a change of settings, each guild with a counter is looked at. Its
channel is renamed if its name differs from the wanted one and if Discord accepts a new name: two in ten
minutes for a channel, which no header tells. Nothing waits in between: the next look has the newest figures.

A rename has a task of its own, and the next look leaves out a channel that is being renamed. So if Discord
limits a rename nevertheless (another bot may rename as well), the library sleeps in that request alone: no
post, no other counter and no stop waits for it. The time of a rename is stored before it begins, so that a
restart does not forget one that counts.
"""

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Protocol

import discord
from structlog import get_logger

from utils.clock import Clock
from utils.delivery.languages import GuildSpeaker
from utils.delivery.sender import DiscordSender
from utils.error_sink import ErrorSource, Where
from utils.errors import ChannelUnusableError, DeliveryError, DeliveryRefusedError
from utils.events import GuildSettingsChanged
from utils.locks import KeyedLocks
from utils.models.counters import CounterRecord
from utils.models.guilds import ChannelKind
from utils.models.incident_kinds import IncidentKind
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope
from utils.models.servers import GameServer
from utils.models.texts import Command, Text, text
from utils.queues import WorkQueue
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ports import AdminNotifier, ServerReadings
from utils.services.premium.tiers import PremiumService
from utils.services.presence.server_players import ServerPlayersService
from utils.services.servers.game_servers import GameServerService
from utils.tasks import TaskManager

COUNTERS_TASK = "counters:look"
LOOK_SECONDS = 60.0
SETTING_NAMES = frozenset({ChannelKind.COUNTER.value, "counter_format"})

logger = get_logger(__name__)


class CounterStore(Protocol):  # implemented by GameServerRepository
    """Storage of the renames of counters."""

    async def find_counter(self, scope: ServerScope) -> CounterRecord | None:
        """Return the renames of a server's counter."""

    async def save_counter(self, scope: ServerScope, record: CounterRecord) -> None:
        """Store them."""


@dataclass(frozen=True, slots=True)
class _Counter:
    """A counter: its server, and its channel."""

    server: GameServer
    channel_id: ChannelId

    @property
    def scope(self) -> ServerScope:
        return self.server.scope

    @property
    def matter(self) -> str:
        """The key of the alert that it cannot be renamed."""
        return f"counter-unusable:{self.channel_id}"


@dataclass(eq=False, repr=False)
class Counters:
    """Keeps the names of counters up to date."""

    bot: discord.Client
    sender: DiscordSender
    store: CounterStore
    _: KW_ONLY
    settings: SettingsService
    servers: GameServerService
    players: ServerPlayersService
    premium: PremiumService
    readings: ServerReadings
    languages: GuildSpeaker
    notifier: AdminNotifier
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._locks = KeyedLocks[GuildId]()
        self._records: dict[ServerScope, CounterRecord] = {}
        # were renamed, or right, since they were lost or since the start
        self._well: set[ServerScope] = set()
        self._changed = WorkQueue(COUNTERS_TASK, self._look_at, tasks=self.tasks)

    def on_settings_changed(self, event: GuildSettingsChanged) -> None:
        """Follow a channel and a format at once."""
        if event.names & SETTING_NAMES:
            self._changed.put(event.guild_id, guild_id=event.guild_id)

    async def look(self, guild_ids: Iterable[GuildId]) -> None:
        """Look at the counters of every guild."""
        await self.tasks.for_each(COUNTERS_TASK, guild_ids, self._look_at)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget the renames of a guild's counters."""
        self._records = {scope: one for scope, one in self._records.items() if scope.guild_id != guild_id}
        self._well = {scope for scope in self._well if scope.guild_id != guild_id}

    async def _look_at(self, guild_id: GuildId) -> None:
        channels = await self.settings.list_own_channels(guild_id, ChannelKind.COUNTER)
        guild = self.bot.get_guild(guild_id)
        if not channels or guild is None or guild.unavailable:
            return
        if await self.premium.find_missing_tier(guild_id, ChannelKind.COUNTER) is not None:
            return
        async with self._locks.hold(guild_id):
            free = [
                counter
                for server in await self.servers.list_servers(guild_id)
                if (channel_id := channels.get(server.scope.server_id)) is not None
                and await self._is_free(counter := _Counter(server, channel_id))
            ]
            if free:
                await self._bring_up_to_date(guild, free)

    async def _is_free(self, counter: _Counter) -> bool:
        """Tell whether a counter may be renamed now."""
        if self.tasks.is_running(name_task(counter.channel_id)):
            return False
        return (await self._find_record(counter)).may_rename(self.clock.now())

    async def _find_record(self, counter: _Counter) -> CounterRecord:
        record = self._records.get(counter.scope) or await self.store.find_counter(counter.scope)
        if record is None or record.channel_id != counter.channel_id:
            record = CounterRecord(counter.channel_id)
        self._records[counter.scope] = record
        return record

    async def _bring_up_to_date(self, guild: discord.Guild, counters: list[_Counter]) -> None:
        guild_id = GuildId(guild.id)
        health = await self.readings.get_health(guild_id)
        reports = await self.players.describe_servers([one.server for one in counters], health)
        embeds = await self.languages.speak(guild_id)
        for counter, report in zip(counters, reports, strict=True):
            wanted = embeds.write_counter(report, counter.server.counter_format)
            channel = guild.get_channel(counter.channel_id)
            if channel is None or not channel.permissions_for(guild.me).manage_channels:
                await self._note_lost(counter)
            elif self._records[counter.scope].is_shown(wanted, channel.name):
                await self._note_well(counter)
            else:
                rename = partial(self._rename, counter, wanted)
                self.tasks.start(name_task(counter.channel_id), rename, guild_id=guild_id)

    async def _rename(self, counter: _Counter, wanted: str) -> None:
        """Rename a channel, however long Discord makes it wait."""
        record = self._records[counter.scope].note_rename(self.clock.now())
        self._records[counter.scope] = record
        await self.store.save_counter(counter.scope, record)
        try:
            shown = await self.sender.rename(counter.channel_id, wanted)
        except DeliveryError as failure:
            logger.info("a counter is not renamed", scope=str(counter.scope), problem=str(failure))
            where = Where(source=ErrorSource.MESSAGE, guild_id=counter.scope.guild_id, name="counter")
            self.tasks.errors.report(failure, where=where)
            if isinstance(failure, ChannelUnusableError | DeliveryRefusedError):
                await self._note_lost(counter)
            return
        record = replace(record, wanted=wanted, shown=shown)
        self._records[counter.scope] = record
        await self.store.save_counter(counter.scope, record)
        await self._note_well(counter)

    async def _note_lost(self, counter: _Counter) -> None:
        """Tell the admins once."""
        self._well.discard(counter.scope)
        said = describe_lost(counter.server.name)
        kind, server_id = IncidentKind.CHANNEL_UNUSABLE, ServerId(counter.scope.server_id)
        await self.notifier.notify(
            counter.scope.guild_id, said, counter.matter, kind=kind, server_id=server_id
        )

    async def _note_well(self, counter: _Counter) -> None:
        """Close the alert once after a start and after each loss."""
        if counter.scope not in self._well:
            self._well.add(counter.scope)
            await self.notifier.clear(counter.scope.guild_id, counter.matter)


def name_task(channel_id: ChannelId) -> str:
    """Return the name of the task that renames a channel."""
    return f"counters:rename:{channel_id}"


def describe_lost(server_name: str) -> Text:
    """Return the alert that a counter cannot be renamed."""
    return text(
        "I can't rename the counter of {server}, so its name is out of date. Check that the channel exists "
        "and give me View Channel, Manage Channels and, in a voice channel, Connect. Or choose another one "
        "with {set}.",
        server=server_name,
        set=Command("admin channel set"),
    )
