"""Answers of commands in unusual situations."""

import re
from datetime import timedelta
from itertools import chain

import pytest

from simulation.discord import CallbackKind, Channel, Guild, Interaction, Member, Permission, SimulatedDiscord
from simulation.markdown import Reader
from tests.cogs.conftest import PIKE, SEEN, use_tier
from tests.fakes.clock import START
from tests.fakes.errors import REFERENCE
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import put_settings
from utils.errors import StorageUnavailableError
from utils.interactions.command_set import list_commands
from utils.interactions.replies import PERHAPS_DONE
from utils.models.guilds import ChannelKind
from utils.models.links import Link
from utils.models.players import BoardRow, Counters
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.services.guilds.guild_settings import CACHE_SECONDS
from utils.services.players.statistics import NEVER_SEEN

pytestmark = pytest.mark.usefixtures("bot")


def read(reply: Interaction) -> tuple[str, bool]:
    """Return an answer's sentence without escapes, and whether it is private."""
    return Reader(SEEN).read_plain(reply.embed["description"]), reply.is_ephemeral


def read_fields(reply: Interaction) -> dict[str, str]:
    """Return the fields of an answer."""
    return {field["name"]: field["value"] for field in reply.embed["fields"]}


# /stats


@pytest.mark.parametrize("typed", [PIKE, "pike_", "OLD PIKE", "old"])
async def test_player_is_taken_by_id_by_any_name_and_by_a_part_of_one(
    alice: Member, channel: Channel, typed: str
) -> None:
    """A player's id, name or part of a name give the same public figures, grouped and with units."""
    reply = await alice.ask(channel, "/stats", player=typed)
    fields = read_fields(reply)
    assert not reply.is_ephemeral
    assert reply.embed["title"] == r"📊 Pike\_"
    assert fields["Kills"] == "1,234"
    assert fields["K/D"] == "123.40"
    assert fields["Longest kill"] == "393\u00a0m"
    assert (fields["Top weapon"], "Prey" in fields) == ("Mosin (7)", False)
    assert PIKE not in str(reply.embed)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"player": "zzz"}, "No player called “zzz” yet."),
        ({"player": "Spiker"}, f"No player called “Spiker” yet. {NEVER_SEEN}".replace("`", "")),
        (
            {"player": "Pike_", "server": "North"},
            "No game server is called “North”. Did you mean Mirny, Kamensk_*?",
        ),
    ],
)
async def test_who_is_not_meant_is_told_in_private_with_what_helps(
    alice: Member, channel: Channel, options: dict[str, str], sentence: str
) -> None:
    """No, unknown and unseen players each have their sentence, in private."""
    assert read(await alice.ask(channel, "/stats", **options)) == (sentence, True)


async def test_menu_shows_a_members_figures_to_the_one_who_pressed(
    world: SimulatedDiscord, shelf: Shelf, guild: Guild, alice: Member, channel: Channel
) -> None:
    """*Stats* on a member answers like ``/stats member``, privately."""
    bob = world.add_member(guild, "bob")
    link = Link(GuildId(guild.id), MemberId(bob.id), PIKE, "Pike_", SEEN)
    await shelf.links.put_proven(link.guild_id, link, at=SEEN)
    asked = await alice.ask_on(channel, "Stats", bob)
    assert (asked.embed["title"], asked.is_ephemeral) == (r"📊 Pike\_", True)
    assert asked.embed["fields"] == (await alice.ask(channel, "/stats", member=bob)).embed["fields"]


async def test_menu_on_a_member_without_figures_says_why(
    bot: OwnBot, world: SimulatedDiscord, guild: Guild, alice: Member, channel: Channel
) -> None:
    """An unlinked member, a bot and a former member each have their sentence, in private."""
    bob, gone = world.add_member(guild, "bob"), world.add_member(guild, "gone")
    del guild.members[gone.id]
    told = {
        name: read(await alice.ask_on(channel, "Stats", target))
        for name, target in (("bob", bob), ("bot", guild.bot.user), ("gone", gone))
    }
    assert told == {
        "bob": ("@unknown hasn't linked a player yet. They can do it with /link.", True),
        "bot": ("That's a bot, and bots don't play. Choose a person.", True),
        "gone": ("They aren't in this Discord server any more.", True),
    }
    assert bot.unexpected.reported == []


async def test_stats_without_servers_say_who_can_help(shelf: Shelf, alice: Member, channel: Channel) -> None:
    """A community without servers learns the next step."""
    shelf.servers.servers.clear()
    sentence, is_private = read(await alice.ask(channel, "/stats", player="Pike_"))
    assert "Admins: start with /setup." in sentence
    assert is_private


async def test_database_outage_is_told_with_a_code_and_nothing_else(
    bot: OwnBot, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """The error is logged with the code, and the next try works."""
    shelf.statistics.failures = [StorageUnavailableError("mongod at 10.0.0.7 is away")]
    reply = await alice.ask(channel, "/stats", player="Pike_")
    assert reply.is_ephemeral
    assert REFERENCE in str(reply.embed)
    assert "10.0.0.7" not in str(reply.embed)
    assert [str(error) for error in shelf.reporter.reported] == ["mongod at 10.0.0.7 is away"]
    assert not (await alice.ask(channel, "/stats", player="Pike_")).is_ephemeral
    assert bot.unexpected.reported == []


@pytest.mark.parametrize(
    ("failure", "what"),
    [
        (StorageUnavailableError("away"), "❌ The database isn't answering"),
        (ZeroDivisionError("a mistake of ours"), "❌ Something went wrong"),
    ],
)
async def test_failed_change_promises_nothing_and_asks_to_look(
    world: SimulatedDiscord,
    shelf: Shelf,
    guild: Guild,
    manager: Member,
    channel: Channel,
    failure: Exception,
    what: str,
) -> None:
    """The change may be stored already, so the answer does not suggest to repeat it."""
    shelf.audit.failures = [failure]  # type: ignore[list-item] # also what no storage raises
    told = (await manager.ask(channel, "/admin role", role=world.create_role(guild, "scouts"))).embed
    assert told["title"] == what
    assert str(PERHAPS_DONE) in told["description"]
    assert "Nothing is lost" not in told["description"]
    assert "Try again" not in told["description"]


async def test_wallet_changed_by_hand_is_told_though_the_audit_fails_once(
    bot: OwnBot, shelf: Shelf, manager: Member, alice: Member, channel: Channel
) -> None:
    """Row and audit entry are one transaction, and the answer shows the row."""
    shelf.audit.failures = [StorageUnavailableError("away")]
    shelf.money.unknown = [True]
    reply = await manager.ask(channel, "/admin wallet", member=alice, amount=500, reason="prize")
    assert "has **500 💎**" in reply.embed["description"]
    assert (list(shelf.money.data.balances.values()), len(shelf.money.data.audit)) == ([500], 1)
    [row] = shelf.money.data.ledger
    assert row.change.key == f"admin:{reply.id}"
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


# /leaderboard


def build_rows(count: int) -> list[BoardRow]:
    """Return rows of a board."""
    return [
        BoardRow(number, PlayerId(f"{number:032x}"), f"P_{number}", 1000.0 - number, Counters())
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize(("rows", "pages"), [(0, 1), (1, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
async def test_board_can_be_turned_from_eleven_rows_on(
    shelf: Shelf, alice: Member, channel: Channel, rows: int, pages: int
) -> None:
    """A single page has neither buttons nor a footer; an empty board has a sentence."""
    shelf.statistics.rows = build_rows(rows)
    reply = await alice.ask(channel, "/leaderboard")
    text = reply.embed["description"]
    assert text.startswith("All servers · All time\n\n")
    assert text.count("\n") - 1 == (min(rows, 10) or 1)
    assert (rows == 0) is ("This board is still empty." in text)
    buttons = [
        (one["label"], one["disabled"]) for one in reply.answer.interactive_components if "label" in one
    ]
    assert buttons == ([("Previous", True), ("Next", False)] if pages > 1 else [])
    footer = reply.embed.get("footer", {}).get("text")
    assert footer == (f"Page 1 of {pages}" if pages > 1 else None)


async def test_buttons_of_pages_come_and_go_with_the_pages(
    shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """Another period of a board may have fewer pages, or more."""
    shelf.statistics.rows = build_rows(11)
    reply = await alice.ask(channel, "/leaderboard")
    days = reply.answer.interactive_components[1]
    shown = []
    for rows, period in ((1, "7d"), (1, "30d"), (11, "all")):
        shelf.statistics.rows = build_rows(rows)
        await (await alice.select(reply.answer, days["placeholder"], period)).wait()
        shown.append([one["label"] for one in reply.answer.interactive_components if "label" in one])
    assert shown == [[], [], ["Previous", "Next"]]
    pressed = await (await reply.click("Next")).wait()
    assert pressed.embed["footer"]["text"] == "Page 2 of 2"


async def test_last_page_shows_the_rest_and_the_footer_counts_on(
    shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """Ranks go on from page to page."""
    shelf.statistics.rows = build_rows(12)
    reply = await alice.ask(channel, "/leaderboard", board="deaths")
    await (await reply.click("Next")).wait_for_acknowledgement()
    await reply.wait_until(lambda one: one.embed["footer"]["text"] == "Page 2 of 2")
    assert [line.split(" — ")[0] for line in reply.embed["description"].splitlines()[2:]] == [
        "`#11` **P\\_11**",
        "`#12` **P\\_12**",
    ]
    assert [asked[0] for asked in shelf.statistics.asked] == ["deaths", "deaths"]


@pytest.mark.parametrize(("board", "minimum"), [("kd", 10), ("kills", 0), ("streak", 0)])
async def test_ratio_alone_needs_ten_kills(
    shelf: Shelf, alice: Member, channel: Channel, board: str, minimum: int
) -> None:
    """Only K/D has a minimum of ten kills, so one kill without a death is not the best ratio."""
    await alice.ask(channel, "/leaderboard", board=board)
    assert shelf.statistics.asked == [(board, minimum, 10, 0, None, ())]


async def test_board_of_bounties_opens_with_its_own_tier(
    shelf: Shelf, bot: OwnBot, alice: Member, channel: Channel
) -> None:
    """The other boards need a lower tier; the refusal names the missing one."""
    use_tier(bot, shelf, 1)
    text, is_private = read(await alice.ask(channel, "/leaderboard", board="bounties"))
    assert ("needs tier 2 (Mercenary)" in text, is_private) == (True, True)
    assert not (await alice.ask(channel, "/leaderboard", board="kills")).is_ephemeral
    assert shelf.hunters.asked == []


async def test_board_of_bounties_is_turned_no_further_than_its_tier_lasts(
    shelf: Shelf, bot: OwnBot, guild: Guild, alice: Member, channel: Channel
) -> None:
    """The grant ends while the buttons work; the remaining tier opens only the other boards."""
    use_tier(bot, shelf, 1)
    shelf.premium.give(GuildId(guild.id), 2, START + timedelta(minutes=5))
    shelf.hunters.rows = build_rows(12)
    reply = await alice.ask(channel, "/leaderboard", board="bounties")
    shelf.clock.move(301)
    pressed = await reply.click("Next")
    await pressed.wait_until(lambda one: bool(one.followups))
    assert "needs tier 2 (Mercenary)" in pressed.followups[0].embed["description"]
    assert reply.embed["footer"]["text"].startswith("Page 1 of 2")


# /killfeed status


async def test_status_covers_all_servers_or_the_named_one(
    shelf: Shelf, alice: Member, channel: Channel, guild: Guild
) -> None:
    """A server's own channel goes before the guild's; the answer is private."""
    guild_id = GuildId(guild.id)
    await put_settings(shelf.guilds, guild_id, channels={ChannelKind.KILLFEED: channel.id})
    everything = await alice.ask(channel, "/killfeed status")
    assert everything.is_ephemeral
    assert [name in str(everything.embed) for name in ("Mirny", "Kamensk")] == [True, True]
    one = await alice.ask(channel, "/killfeed status", server="mirny")
    assert [name in str(one.embed) for name in ("Mirny", "Kamensk")] == [True, False]
    assert channel.mention in str(one.embed)
    unknown = await alice.ask(channel, "/killfeed status", server="South")
    assert read(unknown)[0].startswith("No game server is called “South”.")


# /help


def read_commands(reply: Interaction) -> list[str]:
    """Return the commands that an answer mentions, in order."""
    return re.findall(r"</([^:]+):\d+>", reply.embed["description"])


async def list_help(member: Member, channel: Channel) -> dict[str, list[str]]:
    """Return the commands of each topic in a member's help, and those to begin with."""
    reply = await member.ask(channel, "/help")
    assert reply.is_ephemeral
    [row] = reply.components
    [select] = row["components"]
    listed = {"": read_commands(reply)}
    for option in select["options"]:
        await (await member.select(reply.answer, "More commands", option["label"])).wait()
        listed[option["label"]] = read_commands(reply)
        assert len(reply.embed["description"]) < 1_500
    return listed


async def test_help_begins_with_five_commands_and_has_a_select_for_the_rest(
    bot: OwnBot, alice: Member, manager: Member, channel: Channel
) -> None:
    """Only admins see topics of setting up; every command that a person can use is in one topic."""
    plain, full = await list_help(alice, channel), await list_help(manager, channel)
    assert plain.pop("") == ["stats", "leaderboard", "link", "bounty place", "killfeed recent"]
    assert full.pop("") == ["setup", "stats", "leaderboard", "link", "bounty place"]
    assert list(plain)[:5] == [
        "Stats and leaderboards",
        "Killfeed",
        "Game servers",
        "Bounties and emeralds",
        "Linking your player",
    ]
    assert set(full) - set(plain) == {
        "Setting up",
        "Setting up game servers",
        "Setting up channels",
        "Setting up posted boards",
        "Setting up role rules",
        "Managing links",
    }
    of_owners = {command.qualified_name for command in list_commands(bot)} - set(chain(*full.values()))
    backups = {f"admin backup {name}" for name in ("now", "list", "verify", "restore")}
    assert of_owners == {"owner tasks", "owner grant", "owner revoke", *backups}
    assert len(list(chain(*full.values()))) == len(set(chain(*full.values())))


@pytest.mark.parametrize("typed", ["admin server add", "/admin server add", " /Admin Server Add "])
async def test_help_of_one_command_takes_its_name_as_people_write_it(
    alice: Member, manager: Member, channel: Channel, typed: str
) -> None:
    """The name works with or without slash, in any case.

    For a member, a command without permission does not exist.
    """
    reply = await manager.ask(channel, "/help", command=typed)
    assert "admin server add" in str(reply.embed)
    refused = await alice.ask(channel, "/help", command=typed)
    assert "There's no command" in read(refused)[0]


async def test_commands_are_offered_by_any_part_of_their_name(
    shelf: Shelf, alice: Member, manager: Member, channel: Channel
) -> None:
    """Autocomplete offers at most twenty-five commands, Discord's limit, and only those of the member."""
    offered = await alice.autocomplete(channel, "/help", "command", "/STAT")
    assert [choice["value"] for choice in offered] == [
        "killfeed status",
        "premium status",
        "server status",
        "stats",
    ]
    assert len(await manager.autocomplete(channel, "/help", "command", "")) == 25
    assert await alice.autocomplete(channel, "/help", "command", "admin") == []
    assert len(await manager.autocomplete(channel, "/help", "command", "admin server")) == 12
    shelf.clock.move(CACHE_SECONDS)
    shelf.guilds.failures = [StorageUnavailableError("away")]
    assert await alice.autocomplete(channel, "/help", "command", "stat") == []


# /admin


FORM: dict[str, object] = {"name": "North", "host": "192.0.2.10", "username": "renter"}


async def fill_in(manager: Member, channel: Channel, form: dict[str, str], **options: object) -> Interaction:
    """Add a server as an admin does, and return the answer to the form."""
    opened = await (await manager.invoke(channel, "/admin server add", **FORM | options)).wait()
    assert opened.callback_kind is CallbackKind.MODAL
    return await (await opened.submit_modal(form)).wait()


async def test_server_is_added_with_what_the_form_and_the_options_say(
    shelf: Shelf, manager: Member, channel: Channel, guild: Guild
) -> None:
    """Omitted options have their defaults; the answer does not contain the secret."""
    reply = await fill_in(manager, channel, {"Password": "pw-secret"}, number=3, timezone="Europe/Berlin")
    added = list(shelf.servers.servers.values())[-1]
    assert (added.name, added.host, added.port, added.number) == ("North", "192.0.2.10", 22, 3)
    assert (added.timezone, added.legacy, added.base_path) == ("Europe/Berlin", False, None)
    assert added.scope.guild_id == guild.id
    assert reply.is_ephemeral
    assert "pw-secret" not in str(reply.embed)


async def test_time_zones_are_offered_while_they_are_typed(manager: Member, channel: Channel) -> None:
    """Any part of a name finds a time zone in both commands that take one; the name is the value."""
    for command in ("/admin server add", "/admin server edit"):
        offered = await manager.autocomplete(channel, command, "timezone", "berl")
        assert [(choice["name"], choice["value"]) for choice in offered] == [
            ("Europe/Berlin", "Europe/Berlin")
        ]


@pytest.mark.parametrize(
    ("form", "options", "sentence"),
    [
        ({}, {}, "Fill in the password or the private key."),
        (None, {"name": " mirny "}, "There's already a server called “mirny”."),
        (None, {"host": "ftp://192.0.2.10"}, "A host is a name or an address"),
        (None, {"host": "192.0.2.10/logs"}, "A host is a name or an address"),
        (None, {"timezone": "Mars/Base"}, "“Mars/Base” isn't a time zone."),
        (None, {"timezone": "../etc/passwd"}, "isn't a time zone."),
    ],
)
async def test_mistake_in_the_form_is_named_and_nothing_is_stored(
    shelf: Shelf,
    manager: Member,
    channel: Channel,
    form: dict[str, str] | None,
    options: dict[str, object],
    sentence: str,
) -> None:
    """The mistake has one private sentence, if possible before the form; the servers do not change."""
    if form is None:
        reply = await manager.ask(channel, "/admin server add", **FORM | options)
    else:
        reply = await fill_in(manager, channel, form, **options)
    text, is_private = read(reply)
    assert sentence in text
    assert is_private
    assert len(shelf.servers.servers) == 2


async def test_server_over_the_limit_is_refused_by_the_tier(
    shelf: Shelf, bot: OwnBot, manager: Member, channel: Channel
) -> None:
    """The refusal names the tier and how to make room."""
    use_tier(bot, shelf, 1)
    text, _ = read(await manager.ask(channel, "/admin server add", **FORM))
    assert text.startswith("Tier 1 (Survivor) includes 2 game servers, and you have 2.")


async def test_removal_can_be_taken_back_until_it_is_confirmed(
    shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """The question says what happens to the statistics; Cancel changes nothing."""
    asked = await manager.ask(channel, "/admin server remove", server="Kamensk_*")
    assert asked.embed["title"] == r"Remove Kamensk\_\* and its stats?"
    assert read(asked) == (
        "This deletes its stats for good. To keep them, cancel and turn on “keep_stats”.",
        True,
    )
    await asked.click("Cancel")
    await asked.wait_until(lambda one: one.embed["title"] == "Cancelled")
    assert len(shelf.servers.servers) == 2
    again = await manager.ask(channel, "/admin server remove", server="Kamensk_*", keep_stats=True)
    await again.click("Remove")
    await again.wait_until(lambda one: "removed" in one.embed["title"])
    assert [server.name for server in shelf.servers.servers.values()] == ["Mirny"]
    assert [scope.server_id for scope in shelf.servers.kept_stats] == ["bbbbbbbb"]
    assert not again.components


async def test_channel_is_set_only_where_the_bot_may_post(
    world: SimulatedDiscord, shelf: Shelf, manager: Member, channel: Channel, guild: Guild
) -> None:
    """The refusal names each missing permission as people see it in Discord."""
    silent = world.create_channel(guild, "silent")
    world.set_overwrite(silent, guild.bot, deny=int(Permission.EMBED_LINKS | Permission.ATTACH_FILES))
    refused = await manager.ask(channel, "/admin channel set", kind="killfeed", channel=silent)
    assert "Permissions I need there: Embed Links, Attach Files." in read(refused)[0]
    assert shelf.guilds.settings == {}
    done = await manager.ask(channel, "/admin channel set", kind="alerts", channel=channel)
    assert read(done) == ("The alerts channel is now #unknown.", True)
    assert channel.mention in done.embed["description"]
    own = await manager.ask(
        channel, "/admin channel set", kind="killfeed", channel=channel, server="Kamensk_*"
    )
    assert read(own)[0].startswith("The killfeed channel of Kamensk_* is now")
    listed = await manager.ask(channel, "/admin channel list")
    lines = listed.embed["description"].splitlines()
    assert f"**alerts**: <#{channel.id}>" in lines
    assert "**killfeed**: not set" in lines
    assert f"**killfeed** of Kamensk\\_\\*: <#{channel.id}>" in lines


async def test_rejected_lines_of_a_clean_server_are_none(manager: Member, channel: Channel) -> None:
    """The answer for a server without rejected lines names the server."""
    reply = await manager.ask(channel, "/admin server rejected", server="Mirny")
    assert "Mirny" in str(reply.embed)
    assert reply.is_ephemeral
