"""Commands about role rules: the rights of their members, and members who come back."""

from simulation.discord import Channel, Guild, Member, Permission, SimulatedDiscord
from tests.fakes.own_bot import OwnBot, wait_until
from tests.fakes.small_bot import Shelf
from utils.models.scope import GuildId, MemberId


async def test_admin_of_the_bot_alone_may_hand_out_no_role(
    bot: OwnBot, world: SimulatedDiscord, shelf: Shelf, guild: Guild, channel: Channel, manager: Member
) -> None:
    """They need Manage Roles and a role above it, and still so when they press Save."""
    role, [own], [held] = world.create_role(guild, "hunters"), guild.bot.roles, manager.membership.roles
    for one, place in ((role, 1), (held, 2), (own, 3)):
        world.move_role(one, place)
    world.set_role_permissions(own, int(own.permissions | Permission.MANAGE_ROLES))
    known = bot.get_guild(guild.id)
    assert known is not None
    await wait_until(lambda: known.me.guild_permissions.manage_roles)
    refused = await manager.ask(channel, "/roles add", role=role, kills=1)
    assert refused.embed["description"].startswith("You need Manage Roles and a role above that one.")
    world.set_role_permissions(held, int(held.permissions | Permission.MANAGE_ROLES))
    asked = await manager.ask(channel, "/roles add", role=role, kills=1)
    assert (asked.embed["title"], asked.is_ephemeral) == ("Save this new role rule?", True)
    world.set_role_permissions(held, int(Permission.MANAGE_GUILD))
    await asked.click("Save")
    await asked.wait_until(lambda one: bool(one.followups))
    assert asked.followups[0].embed["description"] == refused.embed["description"]
    assert shelf.roles.rules == {}


async def test_member_who_came_back_is_noticed_by_their_next_command(
    bot: OwnBot, guild: Guild, channel: Channel, alice: Member
) -> None:
    """No event tells the bot who joins."""
    guild_id, looks = GuildId(guild.id), bot.services.role_looks
    looks._gone[guild_id] = frozenset({MemberId(alice.id)})
    await alice.ask(channel, "/help")
    assert looks._gone == {guild_id: frozenset()}
