"""The journey of an admin and a player through every command."""

from collections.abc import Callable

from simulation.counting import Tally, count_rows
from simulation.discord import Interaction
from simulation.posts import expect_posts, read_posts
from simulation.town import list_posts
from tests.bot.process import until
from tests.bot.stage import Stage, check_in_time, get_fields

KD_KILLS = 10  # the K/D board's minimum of kills

BOARDS: dict[str, tuple[str, Callable[[Tally], float], str]] = {
    "kills": ("Most kills", lambda one: one.kills, "{:,} kills"),
    "deaths": ("Most deaths", lambda one: one.deaths, "{:,} deaths"),
    "kd": (
        "Best K/D ratio",
        lambda one: one.kills / max(one.deaths, 1) if one.kills >= KD_KILLS else 0,
        "{:.2f} K/D",
    ),
    "streak": ("Longest streaks", lambda one: one.best_streak, "{:,} in a row"),
    "longest": ("Longest kills", lambda one: one.longest, "{:,}\u00a0m"),
    "suicides": ("Most respawns and accidents", lambda one: one.suicides, "{:,} respawns and accidents"),
}
"""Each board's title, the value that it ranks by, and the text of that value."""


def describe(reply: Interaction) -> tuple[bool, str]:
    """Return whether an answer is private, and its title."""
    return reply.is_ephemeral, reply.embed["title"]


async def test_admin_sets_up_a_server_and_the_killfeed_shows_live_deaths_alone(stage: Stage) -> None:
    """The history is read without posts, with visible progress; later deaths are posted once, in order."""
    files, history = stage.open_files(), stage.take(120)
    files.append(*history)
    assert describe(await stage.set_channel()) == (True, "✅ Channel set")

    added = await stage.add_server("North")
    live = stage.take(25)
    files.append(*live)
    posts = await stage.wait_for_posts(len(live))
    progress = await stage.wait_for_import("North")

    assert describe(added) == (True, "✅ North added")
    assert progress.embed["description"].startswith("120 deaths in ")
    assert f"New kills appear in {stage.feed.mention}." in progress.embed["description"]
    assert not progress.is_ephemeral
    assert read_posts(posts) == expect_posts(live, history)
    assert all(len(embed["description"].splitlines()) <= 3 and not embed.get("fields") for embed in posts)
    assert stage.read_counters() == count_rows([*history, *live]).summarise()


async def test_admin_commands_answer_in_private_when_a_server_is_there(stage: Stage) -> None:
    """Each setting and each state has a private answer."""
    stage.open_files().append(*stage.take(30))
    await stage.set_channel()
    await stage.add_server("North")
    answers = {
        "list": await stage.ask("/admin server list"),
        "test": await stage.ask("/admin server test", server="North"),
        "rejected": await stage.ask("/admin server rejected", server="north"),
        "channels": await stage.ask("/admin channel list"),
        "sample": await stage.ask("/admin channel test", kind="killfeed"),
        "status": await stage.ask("/killfeed status", by=stage.player),
    }
    assert {name: describe(reply) for name, reply in answers.items()} == {
        "list": (True, "🖥️ Game servers"),
        "test": (True, "✅ Everything works: North"),
        "rejected": (True, "🧩 Rejected lines: North"),
        "channels": (True, "Channels"),
        "sample": (True, "✅ Sample posted"),
        "status": (True, "📡 Killfeed status"),
    }
    assert stage.feed.mention in answers["channels"].embed["description"]
    assert "Connected" in get_fields(answers["status"].embed)["✅ North"]
    assert ["Sample killer" in embed["description"] for embed in stage.posts] == [True, True]


async def test_settings_of_one_server_win_over_those_of_the_guild_when_both_are_set(stage: Stage) -> None:
    """A server's own channel gets its deaths; the guild's channel gets those of the others."""
    own = stage.world.create_channel(stage.guild, "south-feed")
    north, south = stage.open_files(1), stage.open_files(2)
    north.append(*stage.take(5))
    south.append(*stage.take(5))
    await stage.set_channel()
    await stage.add_server("North", number=1)
    await stage.add_server("South", number=2)
    reply = await stage.ask("/admin channel set", kind="killfeed", channel=own, server="South")
    in_north, in_south = stage.take(3), stage.take(4)
    north.append(*in_north)
    south.append(*in_south)
    await stage.wait_for_posts(3)
    await until(lambda: len(list_posts(own)) >= 4, what=lambda: stage.bot.output)

    assert "of South" in reply.embed["description"]
    assert [len(list_posts(channel)) for channel in (stage.feed, own)] == [3, 4]


async def test_player_finds_figures_by_id_name_and_part_when_deaths_are_counted(stage: Stage) -> None:
    """The offered choice, the exact name and a unique part of the name all find the same player."""
    rows = stage.take(200)
    stage.open_files().append(*rows)
    await stage.add_server("North")
    count = count_rows(rows)
    top_id, top = max(count.players.items(), key=lambda item: (item[1].kills, -item[1].deaths))
    choices = await stage.player.autocomplete(stage.office, "/stats", "player", top.name[1:].upper())
    assert {"name": top.name, "value": top_id} in choices

    shown = []
    for text in (top_id, top.name.upper()):
        for server in ({}, {"server": "North"}, {"server": str(stage.find_server()["server_id"])}):
            reply = await stage.ask("/stats", by=stage.player, player=text, **server)
            assert not reply.is_ephemeral
            shown.append(get_fields(reply.embed))
    expected = {
        "Kills": f"{top.kills:,}",
        "Deaths": f"{top.deaths:,}",
        "Respawns and accidents": f"{top.suicides:,}",
        "Best streak": f"{top.best_streak}",
        "Streak now": f"{top.current_streak}",
        "Longest kill": f"{top.longest:,}\u00a0m",
    }
    told = [{name: fields.get(name, "0") for name in expected} for fields in shown]
    assert told == [expected] * len(shown)
    assert top_id not in repr(shown)


async def test_public_errors_turn_private_when_a_player_or_server_is_unknown(stage: Stage) -> None:
    """The public placeholder is deleted, and the reason follows privately with the next step."""
    stage.open_files().append(*stage.take(40))
    empty = await stage.ask("/leaderboard", by=stage.player)
    await stage.add_server("North")
    replies = {
        "nobody": await stage.ask("/stats", by=stage.player, player="zzzzzz"),
        "missing": await stage.ask("/stats", by=stage.player),
        "server": await stage.ask("/leaderboard", by=stage.player, server="West"),
        "empty": empty,
    }
    for reply in replies.values():
        assert (reply.is_ephemeral, reply.original_was_deleted) == (True, True)
    texts = {name: reply.embed["description"] for name, reply in replies.items()}
    assert "No player called “zzzzzz” yet" in texts["nobody"]
    assert "North" in texts["server"]
    assert "/setup" in texts["empty"]


async def test_boards_are_paged_for_the_invoker_alone_when_they_are_long(stage: Stage) -> None:
    """Every board answers. Its buttons work only for the asker, and report a restart of the bot."""
    rows = stage.take(400)
    stage.open_files().append(*rows)
    await stage.add_server("North")
    tallies = count_rows(rows).players.values()
    for board, (title, value, text) in BOARDS.items():
        reply = await stage.ask("/leaderboard", by=stage.player, board=board)
        assert describe(reply) == (False, f"🏆 {title}")
        values = [line.rpartition(" — ")[2] for line in reply.embed["description"].splitlines()[2:]]
        best = sorted(filter(None, map(value, tallies)), reverse=True)[:10]
        wanted = [text.format(one) for one in best]
        values = [one.replace("respawn or", "respawns and") for one in values]
        assert [one.removesuffix("s") for one in values] == [one.removesuffix("s") for one in wanted]

    reply = await stage.ask("/leaderboard", by=stage.player)
    first = reply.embed
    killers = sorted(
        (tally for tally in tallies if tally.kills),
        key=lambda tally: (-tally.kills, tally.deaths, tally.name),
    )
    assert f"— {killers[0].kills:,} kills" in first["description"].splitlines()[2]
    assert first["footer"]["text"] == f"Page 1 of {-(-len(killers) // 10)}"

    await check_in_time(await (await reply.click("Next")).wait_for_acknowledgement()).wait()
    await reply.wait_until(lambda one: "Page 2" in one.embed["footer"]["text"])
    assert reply.message is not None
    stranger = await (await stage.admin.press(reply.message, "Next")).wait()
    assert (stranger.is_ephemeral, "Someone else ran" in stranger.content) == (True, True)

    assert await stage.bot.stop() == 0
    await stage.bot.start()
    ended = await (await reply.click("Next")).wait()
    assert (ended.is_ephemeral, ended.content) == (
        True,
        "These buttons have expired. Run the command again.",
    )


async def test_guilds_know_nothing_of_each_other_when_they_read_the_same_server(stage: Stage) -> None:
    """Two communities with the same game server have their own figures, and one may remove it."""
    files, history = stage.open_files(), stage.take(30)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    other = stage.world.create_guild("Neighbours")
    room = stage.world.create_channel(other, "room")
    neighbour = stage.world.owner_of(other)
    await until(lambda: "joined a guild" in stage.bot.output or "ready" in stage.bot.output)
    nothing = await neighbour.ask(room, "/leaderboard")
    assert "No game server is set up yet" in nothing.embed["description"]
    assert await neighbour.autocomplete(room, "/stats", "server", "") == []
    assert await neighbour.autocomplete(room, "/stats", "player", "") == []
    foreign = await neighbour.ask(room, "/stats", player=history[0].victim_id)
    assert foreign.is_ephemeral

    assert await stage.admin.autocomplete(stage.office, "/stats", "server", "nor") == [
        {"name": "North", "value": stage.find_server()["server_id"]}
    ]
    live = stage.take(4)
    files.append(*live)
    assert read_posts(await stage.wait_for_posts(4)) == expect_posts(live, history)
    assert room.messages == []


async def test_help_shows_what_the_asking_member_can_use_here(stage: Stage) -> None:
    """Members begin with public commands, admins with the set-up; one command has a detailed help."""
    for_player = await stage.ask("/help", by=stage.player)
    for_admin = await stage.ask("/help")
    detail = await stage.ask("/help", command="admin server add")
    assert for_player.is_ephemeral
    assert "</setup:" not in for_player.embed["description"]
    assert for_admin.embed["description"].startswith("</setup:")
    assert detail.embed["title"] == "📖 /admin server add"
    refused = await stage.ask("/help", by=stage.player, command="admin server add")
    assert (refused.is_ephemeral, "There's no command" in refused.embed["description"]) == (True, True)


async def test_server_is_removed_only_when_the_admin_confirms(stage: Stage) -> None:
    """Cancel changes nothing; the confirmed removal deletes counters and deaths and ends reading."""
    files = stage.open_files()
    files.append(*stage.take(30))
    await stage.add_server("North")
    kept = await stage.ask("/admin server remove", server="North")
    await kept.click("Cancel")
    await kept.wait_until(lambda one: one.embed["title"] == "Cancelled")
    assert stage.count_deaths() == 30

    removed = await stage.ask("/admin server remove", server="North")
    await removed.click("Remove")
    await removed.wait_until(lambda one: one.embed["title"] == "✅ North removed")
    [left] = stage.read("game_servers")  # the login stays until no job of the server can be running
    assert (left["is_removed"], left["host"], left["username"], left["secret"]) == (True, "", "", b"")
    for collection in (
        "kills",
        "players",
        "player_days",
        "server_months",
        "cursors",
        "outbox",
    ):
        assert stage.read(collection) == []
    choices = await stage.admin.autocomplete(stage.office, "/stats", "server", "")
    assert choices == []
