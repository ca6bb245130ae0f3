"""The checklist of ``/setup``, computed from what is stored and from the bot's permissions now."""

from collections.abc import Iterator, Mapping, Sequence

import discord

from utils.interactions.invitation import find_missing_permissions
from utils.interactions.services import Services
from utils.models.guilds import CHANNEL_KIND_NAMES, ChannelKind, GuildSettings
from utils.models.languages import LanguageOverview
from utils.models.premium import Tier
from utils.models.scope import ChannelId, GuildId
from utils.models.servers import ConnectionState, GameServer, ServerHealth
from utils.models.setup import SETUP_KINDS, Checklist, SetupStep, StepState
from utils.models.texts import Command, Mention, Names, Number, Text, join, plural, text

CHANNEL_TITLES = {
    ChannelKind.KILLFEED: text("Killfeed channel"),
    ChannelKind.ALERTS: text("Alerts channel"),
    ChannelKind.EVENTS: text("Events channel"),
    ChannelKind.CONNECTIONS: text("Connections channel"),
    ChannelKind.BOUNTIES: text("Bounties channel"),
    ChannelKind.NEWS: text("News channel"),
    ChannelKind.LEADERBOARD: text("Leaderboard channel"),
}
MISSING_CHANNELS = {
    ChannelKind.KILLFEED: text("choose one below"),
    ChannelKind.ALERTS: text("none, so I message this Discord server's owner"),
    ChannelKind.EVENTS: text("none, so missions, airdrops and restarts aren't posted"),
    ChannelKind.CONNECTIONS: text("none, so joins and leaves aren't posted"),
    ChannelKind.BOUNTIES: text("none, so bounties aren't posted"),
    ChannelKind.NEWS: text("none, so new levels and double XP aren't posted"),
    ChannelKind.LEADERBOARD: text("none yet"),
}
UNCONNECTED: Mapping[ConnectionState, tuple[StepState, Text, Command]] = {
    ConnectionState.UNKNOWN: (StepState.RUNNING, text("connecting"), Command("admin server test")),
    ConnectionState.RETRYING: (
        StepState.TROUBLE,
        text("offline; I'll keep trying"),
        Command("admin server test"),
    ),
    ConnectionState.REFUSED: (
        StepState.TROUBLE,
        text("the host refuses the login; enter the password or key again"),
        Command("admin server edit"),
    ),
    ConnectionState.NO_LOGS: (
        StepState.TROUBLE,
        text("connected, no logs yet"),
        Command("admin server test"),
    ),
    ConnectionState.PAUSED: (StepState.RUNNING, text("starting again"), Command("premium status")),
}
"""How far a server is that is not connected, and the command that helps."""

SET_CHANNEL = Command("admin channel set")
NO_SERVER = SetupStep(StepState.OPEN, text("Game server"), text("none yet"), Command("admin server add"))
SHOWN_SERVERS = 5


async def build_checklist(services: Services, guild: discord.Guild) -> Checklist:
    """Return the checklist of a guild."""
    guild_id = GuildId(guild.id)
    settings = await services.settings.get_settings(guild_id)
    servers = await services.servers.list_servers(guild_id)
    health = await services.readings.get_health(guild_id)
    states = [(server, health.get(server.scope) or ServerHealth(server.scope)) for server in servers]
    channels = [
        check_channel(
            guild,
            CHANNEL_TITLES[kind],
            kind,
            settings.channels.get(kind),
            missing_tier=await services.premium.find_missing_tier(guild_id, kind),
        )
        for kind in SETUP_KINDS
    ]
    own = [step for server in servers for step in _check_own_channels(guild, server)]
    if servers and all(ChannelKind.KILLFEED in server.channels for server in servers):
        channels[0] = _replace_open(channels[0])
    reading = _shorten([_check_server(server, state) for server, state in states]) or [NO_SERVER]
    links = SetupStep(StepState.DONE, text("Links"), text("members can link their players"), Command("link"))
    counter_tier = await services.premium.find_missing_tier(guild_id, ChannelKind.COUNTER)
    counters = _describe_counters(servers, missing_tier=counter_tier)
    language = await _describe_language(services, guild, settings)
    steps = (channels[0], *reading, *channels[1:], counters, *own, language, links)
    next_step = _describe_next(steps, states, settings.channels.get(ChannelKind.KILLFEED))
    return Checklist(steps, next_step, settings.language)


def _shorten(servers: list[SetupStep]) -> list[SetupStep]:
    """Return the steps of many servers, those that are not done first, without the last ones."""
    servers.sort(key=lambda step: step.state is StepState.DONE)
    if (rest := len(servers) - SHOWN_SERVERS) <= 0:
        return servers
    title = plural("{count} more game server", "{count} more game servers", rest)
    more = SetupStep(StepState.OPTIONAL, title, text("see the list"), Command("admin server list"))
    return [*servers[:SHOWN_SERVERS], more]


def check_channel(
    guild: discord.Guild,
    title: Text,
    kind: ChannelKind,
    channel_id: ChannelId | None,
    *,
    missing_tier: Tier | None,
) -> SetupStep:
    """Return the state of a channel: whether it exists, and whether the bot may post there."""
    if missing_tier is not None:
        return _lock(title, missing_tier)
    if channel_id is None:
        state = StepState.OPEN if kind is ChannelKind.KILLFEED else StepState.OPTIONAL
        return SetupStep(state, title, MISSING_CHANNELS[kind], SET_CHANNEL)
    channel, mention = guild.get_channel(channel_id), Mention("#", channel_id)
    if channel is None:
        said = text("the channel is gone; choose another one")
        return SetupStep(StepState.TROUBLE, title, said, SET_CHANNEL)
    if missing := find_missing_permissions(channel, kind):
        said = text("I need {permissions} in {channel}", permissions=Names(tuple(missing)), channel=mention)
        return SetupStep(StepState.TROUBLE, title, said)
    return SetupStep(StepState.DONE, title, text("{channel}", channel=mention))


def _lock(title: Text, missing: Tier) -> SetupStep:
    said = text("needs tier {level} ({name})", level=Number(missing.level), name=missing.name)
    return SetupStep(StepState.LOCKED, title, said, Command("premium tiers"))


def _describe_counters(servers: Sequence[GameServer], *, missing_tier: Tier | None) -> SetupStep:
    """Return the step of channels whose names show who is online; each belongs to a game server."""
    title = text("Counters")
    if missing_tier is not None:
        return _lock(title, missing_tier)
    own = [one.channels[ChannelKind.COUNTER] for one in servers if ChannelKind.COUNTER in one.channels]
    if not own:
        said = text("none; a channel's name can show who's online")
        return SetupStep(StepState.OPTIONAL, title, said, SET_CHANNEL)
    channels = Names(tuple(Mention("#", channel_id) for channel_id in own))
    return SetupStep(StepState.DONE, title, text("{channels}", channels=channels))


async def _describe_language(services: Services, guild: discord.Guild, settings: GuildSettings) -> SetupStep:
    spoken = await services.languages.find_language(guild.id, guild.preferred_locale)
    overview = LanguageOverview(settings.language is None, spoken, settings.timezone)
    said = text("{language}", language=overview.describe())
    return SetupStep(StepState.DONE, text("Language"), said, Command("admin language"))


def _replace_open(step: SetupStep) -> SetupStep:
    """Return the step of the killfeed channel where every server has a channel of its own."""
    if step.state is not StepState.OPEN:
        return step
    return SetupStep(StepState.DONE, step.title, text("each game server has its own"))


def _check_own_channels(guild: discord.Guild, server: GameServer) -> Iterator[SetupStep]:
    """Yield the channels of one server that need a person."""
    for kind, channel_id in server.channels.items():
        title = text("{kind} of {server}", kind=CHANNEL_KIND_NAMES[kind], server=server.name)
        step = check_channel(guild, title, kind, channel_id, missing_tier=None)
        if step.state is StepState.TROUBLE:
            yield step


def _check_server(server: GameServer, health: ServerHealth) -> SetupStep:
    title = text("{server}", server=server.name)
    if server.is_paused:
        said = text("paused, because your tier has room for fewer servers")
        return SetupStep(StepState.LOCKED, title, said, Command("premium status"))
    if health.state is not ConnectionState.CONNECTED:
        state, said, command = UNCONNECTED[health.state]
        return SetupStep(state, title, said, command)
    if server.generation == 0:
        return SetupStep(StepState.RUNNING, title, text("connected; I'm importing its history"))
    return SetupStep(StepState.DONE, title, text("connected, history imported"))


def _describe_next(
    steps: Sequence[SetupStep],
    states: Sequence[tuple[GameServer, ServerHealth]],
    killfeed: ChannelId | None,
) -> Text:
    """Return what to do now, or what happens now."""
    if steps[0].state is StepState.OPEN:
        return text("Below, choose a channel for the kills, or press **Create the channels**.")
    if not states:
        return text(
            "Press **Add a game server**. You need its SFTP address, user name and password: the panel "
            "of your hosting company shows them."
        )
    if any(step.state is StepState.TROUBLE for step in steps):
        return text("Fix what's marked ⚠️, then press **Check again**.")
    if any(step.state is StepState.RUNNING for step in steps):
        return text("I'm getting everything ready. Press **Check again** in a minute.")
    members = text("Members can start with {link} and {stats}.", link=Command("link"), stats=Command("stats"))
    if killfeed is None:
        return join([text("All set: each new kill appears in the channel of its game server."), members])
    shown = text("All set: each new kill appears in {channel}.", channel=Mention("#", killfeed))
    return join([shown, members])
