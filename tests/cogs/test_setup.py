"""The set-up: a checklist of what is stored and allowed now, whose controls do the same as commands."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from simulation.discord import (
    Channel,
    ChannelKind,
    Fault,
    Guild,
    ImpossibleActionError,
    Interaction,
    Member,
    Permission,
    SimulatedDiscord,
)
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import build_server, put_settings
from utils.embeds.factory import EmbedFactory
from utils.models.guilds import ChannelKind as Kind
from utils.models.scope import ChannelId, GuildId
from utils.models.servers import ConnectionState, ServerHealth
from utils.models.setup import SET_UP_BUTTON

CREATE = "/guilds/{guild_id}/channels"
CREATED = ["Deadside", "killfeed", "alerts", "events", "news", "bounties", "leaderboard"]
POSTING = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES | Permission.EMBED_LINKS


@pytest.fixture(name="shelf")
def _shelf() -> Shelf:
    """A community in which nothing is set up yet."""
    return Shelf()


@pytest.fixture(name="feed")
def _feed(world: SimulatedDiscord, guild: Guild) -> Channel:
    return world.create_channel(guild, "feed")


def use_tier(bot: OwnBot, shelf: Shelf, tier: int) -> None:
    """Let the community have another tier."""
    bot.services = shelf.build_services(tier=tier)
    for cog in bot.cogs.values():
        cog.services = bot.services  # type: ignore[attr-defined]


def read_lines(reply: Interaction) -> dict[str, str]:
    """Return the line of each step by its title."""
    lines = [line for line in reply.embed["description"].splitlines() if "**: " in line]
    return {line.split("**")[1]: line for line in lines}


def read_next(reply: Interaction) -> str:
    """Return what is to be done next."""
    return str(reply.embed["fields"][0]["value"])


async def use(reply: Interaction, control: str, *values: str | Channel) -> None:
    """Use a control of the checklist, and wait until the checklist has changed."""
    edits = len(reply.answer.edits)
    await reply.click(control, *values)
    await reply.wait_until(lambda one: len(one.answer.edits) > edits)


async def refuse(reply: Interaction, control: str, *values: str | Channel) -> str:
    """Use a control that is refused, and return the private sentence."""
    pressed = await (await reply.click(control, *values)).wait_until(lambda one: bool(one.followups))
    assert pressed.followups[-1].is_ephemeral
    return str(pressed.followups[-1].embed["description"])


def set_bot_permissions(world: SimulatedDiscord, guild: Guild, permissions: Permission) -> None:
    """Give the bot's own role exactly these permissions."""
    [role] = guild.bot.roles
    world.set_role_permissions(role, int(permissions))


async def test_new_community_reads_what_is_missing(bot: OwnBot, manager: Member, channel: Channel) -> None:
    """Each open step is marked, and names the command that does the same."""
    assert bot.user
    reply = await manager.ask(channel, "/setup")
    lines = read_lines(reply)
    assert reply.is_ephemeral
    assert lines["Killfeed channel"].startswith("⬜")
    assert "/admin channel set" in lines["Killfeed channel"]
    assert lines["Game server"].startswith("⬜")
    assert "/admin server add" in lines["Game server"]
    assert "owner" in lines["Alerts channel"]
    assert "**Create the channels**" in read_next(reply)


@pytest.mark.parametrize("kind", [ChannelKind.TEXT, ChannelKind.ANNOUNCEMENT])
async def test_chosen_channel_is_set_like_by_the_command(
    bot: OwnBot,
    world: SimulatedDiscord,
    shelf: Shelf,
    guild: Guild,
    manager: Member,
    channel: Channel,
    kind: ChannelKind,
) -> None:
    """The same service stores it, with its entry of the audit; announcement channels are offered too."""
    assert bot.user
    feed = world.create_channel(guild, "feed", kind=kind)
    await world.settle()
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Choose a channel", feed)
    assert shelf.guilds.settings[GuildId(guild.id)].channels == {Kind.KILLFEED: feed.id}
    assert [(actor, action) for actor, action, _ in shelf.audit.lines] == [(manager.id, "channel set")]
    assert read_lines(reply)["Killfeed channel"] == f"✅ **Killfeed channel**: {feed.mention}"
    assert f"is now {feed.mention}" in reply.embed["description"].splitlines()[0]


async def test_other_channels_are_chosen_by_their_kind_first(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel, feed: Channel
) -> None:
    """The menu of channels belongs to the kind that was chosen last."""
    assert bot.user
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Which channel?", "Bounties channel")
    await use(reply, "Choose a channel", feed)
    assert shelf.guilds.settings[GuildId(guild.id)].channels == {Kind.BOUNTIES: feed.id}


async def test_channel_without_a_permission_is_refused(
    bot: OwnBot,
    world: SimulatedDiscord,
    shelf: Shelf,
    guild: Guild,
    manager: Member,
    channel: Channel,
    feed: Channel,
) -> None:
    """The refusal names the permission and the channel, and the checklist stays."""
    assert bot.user
    world.set_overwrite(feed, guild.bot, deny=int(Permission.EMBED_LINKS))
    await world.settle()
    reply = await manager.ask(channel, "/setup")
    said = await refuse(reply, "Choose a channel", feed)
    assert "#feed" in said
    assert "Embed Links" in said
    assert shelf.guilds.settings == {}
    assert reply.answer.interactive_components


async def test_channel_that_is_gone_or_closed_is_marked_and_mended(
    bot: OwnBot,
    world: SimulatedDiscord,
    shelf: Shelf,
    guild: Guild,
    manager: Member,
    channel: Channel,
    feed: Channel,
) -> None:
    """The checklist is computed again at every press."""
    assert bot.user
    guild_id = GuildId(guild.id)
    gone = world.create_channel(guild, "gone")
    channels = {Kind.KILLFEED: ChannelId(gone.id), Kind.ALERTS: ChannelId(feed.id)}
    await put_settings(shelf.guilds, guild_id, channels=channels)
    await world.settle()
    reply = await manager.ask(channel, "/setup")
    world.delete_channel(gone)
    world.set_overwrite(feed, guild.bot, deny=int(Permission.SEND_MESSAGES))
    await world.settle()
    await use(reply, "Check again")
    lines = read_lines(reply)
    assert lines["Killfeed channel"].startswith("⚠️")
    assert lines["Alerts channel"].startswith("⚠️ **Alerts channel**: I need Send Messages")
    world.set_overwrite(feed, guild.bot)
    await world.settle()
    await use(reply, "Choose a channel", feed)
    assert [read_lines(reply)[f"{name} channel"][0] for name in ("Killfeed", "Alerts")] == ["✅", "✅"]


async def test_members_who_may_not_set_up_read_who_may(
    bot: OwnBot, guild: Guild, alice: Member, channel: Channel
) -> None:
    """All members see the button of the message after joining."""
    assert guild.members
    view = EmbedFactory().build_buttons([SET_UP_BUTTON])
    await bot.get_partial_messageable(channel.id).send("Hello", view=view)
    answer = await (await alice.press(channel.messages[-1], "Set up")).wait()
    assert answer.is_ephemeral
    assert "Manage Server" in answer.embed["description"]


async def test_controls_belong_to_the_admin_who_opened_them_and_may_still_use_them(
    bot: OwnBot, world: SimulatedDiscord, shelf: Shelf, manager: Member, channel: Channel, feed: Channel
) -> None:
    """The permission at the press decides."""
    assert bot.user
    reply = await manager.ask(channel, "/setup")
    world.set_roles(manager.membership, [])
    said = await refuse(reply, "Choose a channel", feed)
    assert "Manage Server" in said
    assert shelf.guilds.settings == {}


async def test_button_works_on_a_message_of_a_process_that_has_ended(
    bot: OwnBot, manager: Member, channel: Channel
) -> None:
    """The checklist opens privately for each admin who presses."""
    view = EmbedFactory().build_buttons([SET_UP_BUTTON])
    await bot.get_partial_messageable(channel.id).send("Hello", view=view)
    reply = await (await manager.press(channel.messages[-1], "Set up")).wait()
    assert (reply.is_ephemeral, "Killfeed channel" in read_lines(reply)) == (True, True)


# game servers


@pytest.mark.parametrize(
    ("state", "generation", "mark"),
    [
        (ConnectionState.CONNECTED, 0, "⏳"),
        (ConnectionState.CONNECTED, 1, "✅"),
        (ConnectionState.RETRYING, 1, "⚠️"),
        (ConnectionState.REFUSED, 0, "⚠️"),
        (ConnectionState.NO_LOGS, 0, "⚠️"),
        (ConnectionState.UNKNOWN, 0, "⏳"),
    ],
)
async def test_game_server_shows_its_state(
    bot: OwnBot,
    shelf: Shelf,
    guild: Guild,
    manager: Member,
    channel: Channel,
    state: ConnectionState,
    generation: int,
    mark: str,
) -> None:
    """A server is done when it is connected and its history is imported."""
    assert bot.user
    server = replace(build_server("Mirny", "aaaaaaaa", guild_id=GuildId(guild.id)), generation=generation)
    shelf.servers.servers = {server.scope: server}
    shelf.readings.health = {server.scope: ServerHealth(server.scope, state)}
    reply = await manager.ask(channel, "/setup")
    assert read_lines(reply)["Mirny"].startswith(mark)


async def test_servers_that_are_not_done_come_first_and_many_are_shortened(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel
) -> None:
    """The last of nine servers is the one that needs a person."""
    assert bot.user
    names = [f"Server {number}" for number in range(9)]
    servers = [build_server(name, f"{name[-1]}" * 8, guild_id=GuildId(guild.id)) for name in names]
    shelf.servers.servers = {one.scope: replace(one, generation=1) for one in servers}
    connected, refused = ConnectionState.CONNECTED, ConnectionState.REFUSED
    shelf.readings.health = {one.scope: ServerHealth(one.scope, connected) for one in servers}
    shelf.readings.health[servers[-1].scope] = ServerHealth(servers[-1].scope, refused)
    lines = list(read_lines(await manager.ask(channel, "/setup")))
    assert lines[1:7] == ["Server 8", *names[:4], "4 more game servers"]


async def test_community_that_is_set_up_reads_what_happens_now(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel, feed: Channel
) -> None:
    """Nothing is open, and the last line tells where the kills appear."""
    assert bot.user
    guild_id = GuildId(guild.id)
    server = replace(build_server("Mirny", "aaaaaaaa", guild_id=guild_id), generation=1)
    shelf.servers.servers = {server.scope: server}
    shelf.readings.health = {server.scope: ServerHealth(server.scope, ConnectionState.CONNECTED)}
    await put_settings(shelf.guilds, guild_id, channels={Kind.KILLFEED: ChannelId(feed.id)})
    reply = await manager.ask(channel, "/setup")
    assert f"All set: each new kill appears in {feed.mention}" in read_next(reply)


async def test_channel_of_a_server_counts_and_is_checked(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel
) -> None:
    """If every server has its own killfeed channel, the community needs none."""
    assert bot.user
    server = build_server("Mirny", "aaaaaaaa", guild_id=GuildId(guild.id))
    own = {Kind.KILLFEED: ChannelId(1)}
    shelf.servers.servers = {server.scope: replace(server, channels=own)}
    reply = await manager.ask(channel, "/setup")
    lines = read_lines(reply)
    assert lines["Killfeed channel"].startswith("✅")
    assert lines["killfeed of Mirny"].startswith("⚠️")


# creating channels


def list_created(guild: Guild, *before: Channel) -> list[str]:
    """Return the names of the channels that the bot created, in order."""
    return [one.name for one in guild.channels.values() if one not in before]


async def test_channels_are_created_once_and_set(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, alice: Member, channel: Channel
) -> None:
    """Alerts are hidden from members; a second press is not even offered."""
    assert bot.user
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Create the channels")
    assert list_created(guild, channel) == CREATED
    created = {one.name: one for one in guild.channels.values()}
    assert shelf.guilds.settings[GuildId(guild.id)].channels == {
        Kind(name): created[name].id for name in CREATED[1:]
    }
    assert {one.parent_id for name, one in created.items() if name in CREATED[1:]} == {created["Deadside"].id}
    sees = Permission.VIEW_CHANNEL
    assert sees not in alice.membership.permissions_in(created["alerts"])
    assert sees in manager.membership.permissions_in(created["alerts"])
    assert POSTING in guild.bot.permissions_in(created["alerts"])
    assert sees in alice.membership.permissions_in(created["killfeed"])
    labels = [one.get("label") for one in reply.answer.interactive_components]
    assert "Create the channels" not in labels
    assert read_lines(reply)["Alerts channel"].startswith("✅")


@pytest.mark.parametrize(("tier", "names"), [(0, CREATED[:3]), (1, CREATED[:5]), (2, CREATED[:6])])
async def test_only_channels_that_the_tier_opens_are_created(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel, tier: int, names: list[str]
) -> None:
    """Nothing would be posted in the others."""
    use_tier(bot, shelf, tier)
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Create the channels")
    assert list_created(guild, channel) == names
    assert read_lines(reply)["Leaderboard channel"].startswith("⭐")


async def test_counters_and_joins_are_offered_and_chosen_by_an_admin_alone(
    bot: OwnBot, world: SimulatedDiscord, shelf: Shelf, guild: Guild, manager: Member, channel: Channel
) -> None:
    """One press creates no channel for joins and leaves; the checklist names counters and what they lack."""
    assert bot.user
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Create the channels")
    lines = read_lines(reply)
    assert "joins and leaves aren't posted" in lines["Connections channel"]
    assert "none" in lines["Counters"]
    await use(reply, "Which channel?", "Connections channel")
    await use(reply, "Choose a channel", channel)
    voice = world.create_channel(guild, "players", kind=ChannelKind.VOICE)
    world.set_overwrite(voice, guild.bot, deny=int(Permission.CONNECT))
    server = build_server("Mirny", guild_id=GuildId(guild.id))
    own = {Kind.COUNTER: ChannelId(voice.id)}
    shelf.servers.servers = {server.scope: replace(server, channels=own)}
    await world.settle()
    await use(reply, "Check again")
    lines = read_lines(reply)
    assert lines["Connections channel"].startswith("✅")
    assert lines["Counters"] == f"✅ **Counters**: {voice.mention}"
    assert "I need Manage Channels, Connect in" in lines["counter of Mirny"]


async def test_existing_channels_are_left_alone(
    bot: OwnBot,
    world: SimulatedDiscord,
    shelf: Shelf,
    guild: Guild,
    manager: Member,
    channel: Channel,
    feed: Channel,
) -> None:
    """A chosen channel stays; a channel of another category with the same name is another one."""
    assert bot.user
    world.create_channel(guild, "killfeed")
    await put_settings(shelf.guilds, GuildId(guild.id), channels={Kind.KILLFEED: ChannelId(feed.id)})
    before = tuple(guild.channels.values())
    await world.settle()
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Create the channels")
    assert list_created(guild, *before) == [name for name in CREATED if name != "killfeed"]
    assert shelf.guilds.settings[GuildId(guild.id)].channels[Kind.KILLFEED] == feed.id
    assert world.journal.requests_to("PATCH", "/channels/{channel_id}") == []


async def test_two_admins_who_press_at_once_create_each_channel_once(
    bot: OwnBot, world: SimulatedDiscord, guild: Guild, manager: Member, channel: Channel
) -> None:
    """Presses of one community take turns."""
    assert bot.user
    replies = [await one.ask(channel, "/setup") for one in (manager, world.owner_of(guild))]
    await asyncio.gather(*(use(reply, "Create the channels") for reply in replies))
    assert list_created(guild, channel) == CREATED


async def test_channel_that_was_created_but_not_set_is_found_again(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel
) -> None:
    """The bot was killed, or the database was away, between creating a channel and setting it."""
    assert bot.user
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Create the channels")
    shelf.guilds.settings.clear()
    bot.services.settings.forget_guild(GuildId(guild.id))
    await use(reply, "Check again")
    await use(reply, "Create the channels")
    assert list_created(guild, channel) == CREATED
    assert len(shelf.guilds.settings[GuildId(guild.id)].channels) == len(CREATED) - 1


async def test_full_community_is_told_and_goes_on_after_there_is_room(
    bot: OwnBot, world: SimulatedDiscord, guild: Guild, manager: Member, channel: Channel
) -> None:
    """Discord allows 500 channels; the created ones stay set, and the next press creates the rest."""
    assert bot.user
    for number in range(500 - len(guild.channels) - 2):
        world.create_channel(guild, f"c{number}")
    await world.settle()
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Create the channels")
    said = reply.embed["description"]
    assert "Created and set" in said
    assert "500 channels" in said
    assert read_lines(reply)["Killfeed channel"].startswith("✅")
    for number in range(len(CREATED) - 2):
        world.delete_channel(guild.channel_named(f"c{number}"))
    await world.settle()
    await use(reply, "Create the channels")
    assert read_lines(reply)["Leaderboard channel"].startswith("✅")


async def test_full_category_is_told(
    bot: OwnBot, world: SimulatedDiscord, guild: Guild, manager: Member, channel: Channel
) -> None:
    """Discord allows 50 channels in a category."""
    assert bot.user
    category = world.create_channel(guild, "Deadside", kind=ChannelKind.CATEGORY)
    for number in range(50):
        world.create_channel(guild, f"c{number}", category=category)
    await world.settle()
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Create the channels")
    assert "Discord allows 50 channels in it" in reply.embed["description"]


@pytest.mark.fault
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault(method="POST", route=CREATE, status=403, skip=2), "Manage Channels"),
        (Fault(method="POST", route=CREATE, status=520, skip=2, times=None), "Discord didn't answer"),
    ],
    ids=["permission lost", "Discord away"],
)
async def test_creation_that_fails_half_way_tells_both_halves(
    bot: OwnBot, world: SimulatedDiscord, manager: Member, channel: Channel, fault: Fault, sentence: str
) -> None:
    """The killfeed channel exists and is set; the next press goes on."""
    assert bot.user
    world.faults.add(fault)
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Create the channels")
    said = reply.embed["description"]
    assert "Created and set" in said
    assert sentence in said
    world.faults.clear()
    await use(reply, "Create the channels")
    assert read_lines(reply)["Alerts channel"].startswith("✅")


async def test_bot_that_may_not_create_channels_offers_the_link_that_lets_it(
    bot: OwnBot, world: SimulatedDiscord, guild: Guild, manager: Member, channel: Channel
) -> None:
    """The checklist names the permission; a button from before is refused with its name."""
    assert bot.user
    before = await manager.ask(channel, "/setup")
    set_bot_permissions(world, guild, POSTING)
    await world.settle()
    assert "Manage Channels" in await refuse(before, "Create the channels")
    reply = await manager.ask(channel, "/setup")
    [link] = [one for one in reply.answer.interactive_components if one.get("url")]
    assert f"permissions={int(Permission.MANAGE_CHANNELS) | 117760}" in link["url"]
    assert list_created(guild, channel) == []


async def test_controls_follow_the_tier_of_the_moment(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel, feed: Channel
) -> None:
    """A tier that ends while the checklist is open closes its channels at the next press."""
    shelf.premium.give(GuildId(guild.id), 2, shelf.clock.now() + timedelta(hours=1))
    use_tier(bot, shelf, 0)
    reply = await manager.ask(channel, "/setup")
    await use(reply, "Which channel?", "Bounties channel")
    shelf.clock.move(2 * 3600.0)
    await use(reply, "Choose a channel", feed)
    assert read_lines(reply)["Bounties channel"].startswith("⭐")
    with pytest.raises(ImpossibleActionError):
        await reply.click("Which channel?", "Bounties channel")


# the form of a new game server

FORM = {
    "Name": "North",
    "Host and port": "192.0.2.10:8822",
    "User name": "renter",
    "Server number or log folder": "7",
    "Password": "p4ss",
}


async def test_form_adds_a_server_and_its_answer_changes_the_checklist(
    bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """It has five fields, and stores the same as the command."""
    assert bot.user
    reply = await manager.ask(channel, "/setup")
    form = await (await reply.click("Add a game server")).wait()
    assert form.require_modal().labels == list(FORM)
    await (await form.submit_modal(FORM)).wait()
    await reply.wait_until(lambda one: "North" in read_lines(one))
    [server] = shelf.servers.servers.values()
    assert (server.name, server.host, server.port, server.number) == ("North", "192.0.2.10", 8822, 7)
    assert [action for _, action, _ in shelf.audit.lines] == ["server add"]


async def test_name_that_is_taken_is_typed_again_alone(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel
) -> None:
    """The form of Try again has everything but the secret filled in."""
    assert bot.user
    server = build_server("North", "aaaaaaaa", guild_id=GuildId(guild.id))
    shelf.servers.servers = {server.scope: server}
    reply = await manager.ask(channel, "/setup")
    form = await (await reply.click("Add a game server")).wait()
    refused = await (await form.submit_modal(FORM)).wait()
    again = await (await refused.click("Try again")).wait()
    filled = {field["label"]: field.get("value") for field in again.require_modal().fields}
    assert filled == FORM | {"Password": None}
    await (await again.submit_modal({"Name": "South", "Password": "p4ss"})).wait()
    assert sorted(one.name for one in shelf.servers.servers.values()) == ["North", "South"]


async def test_form_does_not_open_for_a_tier_without_room(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel
) -> None:
    """Nothing is typed in vain."""
    use_tier(bot, shelf, 0)
    server = build_server("North", "aaaaaaaa", guild_id=GuildId(guild.id))
    shelf.servers.servers = {server.scope: server}
    reply = await manager.ask(channel, "/setup")
    refused = await (await reply.click("Add a game server")).wait()
    assert refused.modal is None
    assert "premium tiers" in refused.embed["description"]


async def test_language_is_chosen_in_the_checklist(
    bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel
) -> None:
    """The select does the same as ``/admin language``, and shows what holds."""
    assert bot.user
    guild_id, reply = GuildId(guild.id), await manager.ask(channel, "/setup")
    assert read_lines(reply)["Language"].startswith("✅ **Language**: Automatic: English · ")
    await use(reply, "Language", "English")
    assert read_lines(reply)["Language"].startswith("✅ **Language**: English · ")
    assert shelf.guilds.settings[guild_id].language == "en"
    await use(reply, "Language", "Automatic")
    assert shelf.guilds.settings[guild_id].language is None
    assert [entry.action for _, entry in shelf.audit.entries] == ["language", "language"]
