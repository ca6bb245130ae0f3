"""Messages about incidents reach those who have to know, each stage once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import aiohttp
import discord
import pytest
from discord.ext import commands

from simulation.discord import Channel, Fault, Guild, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import START
from tests.fakes.errors import FakeErrorSink
from tests.fakes.languages import FakeGuildLanguages
from utils.delivery.admin_places import AdminPlaces
from utils.delivery.incident_messages import NONCE_LENGTH, IncidentMessages, make_stage_nonce
from utils.delivery.owner_places import OwnerPlaces
from utils.delivery.sender import DiscordSender
from utils.errors import ChannelUnusableError, DeliveryError
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.incident_kinds import KINDS, IncidentKind
from utils.models.incidents import (
    REMINDED_AFTER,
    WHOLE_BOT,
    CheckState,
    Incident,
    IncidentKey,
    IncidentMessage,
    Stage,
)
from utils.models.scope import ChannelId, GuildId
from utils.models.texts import text
from utils.telemetry.health.probes.gateway import RefusalCounter

POST = "/channels/{channel_id}/messages"
SAID = text("The bot uses 90 MB of 100 MB.")
Build = Callable[..., IncidentMessages]


def build_incident(kind: IncidentKind = IncidentKind.MEMORY, guild_id: GuildId = WHOLE_BOT) -> Incident:
    """Build a critical incident."""
    return Incident(IncidentKey(guild_id, kind), CheckState.CRITICAL, START)


@pytest.fixture(name="build")
def _build(bot: commands.Bot, sender: DiscordSender) -> Build:
    """Build messages for owners, with a home guild or without one."""

    def build(
        *, owners: tuple[int, ...] = (), home: int | None = None, channels: Mapping[int, int] | None = None
    ) -> IncidentMessages:
        class Settings:
            """The alerts channels of guilds."""

            async def get_settings(self, guild_id: GuildId) -> GuildSettings:
                """Return the settings."""
                channel_id = (channels or {}).get(guild_id)
                alerts = {} if channel_id is None else {ChannelKind.ALERTS: ChannelId(channel_id)}
                return GuildSettings(guild_id, channels=alerts)

        async def list_owner_ids() -> tuple[int, ...]:
            return owners

        home_guild_id = None if home is None else GuildId(home)
        places = AdminPlaces(bot, sender, settings=Settings(), errors=FakeErrorSink())
        return IncidentMessages(
            places,
            sender,
            OwnerPlaces(places, sender, list_owner_ids=list_owner_ids, home_guild_id=home_guild_id),
            languages=FakeGuildLanguages(),
            home_guild_id=home_guild_id,
        )

    return build


def read(channel: Channel) -> list[str]:
    """Return the messages of a channel, title and text."""
    return [f"{one.embed['title']}\n{one.embed['description']}" for one in channel.all_messages]


async def test_message_names_the_trouble_its_effect_the_first_step_and_the_runbook(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel, build: Build
) -> None:
    """The home guild's alerts channel gets it, once for each stage even if it is sent twice."""
    messages = build(owners=(guild.owner.user.id,), home=guild.id, channels={guild.id: channel.id})
    incident = build_incident()
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        for _ in range(2):
            await messages.tell(incident, Stage.OPENED, SAID)
        await messages.tell(incident.end(START + timedelta(hours=1)), Stage.ENDED, None)
        await world.settle()
    began, ended = int(START.timestamp()), int((START + timedelta(hours=1)).timestamp())
    opened = [
        "❌ Memory is running out",
        "The bot uses 90 MB of 100 MB.",
        f"It began <t:{began}:R>.",
        "When none is left, the system ends the bot. systemd or Docker starts it again; nothing is lost.",
        "**What to do first:** Give the bot more memory, or stop other programs on this machine.",
        "Runbook: `memory`",
    ]
    over = f"✅ Memory is running out\nIt's over. It began <t:{began}:R> and ended <t:{ended}:R>."
    assert read(channel) == ["\n".join(opened), over]
    assert read(world.direct_messages(guild.owner.user)) == []


async def test_owners_are_told_directly_without_a_usable_home_channel(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel, build: Build
) -> None:
    """Each owner gets it; without any owner it stays in the log."""
    other = world.add_member(guild, "Olga")
    owners = (guild.owner.user.id, other.user.id)
    world.faults.add(
        Fault(method="POST", route=POST, status=403, only_if=lambda request: str(channel.id) in request.path)
    )
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        closed = build(owners=owners, home=guild.id, channels={guild.id: channel.id})
        await closed.tell(build_incident(), Stage.OPENED, SAID)
        await build().tell(build_incident(), Stage.OPENED, SAID)
        await world.settle()
    assert read(channel) == []
    told = [read(world.direct_messages(user)) for user in (guild.owner.user, other.user)]
    assert [len(one) for one in told] == [1, 1]


async def test_guild_is_told_in_its_own_place(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel, build: Build
) -> None:
    """Its alerts channel gets it, else its owner; the owners of the bot learn nothing of it."""
    incident = build_incident(IncidentKind.SERVER_UNREAD, GuildId(guild.id))
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        await build(channels={guild.id: channel.id}).tell(incident, Stage.OPENED, None)
        await build().tell(incident, Stage.ESCALATED, None)
        await world.settle()
    direct = read(world.direct_messages(guild.owner.user))
    assert [len(one) for one in (read(channel), direct)] == [1, 1]
    assert "It got worse" in direct[0]


async def test_message_that_discord_does_not_take_now_is_an_error_for_a_later_try(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel, build: Build
) -> None:
    """The next try sends the same message, so it is shown once."""
    messages = build(home=guild.id, channels={guild.id: channel.id})
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        world.faults.add(Fault(method="POST", route=POST, status=520))
        with pytest.raises(DeliveryError):
            await messages.tell(build_incident(), Stage.OPENED, SAID)
        await messages.tell(build_incident(), Stage.OPENED, SAID)
        await world.settle()
    assert len(read(channel)) == 1


@pytest.mark.parametrize("kind", IncidentKind)
def test_every_kind_has_words_that_stand_alone(kind: IncidentKind) -> None:
    """Title, effect and first step are sentences for people, and the effect does not repeat the title."""
    row = KINDS[kind]
    sentences = [str(row.title), str(row.meaning), str(row.first_step)]
    assert len(set(sentences)) == 3
    assert [one[-1] for one in sentences[1:]] == [".", "."]


def test_stages_and_incidents_have_nonces_of_their_own() -> None:
    """A nonce is the same in a later process; a reminder of the next day has another one."""
    first = build_incident()
    told = first.note_told(START)
    later = told.note_told(START + REMINDED_AFTER)
    nonces = [
        make_stage_nonce(first, Stage.OPENED),
        make_stage_nonce(first, Stage.ENDED),
        make_stage_nonce(told, Stage.REMINDED),
        make_stage_nonce(later, Stage.REMINDED),
        make_stage_nonce(build_incident(guild_id=GuildId(7)), Stage.OPENED),
    ]
    assert len(set(nonces)) == len(nonces)
    assert {len(one) for one in nonces} == {NONCE_LENGTH}
    assert make_stage_nonce(build_incident(), Stage.OPENED) == nonces[0]


async def test_refused_requests_of_every_kind_are_counted(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, sender: DiscordSender
) -> None:
    """The library logs each answer in words that the counter knows: of posts, of reads, and of webhooks."""
    limits = RefusalCounter()
    limits.attach()
    try:
        async with running_bot(bot, world):
            await bot.wait_until_ready()
            world.faults.add(Fault(method="POST", route=POST, status=429, retry_after=0.01, times=2))
            world.faults.add(
                Fault(method="POST", route=POST, status=429, retry_after=0.01, is_global=True, times=1)
            )
            place, embed = ChannelId(channel.id), discord.Embed(title="a post")
            await sender.send(place, embeds=[embed], pictures=(), nonce="n1")
            world.faults.add(Fault(method="POST", route=POST, status=403, times=1))
            with pytest.raises(ChannelUnusableError):
                await sender.send(place, embeds=[embed], pictures=(), nonce="n2")
            world.faults.add(Fault(status=401, times=2))
            with pytest.raises(discord.HTTPException):
                await bot.fetch_guild(1)
            async with aiohttp.ClientSession() as session:
                answer = discord.Webhook.partial(1, "token", session=session)
                with pytest.raises(discord.HTTPException):
                    await answer.send("an answer to a command")
    finally:
        limits.detach()
    assert (limits.limited, limits.limited_globally, limits.denied) == (3, 1, 3)
    assert sender.sent == 1


async def test_message_of_a_server_that_stands_still_is_edited_when_it_is_back(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel, build: Build
) -> None:
    """The alerts channel keeps one message; if it was deleted, the end gets one of its own."""
    messages = build(channels={guild.id: channel.id})
    key = IncidentKey(GuildId(guild.id), IncidentKind.LOG_STILL, "k3v9x0aa")
    incident = Incident(key, CheckState.WARN, START)
    ended = incident.end(START + timedelta(minutes=25))
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        said = text("**{server}**: its log stood still.", server="Mirny")
        told = await messages.tell(incident, Stage.OPENED, said)
        assert told == IncidentMessage(ChannelId(channel.id), channel.all_messages[0].id)
        shown = replace(ended, message=told)
        assert await messages.tell(shown, Stage.ENDED, said) == told
        await world.settle()
        began = int(START.timestamp())
        title, end = "✅ A game server seems to stand still", f"Back after 25 min. It began <t:{began}:R>."
        back = f"{title}\n**Mirny**: its log stood still.\n{end}"
        assert read(channel) == [back]
        gone = replace(ended, message=IncidentMessage(ChannelId(channel.id), 1))
        other = await messages.tell(gone, Stage.ENDED, None)
        await world.settle()
        assert other != told
        assert read(channel) == [back, f"{title}\n{end}"]
