"""Servers, channels, roles and computed permissions."""

import asyncio

import discord
import pytest
from discord.ext import commands

from simulation.discord import Channel, ChannelKind, Guild, Member, Permission, SimulatedDiscord
from simulation.discord.clients import BareClient, running_bot
from simulation.discord.signals import PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("denied", "body", "code"),
    [
        (Permission.VIEW_CHANNEL, {"content": "x"}, 50001),
        (Permission.SEND_MESSAGES, {"content": "x"}, 50013),
        (Permission.EMBED_LINKS, {"embeds": [{"title": "x"}]}, 50013),
    ],
)
async def test_message_is_refused_when_a_permission_is_missing(
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    client: BareClient,
    denied: Permission,
    body: dict[str, object],
    code: int,
) -> None:
    """Overwrites can remove permissions; a refusal for that reason is not a violation of the bot."""
    world.set_overwrite(channel, guild.bot, deny=int(denied))
    status, error = await client.call("POST", f"/channels/{channel.id}/messages", json=body)
    assert (status, error["code"]) == (403, code)
    assert (len(world.refusals), world.violations) == (1, [])


async def test_permissions_follow_discords_order_when_overwrites_meet(
    world: SimulatedDiscord, guild: Guild, channel: Channel
) -> None:
    """@everyone first, then all roles together (allow wins), then the member."""
    readers, muted = world.create_role(guild, "readers"), world.create_role(guild, "muted")
    bob = world.add_member(guild, "bob", roles=[readers, muted])
    send = Permission.SEND_MESSAGES
    world.set_overwrite(channel, guild.everyone, deny=int(Permission.VIEW_CHANNEL))
    assert bob.membership.permissions_in(channel) == 0
    world.set_overwrite(channel, readers, allow=int(Permission.VIEW_CHANNEL | send))
    world.set_overwrite(channel, muted, deny=int(send))
    assert send in bob.membership.permissions_in(channel)
    world.set_overwrite(channel, bob.membership, deny=int(send))
    permissions = bob.membership.permissions_in(channel)
    assert (Permission.VIEW_CHANNEL in permissions, send in permissions) == (True, False)
    assert Permission.EMBED_LINKS not in permissions


async def test_administrators_and_owners_may_everything_whatever_is_denied(
    world: SimulatedDiscord, guild: Guild, channel: Channel
) -> None:
    """Administrator and ownership beat every overwrite."""
    admin = world.create_role(guild, "admin", permissions=int(Permission.ADMINISTRATOR))
    bob = world.add_member(guild, "bob", roles=[admin])
    world.set_overwrite(channel, guild.everyone, deny=int(Permission.VIEW_CHANNEL))
    for member in (bob.membership, guild.owner):
        assert Permission.MANAGE_GUILD in member.permissions_in(channel)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/channels/1", 10003),
        ("/channels/{channel}/messages/1", 10008),
        ("/guilds/1", 10004),
        ("/guilds/{guild}/members/1", 10007),
        ("/users/1", 10013),
        ("/nowhere", 0),
        ("/channels/abc", 50035),
    ],
)
async def test_unknown_things_are_named_when_asked_for(
    guild: Guild, channel: Channel, client: BareClient, path: str, code: int
) -> None:
    """Each unknown object has its own error code."""
    _, error = await client.call("GET", path.format(channel=channel.id, guild=guild.id))
    assert error["code"] == code


async def test_requests_are_refused_when_the_token_is_wrong(
    world: SimulatedDiscord, client: BareClient
) -> None:
    """A wrong token gets 401, and py-cord does not log in."""
    client.headers["Authorization"] = "Bot nonsense"
    status, error = await client.call("GET", "/users/@me")
    assert (status, error) == (401, {"message": "401: Unauthorized", "code": 0})
    assert len(world.violations) == 1


async def test_deleted_channel_is_unknown_when_the_bot_writes(
    world: SimulatedDiscord, channel: Channel, client: BareClient
) -> None:
    """After a deletion every call gets 10003."""
    world.delete_channel(channel)
    status, error = await client.call("POST", f"/channels/{channel.id}/messages", json={"content": "x"})
    assert (status, error["code"], world.violations) == (404, 10003, [])


async def test_channel_is_renamed_when_the_bot_may(channel: Channel, client: BareClient) -> None:
    """Names of text channels are lower case with hyphens, and the old name is recorded."""
    assert channel.guild is not None
    assert channel.guild.channel_named("general") is channel
    status, answer = await client.call("PATCH", f"/channels/{channel.id}", json={"name": "Players Online 12"})
    assert (status, answer["name"]) == (200, "players-online-12")
    assert (channel.name, channel.past_names) == ("players-online-12", ["general"])
    status, error = await client.call("PATCH", f"/channels/{channel.id}", json={"name": "x" * 101})
    assert (status, "name" in error["errors"]) == (400, True)


async def test_voice_channel_is_changed_only_by_a_member_who_may_join_it(
    world: SimulatedDiscord, guild: Guild, client: BareClient
) -> None:
    """Without Connect, Manage Channels has no effect there; its name keeps capitals and blanks."""
    voice = world.create_channel(guild, "talk", kind=ChannelKind.VOICE)
    manage, connect = int(Permission.MANAGE_CHANNELS), int(Permission.CONNECT)
    path, body = f"/channels/{voice.id}", {"name": "North | 1/50"}
    world.set_overwrite(voice, guild.bot, allow=manage, deny=connect)
    refused, error = await client.call("PATCH", path, json=body)
    world.set_overwrite(voice, guild.bot, allow=manage | connect)
    renamed, answer = await client.call("PATCH", path, json=body)
    assert (refused, error["code"], renamed, answer["name"]) == (403, 50013, 200, "North | 1/50")


async def test_role_is_given_when_it_stands_below_the_bots_own(
    world: SimulatedDiscord, guild: Guild, alice: Member, client: BareClient
) -> None:
    """With Manage Roles the bot assigns lower roles, but never its own or higher ones."""
    low, high = world.create_role(guild, "low", position=1), world.create_role(guild, "high", position=9)
    [own] = guild.bot.roles
    own.position = 5
    path = f"/guilds/{guild.id}/members/{alice.id}/roles"
    first, _ = await client.call("PUT", f"{path}/{low.id}")
    world.set_role_permissions(own, int(own.permissions | Permission.MANAGE_ROLES))
    second, _ = await client.call("PUT", f"{path}/{low.id}")
    third, _ = await client.call("PUT", f"{path}/{high.id}")
    assert (first, second, third, alice.membership.roles) == (403, 204, 403, [low])


async def test_bot_hears_of_joining_and_leaving_when_it_is_invited_and_removed(
    world: SimulatedDiscord, guild: Guild, bot: commands.Bot
) -> None:
    """An invitation fires the join event, a removal the leave event; an outage of a server fires neither."""
    heard: list[tuple[str, str]] = []
    done = asyncio.Event()

    def listener(name: str) -> None:
        async def note(of: discord.Guild) -> None:
            heard.append((name, of.name))
            if name == "guild_remove":
                done.set()

        bot.add_listener(note, f"on_{name}")

    for name in ("guild_join", "guild_remove", "guild_unavailable", "guild_available"):
        listener(name)
    async with running_bot(bot, world):
        await asyncio.wait_for(bot.wait_until_ready(), PATIENCE_SECONDS)
        world.set_guild_available(guild, is_available=False)
        world.set_guild_available(guild, is_available=True)
        later = world.create_guild("Later")
        world.remove_bot(later)
        await asyncio.wait_for(done.wait(), PATIENCE_SECONDS)
    assert heard == [
        ("guild_available", "Deadside Community"),
        ("guild_unavailable", "Deadside Community"),
        ("guild_available", "Deadside Community"),
        ("guild_join", "Later"),
        ("guild_remove", "Later"),
    ]


async def test_bot_sees_changes_when_channels_and_roles_change(
    world: SimulatedDiscord, guild: Guild, bot: commands.Bot
) -> None:
    """py-cord's cache follows creation, renaming, overwrites and deletion."""
    async with running_bot(bot, world):
        await asyncio.wait_for(bot.wait_until_ready(), PATIENCE_SECONDS)
        channel = world.create_channel(guild, "news")
        place = await bot.wait_for("guild_channel_create", timeout=PATIENCE_SECONDS)
        assert place.permissions_for(place.guild.me).send_messages
        world.set_overwrite(channel, guild.bot, deny=int(Permission.SEND_MESSAGES))
        await bot.wait_for("guild_channel_update", timeout=PATIENCE_SECONDS)
        assert not place.permissions_for(place.guild.me).send_messages
        world.create_role(guild, "admins")
        role = await bot.wait_for("guild_role_create", timeout=PATIENCE_SECONDS)
        world.delete_channel(channel)
        await bot.wait_for("guild_channel_delete", timeout=PATIENCE_SECONDS)
        assert (role.name, place.guild.get_channel(channel.id)) == ("admins", None)


async def test_channel_is_created_in_its_category_with_its_overwrites(
    guild: Guild, client: BareClient
) -> None:
    """A category keeps its name as it is written; the bot gives and denies only what it has itself."""
    route = f"/guilds/{guild.id}/channels"
    _, category = await client.call("POST", route, json={"name": "My Posts", "type": 4})
    hidden = {"id": str(guild.id), "type": 0, "allow": "0", "deny": str(int(Permission.VIEW_CHANNEL))}
    body = {"name": "Alerts", "parent_id": category["id"], "permission_overwrites": [hidden]}
    status, created = await client.call("POST", route, json=body)
    assert (status, created["parent_id"], category["name"]) == (201, category["id"], "My Posts")
    assert guild.channel_named("alerts").overwrites[guild.id].deny == Permission.VIEW_CHANNEL
    foreign = hidden | {"deny": str(int(Permission.BAN_MEMBERS))}
    status, error = await client.call("POST", route, json=body | {"permission_overwrites": [foreign]})
    assert (status, error["code"]) == (403, 50013)


async def test_channel_is_refused_where_a_guild_or_a_category_is_full(
    world: SimulatedDiscord, guild: Guild, client: BareClient
) -> None:
    """A guild has 500 channels at most, and a category 50."""
    route = f"/guilds/{guild.id}/channels"
    category = world.create_channel(guild, "full", kind=ChannelKind.CATEGORY)
    for number in range(50):
        world.create_channel(guild, f"c{number}", category=category)
    body = {"name": "x", "parent_id": str(category.id)}
    status, error = await client.call("POST", route, json=body)
    assert (status, error["code"], "parent_id" in error["errors"]) == (400, 50035, True)
    for number in range(500 - len(guild.channels)):
        world.create_channel(guild, f"d{number}")
    status, error = await client.call("POST", route, json={"name": "x"})
    assert (status, error["code"]) == (400, 30013)
