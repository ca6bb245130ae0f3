"""Every text of success keeps its promise: a table says where, and the walks are made with one bot."""

import ast
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.architecture.source_tree import ROOT, build_module
from tests.bot import walks_of_people as people
from tests.bot import walks_of_posts as posts
from tests.bot.conftest import StageFactory
from tests.bot.success_texts import Source, list_successes
from tests.bot.test_premium import open_hosted
from tests.bot.walker import Walker


@dataclass(frozen=True)
class Row:
    """Texts of success, and the walk that reads them and finds what they promise.

    Its docstring says what must be there afterwards.
    """

    walk: Callable[[Walker], Awaitable[None]]
    texts: tuple[str, ...]


def row(walk: Callable[[Walker], Awaitable[None]], *texts: str) -> Row:
    """Return a row of the table."""
    return Row(walk, texts)


WALKED = (
    row(
        posts.add_without_a_channel,
        "{server} added",
        "I'm importing its history. Progress is in this channel.",
        "Importing the history of {server}",
        "History of {server} imported",
        "{deaths} in {days}.",
        "⚠️ No killfeed channel yet: I count kills, but post none. Set one with {set}.",
        "Channel set",
        "The {kind} channel is now {channel}.",
    ),
    row(
        posts.import_again,
        "Importing the history of {server} again",
        "Progress is in this channel. Old kills won't be posted again.",
        "I can't post in this channel, so {setup} shows when it's done. Old kills won't be posted again.",
    ),
    row(
        posts.add_in_a_silent_channel,
        "I'm importing its history. I can't post in this channel, so {setup} shows when it's done.",
        "New kills appear in {channel}.",
    ),
    row(
        posts.remove,
        "Remove {server}?",
        "Its stats stay in the database.",
        "Cancelled",
        "{server} stays.",
        "{server} removed",
        "Remove {server} and its stats?",
        "This deletes its stats for good. To keep them, cancel and turn on “keep_stats”.",
        "Its stats are gone.",
    ),
    row(
        posts.switch_kinds,
        "{server} no longer shows {kind}",
        "{server} now shows {kind}",
        "I don't post any of its deaths now, but I still count them.",
        "Posted now: {kinds}.",
        "Highlights: {kinds}.",
        "Highlights are off.",
    ),
    row(
        posts.tell_facts,
        "{server} has {count} place",
        "{server} takes its places from the log again",
        "{status} and {online} show that number from now on.",
        "I know when {server} restarts",
        "Each day at {times} ({zone}). Next: {moment}.",
        "I don't announce it.",
        "I announce it {count} minute before, in the events channel.",
        "I've forgotten when {server} restarts",
        "If it keeps a time of day, I learn it from its log.",
    ),
    row(
        posts.style,
        "Style saved",
        "Kills in {channel}:",
        "{channel} isn't a killfeed channel yet. Make it one with {set}.",
        "The {kind} channel of {server} is now {channel}.",
    ),
    row(
        posts.clear_channels,
        "Channel no longer used",
        "{server} has no {kind} channel of its own any more.",
        "Its posts go to {channel} now.",
        "Nothing to stop",
        "{server} has no {kind} channel of its own.",
        "There's no {kind} channel any more.",
        "There's no {kind} channel.",
        "Nothing is posted.",
        "All set: each new kill appears in the channel of its game server.",
    ),
    row(
        posts.count_players,
        "Counter of {server} set",
        "Counter of {server} has the default format",
        "Now its name would be **{name}**.",
        "It has no channel yet. Choose one with {set}.",
        "Its name shows who's online, and changes twice in 10 minutes at most: Discord allows no more. "
        "{format} chooses what it says.",
        "I leave the channel's name as it is.",
    ),
    row(
        posts.edit,
        "{server} changed",
        "**{setting}**: {old} → {new}",
        "New deaths use the new time zone. Run {corrects} to correct the older ones.",
    ),
    row(
        posts.edit_to_where_no_logs_are,
        "Nothing changed; {server} stays as it is.",
        "I'll look for its logs every minute and go on when they appear.",
    ),
    row(
        posts.accept_host_key,
        "The host shows the key that I saved. All is well.",
        "Key not accepted",
        "I won't read {server} while its host shows another key.",
        "New host key saved",
        "I'm reading {servers} again.",
    ),
    row(
        posts.use_admin_role,
        "Admin role set",
        "{role} can use admin commands now.",
        "Before: no role.",
        "Discord hides {admin} from members without Manage Server. To show it to that role: "
        "Server Settings → Integrations → this bot → {admin} → Add Roles or Members.",
        "Admin role cleared",
        "Only members with Manage Server can use admin commands now.",
        "Before: {role}.",
    ),
    row(
        posts.post_boards,
        "Board posted",
        "Already up to date",
        "Board refreshed",
        "Board removed",
        "I deleted its message. {post} posts it again.",
    ),
    row(posts.post_samples, "Sample posted", "I posted a sample in {channel}."),
    row(
        posts.set_up,
        "All set: each new kill appears in {channel}.",
        "Members can start with {link} and {stats}.",
        "Fix what's marked ⚠️, then press **Check again**.",
        "Created and set: {channels}.",
    ),
    row(
        people.confirm_links,
        "Nothing yet. Kills earn emeralds once your player is linked ({link}).",
        "Nothing yet.",
        "Link confirmed",
        "{member} is **{player}** (main), confirmed by you.",
        "{member} is **{player}** (alt), confirmed by you.",
    ),
    row(
        people.end_links,
        "Unlinked",
        "{member} and **{player}** aren't linked any more.",
        "You and **{player}** aren't linked any more.",
        "Their kills won't earn you emeralds any more. Your wallet stays. You leave your faction, if you "
        "are in one.",
        "Your links stay.",
    ),
    row(
        people.decide_requests,
        "{admin} confirmed that {member} is **{player}**.",
        "{admin} refused the request of {member} for **{player}**.",
        "{member} is **{player}** (main).",
        "**{player}** is linked to someone else now, so the request of {member} has ended. "
        "Is it really yours? Ask an admin.",
        "An admin refused the request of {member} for **{player}**. Is it really yours? Ask an admin.",
    ),
    row(
        people.prove,
        "Prove it's you",
        "{member}, prove you're **{player}**: **respawn from the game's menu once in each of these two "
        "windows.** You lose what you carry, so stash it first.",
        "Don't respawn in the five minutes before a window: the game has a cooldown.",
        "I'll tick them off in this message and tell you the result.",
        "{member} and **{player}** aren't linked. {link} starts again.",
        "{member} asked again for **{player}**: the times are in the newer message.",
        "{links} shows all, {unlink} ends one.",
    ),
    row(
        people.pay_for_bounties,
        "Wallet",
        "{member} has **{amount}**.",
        "Bounty placed",
        "**{amount} on {player}'s head** ({server}). The first linked player to kill them gets it. "
        "It ends {moment}.",
        "Bounty cancelled",
        "You got {refund} back for **{player}**. Cancelling cost {fee}.",
    ),
    row(people.switch_bounties, "Bounty settings saved"),
    row(people.move_recaps, "Recaps saved"),
    row(people.move_clock, "Language and time zone saved"),
    row(
        people.give_more_xp,
        "⚡ Extra XP",
        "Each kill gives {factor} times its XP until {end}.",
        "Each kill gives its usual XP right now.",
    ),
    row(
        people.run_seasons,
        "Season started",
        "Season planned",
        "**{season}** covers {where}, from {first} on.",
        "**{season}** covers {where}, from {first} to {last}.",
        "It has no last day. End it with {end}. It ends by itself after {days} days.",
        "{info} shows how it stands.",
        "End {season} today?",
        "{day} will be its last day. Its results follow when that day is over.",
        "**{season}** goes on.",
        "{season} ends today",
        "{day} is its last day. Its results follow when that day is over.",
        "Cancel {season}?",
        "It hasn't begun yet, so nothing is lost.",
        "It goes without results. The kills and stats of its days stay.",
        "**{season}** stays.",
        "{season} cancelled",
        "It's gone. Kills and stats stay.",
    ),
    row(
        people.lead_factions,
        "At most one message in ten minutes, and ten a day. They come from this Discord server only.",
        "Faction founded",
        "{leader} leads **{faction}** [{tag}].",
        "Invite members with {invite}.",
        "Members join it with {join}.",
        "Invited",
        "{member}, you're invited to **{faction}** [{tag}]. Join it with {join}. The invitation ends {at}.",
        "Joined",
        "You're in **{faction}** [{tag}] now.",
        "{member} will be out of **{faction}**.",
        "{member} isn't in **{faction}** any more.",
        "Leave {faction}?",
        "You can come back at any time, but you can join another faction only after 24 hours.",
        "{member} will lead it after you.",
        "You're its last member, so the faction will be disbanded.",
        "Left",
        "You left **{faction}**.",
        "You left **{faction}**. {leader} leads it now.",
        "You left **{faction}**. You were its last member, so it is disbanded.",
        "**{faction}** will be disbanded, and all its members leave it. Others can't use its name for "
        "30 days.",
        "**{faction}** is disbanded.",
        "Rank changed",
        "{member} is an officer of **{faction}** now.",
        "{member} is a plain member of **{faction}** now.",
        "{member} will lead **{faction}**, and you become an officer.",
        "{member} leads **{faction}** now.",
        "Faction changed",
        "Name: **{old}** → **{new}**",
        "Tag: [{old}] → [{new}]",
        "Anyone may join now.",
        "Members need an invitation now.",
        "Change this faction?",
        "**{old}** [{old_tag}] becomes **{new}** [{new_tag}].",
        "**{faction}** will be disbanded, and all its members leave it.",
        "{member} will lead **{faction}**.",
        "Nothing has changed.",
    ),
    row(
        people.wait_for_a_tier,
        "Premium granted: {guild}",
        "It stays empty until tier {level} ({name}). See {tiers}.",
        "Its name changes from tier {level} ({name}) on. See {tiers}.",
        "Premium revoked: {guild}",
    ),
    row(
        people.grant_from_afar,
        "Premium granted",
        "Premium revoked",
        "I'm not in that Discord server yet. The change counts once I'm invited.",
    ),
    row(
        people.give_roles,
        "Save this new role rule?",
        "Change this role rule?",
        "Nothing was saved.",
        "Role rule saved",
        "I give and take {role} from now on. {list} shows how far I am.",
        "Roles compared",
        "I compared all roles with Discord. I change one role a second; {list} shows how far I am.",
        "Remove this role rule?",
        "The role rule stays.",
        "Role rule removed",
        "I take the role {role} from everyone who has it from me.",
        "I take the role {role} from everyone who has it by no other rule.",
        "Members keep the role {role}.",
    ),
    row(
        people.erase,
        "You can't undo this.",
        "Nothing was erased.",
        "Erased",
        "Names, stats, time played, links and wallet are gone.",
        "If you keep playing, you start again from zero.",
        "Links and wallet are gone.",
        "{count} death now shows “{erased}”.",
        "If they keep playing, they start again from zero.",
    ),
)
"""Walks in the order in which they are made, with one bot."""

SAVED = "tests/bot/test_hosts.py::test_saved_server_imports_its_history_when_its_logs_appear"
SETUP = "tests/bot/test_setup.py::test_admin_presses_from_joining_to_the_first_kill"
RESOLVED = "tests/utils/telemetry/test_error_writer.py::test_group_opens_again_after_it_was_resolved"
DECIDED = "tests/cogs/test_link_requests.py"
POSTED = "tests/bot/test_events.py::test_settings_of_posts_hold_from_the_next_event_on"
WALKED_ELSEWHERE = {
    "I couldn't take these roles, so ask an admin to remove them: {roles}.": (
        "tests/utils/delivery/test_roles.py::test_erasure_takes_every_role_and_names_those_that_stay"
    ),
    "Posts changed": POSTED,
    "{kind} of all game servers:": POSTED,
    "{kind} of {server}:": POSTED,
    "Mission muted": POSTED,
    "Mission no longer muted": POSTED,
    "I no longer post {mission}.": POSTED,
    "I no longer post {mission} of {server}.": POSTED,
    "I post {mission} again, except where a game server mutes it.": POSTED,
    "I post {mission} of {server} again.": POSTED,
    "{mission} stays muted on {server}, because it's muted for all game servers.": POSTED,
    "{server} saved": SAVED,
    "**Save anyway** keeps the login, and I'll look for the logs every minute.": SAVED,
    "I saved its login and host key, and I'll look for its logs every minute.": SAVED,
    "When they appear, I'll import the history.": SAVED,
    "Below, choose a channel for the kills, or press **Create the channels**.": SETUP,
    "Press **Add a game server**. You need its SFTP address, user name and password: the panel of your "
    "hosting company shows them.": SETUP,
    "I'm getting everything ready. Press **Check again** in a minute.": (
        "tests/cogs/test_setup.py::test_game_server_shows_its_state"
    ),
    "Every channel exists already.": (
        "tests/cogs/test_setup.py::test_two_admins_who_press_at_once_create_each_channel_once"
    ),
    "Posted in {channel}. It updates every 30 minutes.": (
        "tests/utils/services/players/test_posted_boards.py::test_board_is_edited_only_when_it_changed"
    ),
    "Posted in {channel}. It updates within a minute of a change.": (
        "tests/utils/services/players/test_posted_boards.py::"
        "test_live_board_is_edited_within_a_minute_and_only_when_it_changed"
    ),
    "You can refresh it again {at}.": (
        "tests/utils/services/players/test_posted_boards.py::test_board_is_refreshed_by_hand_once_a_minute"
    ),
    "{member} is **{player}** (alt).": (
        "tests/utils/services/links/test_linking.py::"
        "test_first_link_is_main_and_the_others_are_alts_without_proof"
    ),
    "{member}, I didn't see **{player}** respawn or leave in both windows. Try again later with {link}.": (
        "tests/utils/services/links/test_linking.py::test_player_who_was_asked_for_in_vain_rests_whoever_asks"
    ),
    "If you did it in both, the game server's clock or time zone may be set wrong. Ask an admin to use "
    "{confirm}.": (
        "tests/utils/services/links/test_linking.py::test_pause_holds_up_no_admin_and_ends_with_a_proof"
    ),
    "Someone else asked for **{player}** too, and what I saw fits both requests, so nobody is linked. "
    "{member}, try again with {link} later, or ask an admin to use {confirm}.": (
        "tests/bot/test_links.py::test_nothing_about_a_request_is_lost_when_the_bot_is_killed"
    ),
    "I can't update this message, because I'm missing View Channel. {links} shows whether it worked.": (
        "tests/bot/test_links.py::test_request_says_so_where_the_bot_does_not_see_the_channel"
    ),
    "Or leave the game server in a window and stay away for a minute: that counts as well, and you lose "
    "nothing.": "tests/bot/test_links.py::test_leaving_the_server_is_a_sign_while_its_log_is_well",
    "Import of {server} stopped": "tests/utils/delivery/test_progress.py",
    "The server was removed during the import.": "tests/utils/delivery/test_progress.py",
    "Error resolved": RESOLVED,
    "{reference}: {old} → {new}. If it comes back, it opens again.": RESOLVED,
    "{member} is linked to **{player}** already.": f"{DECIDED}::test_admin_decides_and_the_alert_shows_it",
    "{member} proved **{player}** at this moment.": (
        "tests/utils/services/links/test_linking.py::test_proof_that_comes_first_wins_over_a_refusal"
    ),
    "This request is over: someone ended or refused it, or it wasn't proven in time.": (
        f"{DECIDED}::test_alert_of_a_request_that_is_over_says_so"
    ),
}
"""Texts whose promise needs another clock or another fault; the test of each finds what it promises."""

NO_PROMISE = {
    "obstacles, and what to do about them": (
        "⚠️ The killfeed channel is gone, so I post nothing. Set another with {set}.",
        "⚠️ I can't post in {channel} yet. Permissions I need there: {permissions}.",
        "I can't create the other channels. Give my role **Manage Channels**, then press again.",
        "Discord allows 500 channels, and you have that many. Delete one, then press again.",
        "Discord didn't answer, so some channels may be missing. Press again in a minute.",
        (
            "The host shows a new key. Either your hosting company moved the server, or someone is "
            "intercepting the connection. Ask the company for the fingerprint, and accept the new key only "
            "if it's the same."
        ),
    ),
    "titles and names of what is only shown": (
        "Unless another rule is about {role}, I take it from everyone.",
        "The first on that board isn't linked, so no one gets the role right now.",
        "⚙️ Posts",
        "{old} → {new}",
        "⚙️ Bounty settings",
        "⚙️ Recaps",
        "Weekly recap",
        "Daily recap",
        "{hour}:00 {zone}",
        "{weekday} at {time}, about the last week from Monday to Sunday",
        "every day at {time}, about the day before",
        "No news channel is set, so I don't post recaps. Choose one with {set}.",
        "{number} h",
        "Bounties and paid kills",
        "Bounties by the house",
        "A bounty lasts",
        "Largest bounty",
        "🎨 Style of a channel",
        "🔑 Host key: {server}",
        "🧭 Setup",
        "📨 Direct messages",
        "Counters",
        "Language",
        "{server}",
        "{kind} of {server}",
        "all game servers",
        "Nothing changed",
        "{count} more game server",
        "Put a price on {member}",
        "none",
        "No deaths in its logs yet.",
        "You haven't linked a player yet. {link} does it.",
    ),
}


def test_every_text_of_success_has_a_row() -> None:
    """A new text of success is walked to its promise, or named as one that promises nothing."""
    rows = [
        *(text for one in WALKED for text in one.texts),
        *WALKED_ELSEWHERE,
        *(text for texts in NO_PROMISE.values() for text in texts),
    ]
    assert sorted(rows) == sorted(list_successes())


@pytest.mark.parametrize("test", sorted(set(WALKED_ELSEWHERE.values())))
def test_test_that_walks_a_text_exists(test: str) -> None:
    """A row names a test, or a file of tests about its text."""
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert not name or name in {one.name for one in ast.walk(tree) if isinstance(one, ast.AsyncFunctionDef)}


async def test_every_promise_is_true(open_stage: StageFactory) -> None:
    """People read each text of the table, and what it promises happens."""
    stage = await open_hosted(open_stage, tier=4)
    walker = Walker.begin(stage)
    unread: dict[str, list[str]] = {}
    for one in WALKED:
        walker.read.clear()
        await one.walk(walker)
        if missing := walker.list_missing(one.texts):
            unread[one.walk.__name__] = missing
    assert unread == {}
    assert await stage.bot.stop() == 0


def test_texts_of_success_are_found_however_they_are_built() -> None:
    """The builder and a declared change show one, with the helpers that they name."""
    command = build_module(
        "@admin_access(is_change=True)\n"
        "async def change(self, ctx):\n"
        "    if wrong: raise Refused(text('Not now.'))\n"
        "    await ctx.respond(embed=ctx.embeds.build_notice(text('Not found as a name'), self._say()))\n"
        "def _say(self): return text('It is changed.')\n"
        "async def show(self, ctx): return text('Nothing is changed.')\n"
        "async def press(self, ctx): return ctx.embeds.build_success(text('Pressed'))\n",
        "cogs/example.py",
    )
    builder = build_module(
        "def build_won_embed(style): return build_success_embed(style, text('Won'))\n"
        "def build_state_embed(style): return style.build(text('Well'), colour=style.theme.success)\n",
        "utils/embeds/example.py",
    )
    factory = build_module("", "utils/embeds/factory.py")
    assert Source([command, builder, factory]).list_successes() == {"It is changed.", "Pressed", "Won"}
