"""Roles and members: what the bot may change, and how it learns about members without the intent for them."""

import asyncio

import discord
import pytest
from discord.ext import commands

from simulation.discord import Guild, Member, Permission, SimulatedDiscord
from simulation.discord.clients import BareClient, running_bot
from simulation.discord.signals import PATIENCE_SECONDS

ROLES = "/guilds/{guild}/members/{member}/roles/{role}"


async def test_role_is_refused_as_discord_refuses_it(
    world: SimulatedDiscord, guild: Guild, alice: Member, client: BareClient
) -> None:
    """A managed role, @everyone, a deleted role, a member who left; else the audit log shows the reason."""
    [own] = guild.bot.roles
    world.move_role(own, 5)
    world.set_role_permissions(own, int(own.permissions | Permission.MANAGE_ROLES))
    role, managed, gone = (world.create_role(guild, name) for name in ("hunters", "boosters", "old"))
    managed.is_managed = True
    world.delete_role(gone)
    left = world.add_member(guild, "left")
    world.leave(left.membership)

    async def give(member: int, role_id: int) -> tuple[int, int | None]:
        path = ROLES.format(guild=guild.id, member=member, role=role_id)
        client.headers["X-Audit-Log-Reason"] = "Rule%3A%20kills"
        status, answer = await client.call("PUT", path)
        return status, answer and answer["code"]

    assert await give(alice.id, role.id) == (204, None)
    assert world.requests[-1].reason == "Rule: kills"
    assert await give(alice.id, managed.id) == (403, 50013)
    assert await give(alice.id, gone.id) == (404, 10011)
    assert await give(alice.id, guild.id) == (400, 50028)
    assert await give(left.id, role.id) == (404, 10007)
    world.delete_role(role)
    assert alice.membership.roles == []


async def test_eleventh_role_within_ten_seconds_is_limited(
    guild: Guild, alice: Member, world: SimulatedDiscord, client: BareClient
) -> None:
    """Discord takes ten changes of members' roles in a window, for each server by itself."""
    world.rate_limits.is_enforced = True
    world.clock.hold()
    role = world.create_role(guild, "hunters")
    path = ROLES.format(guild=guild.id, member=alice.id, role=role.id)
    statuses = [(await client.call("PUT", path))[0] for _ in range(11)]
    assert statuses == [403] * 10 + [429]


async def test_bot_learns_members_by_their_ids_and_its_own_roles_without_the_intent(
    world: SimulatedDiscord, guild: Guild, alice: Member, bot: commands.Bot
) -> None:
    """Chunks with the nonce are joined, former members are missing, and the cache keeps none of them."""
    world.gateway.members_a_chunk = 2
    people = [world.add_member(guild, f"player {number}").id for number in range(5)]
    role = world.create_role(guild, "hunters")
    heard = asyncio.Event()

    async def on_member_update(_: discord.Member, after: discord.Member) -> None:
        assert after.id == world.bot_user.id
        heard.set()

    bot.add_listener(on_member_update, "on_member_update")
    async with running_bot(bot, world):
        await asyncio.wait_for(bot.wait_until_ready(), PATIENCE_SECONDS)
        of = bot.get_guild(guild.id)
        assert of is not None
        asked = [*people, 12345]
        found = await of.query_members(user_ids=asked, limit=len(asked), cache=False)
        assert sorted(one.id for one in found) == sorted(people)
        assert [one.id for one in of.members] == [world.bot_user.id]
        world.set_roles(alice.membership, [role])
        world.set_roles(guild.bot, [*guild.bot.roles, role])
        await asyncio.wait_for(heard.wait(), PATIENCE_SECONDS)
    [request] = world.journal.members_requests
    assert (request.guild_id, list(request.user_ids)) == (guild.id, asked)
    assert world.violations == []


@pytest.mark.parametrize(("user_ids", "code"), [(range(1, 102), 4002), ((), 4014)])
async def test_gateway_closes_when_too_many_members_are_asked_for(
    world: SimulatedDiscord, guild: Guild, bot: commands.Bot, user_ids: range, code: int
) -> None:
    """A request has at most 100 ids, and asking for all members needs the intent."""
    async with running_bot(bot, world):
        await asyncio.wait_for(bot.wait_until_ready(), PATIENCE_SECONDS)
        await bot.ws.request_chunks(guild.id, query=None, limit=0, user_ids=list(user_ids))
        await world.until(lambda: bool(world.violations), what="the end of the connection")
    assert str(world.violations[0]).startswith(str(code))
