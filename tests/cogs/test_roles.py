"""Commands about role rules: the rights of their members, and members who come back."""

from simulation.discord import Channel, Guild, Interaction, Member, Permission, SimulatedDiscord
from tests.cogs.conftest import PIKE, SEEN
from tests.fakes.own_bot import OwnBot, wait_until
from tests.fakes.small_bot import Shelf
from utils.models.links import Link, LinkState
from utils.models.roles import GrantState, RoleGrant, RoleId, RoleRule, RuleTerms
from utils.models.scope import GuildId, MemberId
from utils.models.statistics import Period


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


async def test_rank_names_the_next_role_with_what_lacks(
    bot: OwnBot, world: SimulatedDiscord, shelf: Shelf, guild: Guild, channel: Channel, alice: Member
) -> None:
    """A role that they have from a moderator is not the next one; a rank of a player names no roles."""
    del bot
    [own], wanted = guild.bot.roles, [world.create_role(guild, name) for name in ("near", "far", "held")]
    world.set_role_permissions(own, int(own.permissions | Permission.MANAGE_ROLES))
    for place, role in enumerate((*wanted, own), 1):
        world.move_role(role, place)
    guild_id, member_id, (near, far, held) = GuildId(guild.id), MemberId(alice.id), wanted
    shelf.links.links[guild_id, member_id, PIKE] = Link(
        guild_id, member_id, PIKE, "Pike_", SEEN, state=LinkState.PROVEN, is_main=True
    )
    shelf.roles.grants[guild_id] = {
        (RoleId(held.id), member_id): RoleGrant(RoleId(held.id), member_id, GrantState.GIVEN, SEEN)
    }
    shelf.roles.rules[guild_id] = [
        RoleRule(guild_id=guild_id, rule_id=str(number), terms=terms, created_by=member_id, created_at=SEEN)
        for number, terms in enumerate(
            (
                RuleTerms(role_id=RoleId(held.id)),
                RuleTerms(role_id=RoleId(near.id), kills=1300),
                RuleTerms(role_id=RoleId(far.id), level=90, period=Period.SEASON),
            )
        )
    ]
    asked = await alice.ask(channel, "/rank")
    assert find_field(asked, "Roles") == f"<@&{held.id}>\nnext: <@&{near.id}> (needs 66 more kills)"
    world.set_roles(alice.membership, [*alice.membership.roles, near])
    assert find_field(await alice.ask(channel, "/rank"), "Roles") == f"<@&{held.id}>"
    assert find_field(await alice.ask(channel, "/rank", player="Pike_"), "Roles") is None


def find_field(reply: Interaction, name: str) -> str | None:
    """Return the value of a field of an answer."""
    return next((one["value"] for one in reply.embed["fields"] if one["name"] == name), None)
