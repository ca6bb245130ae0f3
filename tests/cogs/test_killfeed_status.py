"""``/killfeed status``: the green mark is for servers whose kills are posted, and hosts are for admins."""

from dataclasses import replace
from datetime import timedelta

import pytest

from simulation.discord import Channel, Guild, Member, Permission, SimulatedDiscord
from tests.fakes.clock import START
from tests.fakes.deaths import build_death, build_row
from tests.fakes.small_bot import Shelf
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.problems import Problem
from utils.models.scope import ChannelId, GuildId
from utils.models.servers import ConnectionState, ServerHealth

GONE = 9


@pytest.fixture(name="feed")
def _feed(world: SimulatedDiscord, guild: Guild) -> Channel:
    return world.create_channel(guild, "feed")


def connect(shelf: Shelf, guild: Guild, channel_id: int | None) -> None:
    """Let every server be connected, with this killfeed channel."""
    guild_id = GuildId(guild.id)
    channels = {} if channel_id is None else {ChannelKind.KILLFEED: ChannelId(channel_id)}
    shelf.guilds.settings[guild_id] = GuildSettings(guild_id, channels=channels)
    for scope in shelf.servers.servers:
        shelf.readings.health[scope] = ServerHealth(scope, ConnectionState.CONNECTED, last_read_at=START)


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    ("place", "mark", "said"),
    [
        ("feed", "✅", "Connected · <#{feed}>\nNo kills yet"),
        ("none", "⚠️", "⚠️ No killfeed channel yet, so nothing is posted."),
        ("gone", "⚠️", "⚠️ The killfeed channel is gone."),
        ("silent", "⚠️", "⚠️ I can't post in <#{silent}>: give me Embed Links there."),
    ],
)
async def test_mark_is_green_only_where_kills_are_posted(
    shelf: Shelf,
    world: SimulatedDiscord,
    guild: Guild,
    feed: Channel,
    channel: Channel,
    alice: Member,
    place: str,
    mark: str,
    said: str,
) -> None:
    """A missing channel, one that is gone, and one without a permission have their own sentence."""
    silent = world.create_channel(guild, "silent")
    world.set_overwrite(silent, guild.bot, deny=int(Permission.EMBED_LINKS))
    places = {"feed": feed.id, "none": None, "gone": GONE, "silent": silent.id}
    connect(shelf, guild, places[place])
    embed = (await alice.ask(channel, "/killfeed status", server="Mirny")).embed
    [field] = embed["fields"]
    assert field["name"] == f"{mark} Mirny"
    assert said.format(feed=feed.id, silent=silent.id) in field["value"]


@pytest.mark.usefixtures("bot")
async def test_last_kill_is_the_newest_stored_death(
    shelf: Shelf, guild: Guild, feed: Channel, channel: Channel, alice: Member
) -> None:
    """It is shown as soon as it is stored, also by an import."""
    connect(shelf, guild, feed.id)
    mirny = next(iter(shelf.servers.servers))
    shelf.deaths.deaths = [(mirny.server_id, build_death(build_row("Ann", "Bob", second=5), scope=mirny))]
    fields = (await alice.ask(channel, "/killfeed status")).embed["fields"]
    moment = int((START + timedelta(seconds=5)).timestamp())
    assert [field["value"].split("\n")[1] for field in fields] == [
        f"Last kill <t:{moment}:R>",
        "No kills yet",
    ]


@pytest.mark.usefixtures("bot")
async def test_hosts_and_connections_are_shown_to_admins_alone(
    shelf: Shelf, guild: Guild, feed: Channel, channel: Channel, alice: Member, manager: Member
) -> None:
    """Players read since when a server is offline; an admin reads why, but no lag of the time before."""
    connect(shelf, guild, feed.id)
    mirny = next(iter(shelf.servers.servers))
    shelf.readings.health[mirny] = replace(
        shelf.readings.health[mirny],
        state=ConnectionState.RETRYING,
        problem=Problem.LOGIN_REFUSED.say(host="192.0.2.10 port 22"),
        lag_seconds=4.2,
    )
    shown = {
        member: (await member.ask(channel, "/killfeed status", server="Mirny")).embed
        for member in (alice, manager)
    }
    stamp = int(START.timestamp())
    assert shown[alice]["fields"][0]["value"].startswith(f"Offline, last read <t:{stamp}:R>, retrying")
    assert all(word not in str(shown[alice]) for word in ("0.2.10", "port", "login"))
    assert "footer" not in shown[alice]
    assert "0.2.10 port 22 refused the login" in shown[manager]["fields"][0]["value"]
    assert "Connections to game hosts" in shown[manager]["footer"]["text"]
    assert "lag" not in str(shown[manager])
