"""The buttons below a request for a link: who may press them, and what they leave behind."""

import pytest

from simulation.discord import Channel, Interaction, Member, SimulatedDiscord
from tests.cogs.conftest import PIKE, SEEN
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from utils.embeds.buttons import build_lasting_view
from utils.localization.localizer import ENGLISH_LOCALIZER
from utils.models.link_buttons import build_request_buttons
from utils.models.links import Link, ProofOutcome
from utils.models.scope import GuildId, MemberId


async def post_request(bot: OwnBot, shelf: Shelf, channel: Channel, member: Member) -> Link:
    """Store a request of a member, and post its alert as an earlier process did."""
    assert channel.guild is not None
    link = Link(GuildId(channel.guild.id), MemberId(member.id), PIKE, "Pike_", SEEN)
    await shelf.links.put_pending(link.guild_id, link)
    view = build_lasting_view(build_request_buttons(link), ENGLISH_LOCALIZER)
    await bot.get_partial_messageable(channel.id).send("a request", view=view)
    return link


async def press(member: Member, channel: Channel, label: str) -> Interaction:
    """Press a button of the only message."""
    [message] = channel.messages
    return await (await member.press(message, label)).wait()


@pytest.mark.parametrize(
    ("label", "said", "is_linked"),
    [
        ("Confirm", "confirmed that {alice} is **Pike\\_**.", True),
        ("Refuse", "refused the request of {alice} for **Pike\\_**.", False),
    ],
)
async def test_admin_decides_and_the_alert_shows_it(
    bot: OwnBot,
    shelf: Shelf,
    channel: Channel,
    alice: Member,
    manager: Member,
    label: str,
    said: str,
    *,
    is_linked: bool,
) -> None:
    """The message names the admin and loses its buttons; the audit has the decision."""
    link = await post_request(bot, shelf, channel, alice)
    await press(manager, channel, label)
    [message] = channel.messages
    assert message.embed["description"] == f"{manager.mention} {said.format(alice=alice.mention)}"
    assert message.components == []
    stored = await shelf.links.list_of_member(link.guild_id, link.member_id)
    assert [one.is_proven for one in stored] == ([True] if is_linked else [])
    assert [actor for actor, *_ in shelf.audit.lines] == [manager.id]


async def test_member_is_refused_and_the_request_stays(
    bot: OwnBot, shelf: Shelf, channel: Channel, alice: Member
) -> None:
    """The rights are checked at the press: the member who asked cannot confirm themself."""
    link = await post_request(bot, shelf, channel, alice)
    answer = await press(alice, channel, "Confirm")
    assert answer.followups[-1].embed["title"] == "🔒 Admins only"
    assert len(channel.messages[0].components) == 1
    [stored] = await shelf.links.list_of_member(link.guild_id, link.member_id)
    assert not stored.is_proven


async def test_alert_of_a_request_that_is_over_says_so(
    bot: OwnBot, shelf: Shelf, channel: Channel, alice: Member, manager: Member
) -> None:
    """The member withdrew it, or it was not proven in time."""
    link = await post_request(bot, shelf, channel, alice)
    await shelf.links.end_request(link.guild_id, link, ProofOutcome.EXPIRED)
    await press(manager, channel, "Confirm")
    [message] = channel.messages
    assert message.embed["description"].startswith("This request is over")
    assert (message.components, shelf.audit.lines) == ([], [])


async def test_button_does_nothing_in_another_guild(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, channel: Channel, alice: Member
) -> None:
    """A copy of the button in another guild finds no request there."""
    link = await post_request(bot, shelf, channel, alice)
    other = world.create_guild("Others")
    room = world.create_channel(other, "room")
    view = build_lasting_view(build_request_buttons(link), ENGLISH_LOCALIZER)
    await bot.get_partial_messageable(room.id).send("a copy", view=view)
    await press(world.owner_of(other), room, "Confirm")
    [stored] = await shelf.links.list_of_member(link.guild_id, link.member_id)
    assert (stored.is_proven, shelf.audit.lines) == (False, [])
