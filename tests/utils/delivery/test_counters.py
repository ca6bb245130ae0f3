"""Counters: channels that are renamed, at most twice in ten minutes, and hold up nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import discord
import pytest
from discord.ext import commands

from simulation.discord import Channel, ChannelKind, Fault, Guild, Permission, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.own_bot import wait_until
from tests.fakes.premium import FakePremiumStore
from tests.fakes.server_loops import FakeNotifier
from tests.fakes.small_bot import FakePresenceStore
from tests.fakes.storage import build_server
from utils.delivery.counters import COUNTERS_TASK, Counters
from utils.delivery.sender import DiscordSender
from utils.errors import StorageUnavailableError
from utils.events import GuildSettingsChanged
from utils.models import guilds
from utils.models.counters import CounterRecord
from utils.models.game_log import GameLogState, LogCursor
from utils.models.incident_kinds import IncidentKind
from utils.models.presence import PlayerPresence, PlayerState, ServerPresence
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope
from utils.models.servers import ConnectionState, GameServer, ServerHealth
from utils.services.premium.tiers import PremiumService
from utils.services.presence.server_players import ServerPlayersService
from utils.tasks import TaskManager

RENAME = "/channels/{channel_id}"
MANAGES = int(Permission.MANAGE_CHANNELS)


@dataclass
class Street:
    """Guilds that have added one game server each; it is its own source of all that counters read.

    Attributes:
        records: the stored renames.
        is_away: True: the storage of renames fails.
    """

    world: SimulatedDiscord
    bot: discord.Bot
    clock: FakeClock = field(default_factory=FakeClock)
    store: FakePresenceStore = field(default_factory=FakePresenceStore)
    premium: FakePremiumStore = field(default_factory=FakePremiumStore)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    servers: dict[ServerScope, GameServer] = field(default_factory=dict)
    records: dict[ServerScope, CounterRecord] = field(default_factory=dict)
    health: dict[ServerScope, ServerHealth] = field(default_factory=dict)
    is_away: bool = False

    def __post_init__(self) -> None:
        """Start the first process."""
        self.restart()

    def restart(self) -> None:
        """Begin another process with what is stored."""
        self.tasks = TaskManager(self.clock)
        self.counters = Counters(
            self.bot,
            DiscordSender(self.bot, clock=self.clock),
            self,
            settings=self,  # type: ignore[arg-type] # only what counters use
            servers=self,  # type: ignore[arg-type]
            players=ServerPlayersService(self.store, self, clock=self.clock),  # type: ignore[arg-type]
            premium=PremiumService(self.premium, default_tier=2, clock=self.clock),
            readings=self,  # type: ignore[arg-type]
            languages=FakeGuildLanguages(),
            notifier=self.notifier,
            tasks=self.tasks,
            clock=self.clock,
        )

    def add(self, channel: Channel, name: str = "North") -> ServerScope:
        """Let a guild add the game server, with a counter."""
        assert channel.guild is not None
        guild_id = GuildId(channel.guild.id)
        server = build_server(name, guild_id=guild_id)
        channels = {guilds.ChannelKind.COUNTER: ChannelId(channel.id)}
        self.servers[server.scope] = replace(server, channels=channels)
        self.health[server.scope] = ServerHealth(server.scope, ConnectionState.CONNECTED)
        self.show(server.scope, 1)
        return server.scope

    def show(self, scope: ServerScope, online: int) -> None:
        """Let this number of players be online now, as the log says."""
        now = self.clock.now()
        players = [
            PlayerPresence(key=str(one), state=PlayerState.ONLINE, since=START, seen_at=now)
            for one in range(online)
        ]
        presence = ServerPresence(newest_at=now, max_players=50, players={one.key: one for one in players})
        self.store.states[scope] = GameLogState(cursor=LogCursor("run"), presence=presence, read_at=now)

    async def look(self) -> None:
        """Look at all counters, and let what begins go on."""
        await self.counters.look({scope.guild_id for scope in self.servers})
        await settle()

    async def look_and_rename(self) -> None:
        """Look, and wait until no channel is being renamed."""
        await self.look()
        await wait_until(lambda: not self.list_renaming())
        await self.world.settle()

    def list_renaming(self) -> list[str]:
        """Return the tasks that rename."""
        names = [report.name for report in self.tasks.list_reports()]
        return [name for name in names if name.startswith("counters:rename") and self.tasks.is_running(name)]

    def move(self, seconds: float) -> None:
        """Let time pass here and at Discord."""
        self.clock.move(seconds)
        self.world.clock.advance(seconds)

    def count_renames(self) -> int:
        """Return how many channels the bot tried to rename."""
        return sum(one.method == "PATCH" and one.route == RENAME for one in self.world.requests)

    async def list_own_channels(
        self, guild_id: GuildId, kind: guilds.ChannelKind
    ) -> Mapping[ServerId, ChannelId]:
        """Return the channels of a guild's servers."""
        of_guild = await self.list_servers(guild_id)
        return {one.scope.server_id: one.channels[kind] for one in of_guild if kind in one.channels}

    async def list_servers(self, guild_id: GuildId) -> Sequence[GameServer]:
        """Return a guild's servers."""
        return [one for scope, one in self.servers.items() if scope.guild_id == guild_id]

    async def get_health(self, guild_id: GuildId) -> Mapping[ServerScope, ServerHealth]:
        """Return the health of a guild's servers."""
        return {scope: one for scope, one in self.health.items() if scope.guild_id == guild_id}

    async def find_counter(self, scope: ServerScope) -> CounterRecord | None:
        """Return the stored renames."""
        return self.records.get(scope)

    async def save_counter(self, scope: ServerScope, record: CounterRecord) -> None:
        """Store them."""
        if self.is_away:
            raise StorageUnavailableError("away")
        self.records[scope] = record


@asynccontextmanager
async def open_street(world: SimulatedDiscord) -> AsyncIterator[Street]:
    """Connect a bot to a world."""
    bot = commands.Bot(
        intents=discord.Intents(guilds=True),
        cache_default_sounds=False,
        help_command=None,
        guild_ready_timeout=0.1,
    )
    async with running_bot(bot, world):
        await wait_until(lambda: len(bot.guilds) == len(world.guilds))
        street = Street(world, bot)
        yield street
        await street.tasks.stop()


@pytest.fixture(name="strict")
async def _strict() -> AsyncIterator[SimulatedDiscord]:
    """A Discord with its limits."""
    async with SimulatedDiscord() as world:
        yield world
        assert world.contract_violations == []


def create_counter(world: SimulatedDiscord, guild: Guild, kind: ChannelKind = ChannelKind.VOICE) -> Channel:
    """Create a channel that the bot may rename."""
    channel = world.create_channel(guild, "players", kind=kind)
    world.set_overwrite(channel, guild.bot, allow=MANAGES)
    return channel


async def test_channel_is_renamed_twice_in_ten_minutes_to_the_newest(
    strict: SimulatedDiscord,
) -> None:
    """Each minute another number is wanted; Discord never has to refuse, and older names are left out.

    A new process keeps the limit, and renames nothing that is right.
    """
    channel = create_counter(strict, strict.create_guild("Community"))
    async with open_street(strict) as street:
        scope = street.add(channel)
        shown = []
        for minute in range(1, 24):
            street.show(scope, minute)
            await street.look_and_rename()
            shown.append(channel.name)
            if minute in (2, 13):
                street.restart()
            street.move(60)
        first, second, third = ["North | 1/50"], ["North | 2/50"] * 10, ["North | 12/50"]
        assert shown == [*first, *second, *third, *["North | 13/50"] * 10, "North | 23/50"]
        street.restart()
        await street.look_and_rename()
        assert (street.count_renames(), strict.rate_limits.hits) == (5, [])


async def test_unknown_state_is_a_question_mark(world: SimulatedDiscord) -> None:
    """A host that is away says nothing about players; a text channel shows the name as Discord spells it."""
    channel = create_counter(world, world.create_guild("Community"), ChannelKind.TEXT)
    async with open_street(world) as street:
        scope = street.add(channel)
        await street.look_and_rename()
        street.restart()
        await street.look_and_rename()
        assert (channel.past_names, street.count_renames()) == (["players"], 1)
        street.health[scope] = ServerHealth(scope, ConnectionState.RETRYING)
        await street.look_and_rename()
        assert channel.past_names == ["players", "north-|-1/50"]
        assert channel.name == "north-|-?/50"


@pytest.mark.parametrize("denied", [Permission.MANAGE_CHANNELS, Permission.VIEW_CHANNEL, Permission.CONNECT])
async def test_admins_are_told_once_while_a_channel_cannot_be_renamed(
    world: SimulatedDiscord, denied: Permission
) -> None:
    """Nothing is requested meanwhile; with the permission back, the name is right and the alert closed."""
    guild = world.create_guild("Community")
    channel = create_counter(world, guild)
    async with open_street(world) as street:
        street.add(channel)
        for round_number in range(2):
            world.set_overwrite(channel, guild.bot, allow=MANAGES & ~denied, deny=int(denied))
            await world.settle()
            for _ in range(3):
                await street.look_and_rename()
            assert len(street.notifier.told) == round_number + 1
            world.set_overwrite(channel, guild.bot, allow=MANAGES)
            await world.settle()
            await street.look_and_rename()
        assert (channel.name, street.count_renames()) == ("North | 1/50", 1)
        assert street.notifier.kinds == [IncidentKind.CHANNEL_UNUSABLE] * 2
        assert street.notifier.told[0] == (
            "I can't rename the counter of North, so its name is out of date. Check that the channel exists "
            "and give me View Channel, Manage Channels and, in a voice channel, Connect. Or choose another "
            "one with /admin channel set."
        )


async def test_deleted_channel_is_told_and_refused_rename_as_well(world: SimulatedDiscord) -> None:
    """The same holds if Discord refuses what the permissions allow, and if the channel is gone."""
    channel = create_counter(world, world.create_guild("Community"))
    async with open_street(world) as street:
        street.add(channel)
        world.faults.add(Fault("PATCH", RENAME, status=403, body={"code": 50013, "message": "no"}))
        await street.look_and_rename()
        assert (len(street.notifier.told), channel.past_names) == (1, [])
        world.delete_channel(channel)
        await world.settle()
        await street.look_and_rename()
        assert (len(street.notifier.told), street.count_renames()) == (1, 1)


async def test_limited_rename_holds_up_nothing(world: SimulatedDiscord) -> None:
    """Two guilds have one game server. One rename waits for Discord; the other guild and a stop do not."""
    slow, quick = (create_counter(world, world.create_guild(name)) for name in ("Slow", "Quick"))
    async with open_street(world) as street:
        first, second = street.add(slow, "One"), street.add(quick, "Other")

        def is_slow(request: object) -> bool:
            return f"/channels/{slow.id}" in str(request)

        fault = world.faults.add(Fault("PATCH", RENAME, status=429, retry_after=600, only_if=is_slow))
        await street.look()
        await wait_until(lambda: fault.struck == 1 and quick.name == "Other | 1/50")
        for scope in (first, second):
            street.show(scope, 2)
        await street.look()
        await wait_until(lambda: quick.name == "Other | 2/50")
        assert (len(street.list_renaming()), street.count_renames(), slow.name) == (1, 3, "players")
        async with asyncio.timeout(60):
            await street.tasks.stop()
        assert street.list_renaming() == []


async def test_rename_begins_only_when_its_time_is_stored(world: SimulatedDiscord) -> None:
    """Otherwise a restart would forget one that counts; a change of settings is followed without a wait."""
    guild = world.create_guild("Community")
    channel = create_counter(world, guild)
    async with open_street(world) as street:
        scope = street.add(channel)
        street.is_away = True
        await street.look_and_rename()
        assert street.count_renames() == 0
        street.is_away = False
        changed = GuildSettingsChanged(guild_id=scope.guild_id, names=frozenset({"counter_format"}))
        street.servers[scope] = replace(street.servers[scope], counter_format="{online} online")
        street.counters.on_settings_changed(changed)
        await wait_until(lambda: channel.name == "1 online")
        assert not street.tasks.is_running(f"{COUNTERS_TASK}:{scope.guild_id}")
        street.premium.give(scope.guild_id, 1)
        street.counters.premium.forget_guild(scope.guild_id)
        street.move(3600)
        street.show(scope, 5)
        await street.look_and_rename()
        assert (channel.name, street.count_renames()) == ("1 online", 1)
        street.counters.forget_guild(scope.guild_id)
        assert (street.counters._records, street.counters._well) == ({}, set())
