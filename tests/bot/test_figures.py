"""The commands about figures, as people use them, against an independent count of the logs."""

from collections import Counter

from simulation.counting import KillCount, count_kills, count_rows
from simulation.discord import Interaction
from tests.bot.process import until
from tests.bot.stage import Stage, get_fields
from utils.models.deaths import DeathRow
from utils.models.quantities import write_quantity

PNG = b"\x89PNG\r\n\x1a\n"
LINK = "/link"


def get_picture(reply: Interaction) -> bytes:
    """Return the only picture of an answer, which its embed shows and its description describes."""
    assert reply.message is not None
    [attachment] = reply.message.attachments
    assert reply.embed["image"]["url"].endswith(attachment.filename)
    assert attachment.description
    return attachment.data


async def prepare(stage: Stage, *, rows: int = 400) -> KillCount:
    """Add a server with a history and return its kills counted."""
    history = stage.take(rows)
    stage.open_files().append(*history)
    await stage.add_server("North")
    return count_kills(history)


async def test_stats_cover_periods_and_draw_none_without_figures(stage: Stage) -> None:
    """The history is long over: all time has its figures, and no period has a kill to draw."""
    rows = stage.take(300)
    stage.open_files().append(*rows)
    await stage.add_server("North")
    players = count_rows(rows).players
    top = max(players.values(), key=lambda tally: (tally.kills, -tally.deaths))
    for period in ("all", "today", "7d", "30d"):
        reply = await stage.ask("/stats", by=stage.player, player=top.name, period=period)
        fields = get_fields(reply.embed)
        assert fields["Kills"] == (f"{top.kills:,}" if period == "all" else "0")
        assert ("Rank" in fields, "image" in reply.embed) == (period == "all", False)


async def test_stats_without_a_player_say_how_to_link(stage: Stage) -> None:
    """A member without a link, and a member who names such a member, learn how to link.

    Two subjects are refused.
    """
    count = await prepare(stage, rows=40)
    own = await stage.ask("/stats", by=stage.player)
    others = await stage.ask("/stats", by=stage.player, member=stage.admin)
    both = await stage.ask("/stats", by=stage.player, member=stage.admin, player=next(iter(count.names)))
    for reply in (own, others, both):
        assert (reply.is_ephemeral, reply.original_was_deleted) == (True, True)
    assert LINK in own.embed["description"]
    assert "hasn't linked a player yet" in others.embed["description"]
    assert "not both" in both.embed["description"]


async def test_linked_players_are_summed_and_have_their_place_on_the_board(stage: Stage) -> None:
    """A member's proven players count together, and the best placed of them is below the board."""
    rows = stage.take(300)
    stage.open_files().append(*rows)
    await stage.add_server("North")
    tallies = sorted(count_rows(rows).players.values(), key=lambda one: (-one.kills, one.deaths, one.name))
    mine = tallies[12:14]
    for tally in mine:
        done = await stage.ask("/admin link confirm", member=stage.player, player=tally.name)
        assert done.embed["title"] == "✅ Link confirmed", done.embed
    for options in ({}, {"member": stage.player}):
        reply = await stage.ask("/stats", by=stage.player, **options)
        fields = get_fields(reply.embed)
        assert fields["Kills"] == f"{sum(tally.kills for tally in mine):,}"
        assert fields["Deaths"] == f"{sum(tally.deaths for tally in mine):,}"
        assert fields["Best streak"] == f"{max(tally.best_streak for tally in mine):,}"
        assert "together with" in reply.embed["description"]
    board = await stage.ask("/leaderboard", by=stage.player)
    own = board.embed["description"].splitlines()[-1]
    assert own.startswith("You: `#13`")
    assert own.endswith(f"— {mine[0].kills:,} kills")


async def test_two_players_are_compared_with_their_head_to_head(stage: Stage) -> None:
    """The answer has both players' figures, and how often each killed the other.

    One player twice is refused.
    """
    count = await prepare(stage)
    (first, second), _ = count.pairs.most_common(1)[0]
    reply = await stage.ask("/compare", by=stage.player, first=first, second=second)
    _, score, _, kills, *_ = reply.embed["description"].replace("*", "").splitlines()
    assert score == f"{count.pairs[first, second]} Head-to-head {count.pairs[second, first]}"
    assert kills == f"{count.killers[first]} Kills {count.killers[second]}"
    refused = await stage.ask("/compare", by=stage.player, first=first, second=first)
    assert (refused.is_ephemeral, "same player" in refused.embed["description"]) == (True, True)


async def test_weapons_are_ranked_with_their_best_users(stage: Stage) -> None:
    """The picture says share, longest kill and best user; a player's own weapons and the board work too."""
    count = await prepare(stage)
    reply = await stage.ask("/weapons", by=stage.player)
    [picture] = reply.answer.attachments
    _, *lines = str(picture.description).split("; ")
    ranked = sorted(count.weapons, key=lambda weapon: (-len(count.weapons[weapon]), weapon))
    assert len(lines) == min(len(ranked), 10)
    for line, weapon in zip(lines, ranked, strict=False):
        kills = len(count.weapons[weapon])
        assert f" {kills:,} · {100 * kills / count.kills:.1f} %" in line
        assert f"({max(count.users[weapon].values()):,})" in line
        if longest := max(count.weapons[weapon]):
            assert f"longest {longest}\u00a0m" in line
    assert get_picture(reply).startswith(PNG)
    if len(ranked) > 10:
        await reply.click("Next")
        await reply.wait_until(lambda one: "Page 2" in one.embed["footer"]["text"])
        assert get_picture(reply).startswith(PNG)

    top, kills = count.killers.most_common(1)[0]
    own = await stage.ask("/weapons", by=stage.player, player=top)
    assert write_quantity(kills, "kill") in own.embed["description"]
    board = await stage.ask("/leaderboard", by=stage.player, board="weapons")
    assert f"— {len(count.weapons[ranked[0]]):,} kills" in board.embed["description"].splitlines()[2]
    none = await stage.ask("/weapons", by=stage.player, period="today")
    assert none.embed["description"].endswith(" · Today · no kills yet")


async def test_game_servers_are_compared_with_each_other(stage: Stage) -> None:
    """The busier server is first; each has figures of its own; a period without a kill says so."""
    north, south = stage.take(60), stage.take(200)
    stage.open_files().append(*north)
    await stage.add_server("North")
    stage.open_files(8).append(*south)
    await stage.add_server("South", number=8)
    reply = await stage.ask("/servers", by=stage.player)
    assert reply.embed["description"] == "All time"
    told = [(field["name"], field["value"].splitlines()) for field in reply.embed["fields"]]
    assert [(name, _read_compared(lines)) for name, lines in told] == [
        (name, _compare(rows)) for name, rows in (("South", south), ("North", north))
    ]
    await stage.player.select(reply.answer, "Which days", "today")
    await reply.wait_until(lambda one: one.embed["description"] == "Today")
    assert [field["value"] for field in reply.embed["fields"]] == ["No kills yet."] * 2


def _read_compared(lines: list[str]) -> tuple[str, str, str, str]:
    sums, first, weapon, longest = lines
    return sums, first, weapon.rpartition(" · ")[2], longest


def _compare(rows: list[DeathRow]) -> tuple[str, str, str, str]:
    """Return the lines about a game server; of the weapon only its kills, because it has another name."""
    count = count_kills(rows)
    tallies = count_rows(rows).players.values()
    best = min(tallies, key=lambda one: (-one.kills, one.deaths, one.name))
    killers = sum(1 for one in tallies if one.kills)
    return (
        f"**{write_quantity(count.kills, 'kill')}** · {killers} players with a kill",
        f"First: **{best.name}** · {write_quantity(best.kills, 'kill')}",
        write_quantity(max(map(len, count.weapons.values())), "kill"),
        f"Longest kill: **{max(one.longest for one in tallies)}\u00a0m**",
    )


async def test_rivals_are_told_both_ways(stage: Stage) -> None:
    """An enemy who killed the player three times is a nemesis; one they killed three times is a prey."""
    count = await prepare(stage, rows=600)
    (killer, victim), kills = count.pairs.most_common(1)[0]
    assert kills >= 3
    reply = await stage.ask("/rivals", by=stage.player, player=killer)
    prey = get_fields(reply.embed)["Prey"]
    assert f" — {count.pairs[victim, killer]} : {kills}" in prey
    reply = await stage.ask("/rivals", by=stage.player, player=victim)
    assert f" — {kills} : " in get_fields(reply.embed)["Nemesis"]
    refused = await stage.ask("/rivals", by=stage.player)
    assert (refused.is_ephemeral, LINK in refused.embed["description"]) == (True, True)


async def test_activity_is_a_picture_of_all_kills(stage: Stage) -> None:
    """The picture shows all kills by hour, or those of one player."""
    count = await prepare(stage)
    top, kills = count.killers.most_common(1)[0]
    everybody = await stage.ask("/activity", by=stage.player)
    own = await stage.ask("/activity", by=stage.player, player=top, server="North")
    assert f"{count.kills:,} kills" in everybody.embed["description"]
    assert write_quantity(kills, "kill") in own.embed["description"]
    assert get_picture(everybody).startswith(PNG)
    assert get_picture(own) != get_picture(everybody)


async def test_latest_deaths_are_listed_line_by_line(stage: Stage) -> None:
    """The newest deaths come first, by default ten, in pages beyond that; live deaths are there at once."""
    files, rows = stage.open_files(), stage.take(30)
    files.append(*rows)
    await stage.add_server("North")
    live = stage.take(1)
    files.append(*live)
    await stage.wait_for_deaths(31)
    reply = await stage.ask("/killfeed recent", by=stage.player)
    lines = reply.embed["description"].splitlines()
    assert (len(lines), reply.is_ephemeral) == (10, False)
    assert live[0].victim_name.split("_")[0] in lines[0]
    many = await stage.ask("/killfeed recent", by=stage.player, count=25)
    assert many.embed["footer"]["text"] == "Page 1 of 3"
    victim = rows[0].victim_name
    own = await stage.ask("/killfeed recent", by=stage.player, player=victim, count=1)
    assert len(own.embed["description"].splitlines()) == 1


async def test_servers_of_others_are_unknown_to_every_command(stage: Stage) -> None:
    """Servers and players of another community are unknown to every command."""
    count = await prepare(stage, rows=60)
    server_id, player = stage.find_server()["server_id"], next(iter(count.names))
    other = stage.world.create_guild("Neighbours")
    room = stage.world.create_channel(other, "room")
    await until(lambda: "joined a guild" in stage.bot.output or "ready" in stage.bot.output)
    neighbour = stage.world.owner_of(other)
    for command, options in {
        "/stats": {"player": player},
        "/compare": {"first": player, "second": player},
        "/weapons": {},
        "/rivals": {"player": player},
        "/activity": {},
        "/leaderboard": {},
        "/killfeed recent": {},
        "/admin board post": {"board": "kills"},
    }.items():
        reply = await neighbour.ask(room, command, server=server_id, **options)
        assert reply.is_ephemeral, command
        assert reply.embed["title"] == "🔎 Not found", command


async def test_board_stands_in_its_channel_and_keeps_up_to_date(stage: Stage) -> None:
    """A board is posted once, found after a restart, edited, posted again if deleted, and removed."""
    files, rows = stage.open_files(), stage.take(200)
    files.append(*rows)
    await stage.add_server("North")
    refused = await stage.ask("/admin board post", board="kills")
    assert "/admin channel set" in refused.embed["description"]
    channel = stage.world.create_channel(stage.guild, "boards")
    await stage.set_channel("leaderboard", channel)
    for _ in range(2):
        posted = await stage.ask("/admin board post", board="kills")
        assert (posted.is_ephemeral, posted.embed["title"]) == (True, "✅ Board posted")
    [message] = channel.messages
    before = message.embed["description"]
    kills = max(count_kills(rows).killers.values())
    assert f"— {kills} kills" in before.splitlines()[2]
    place = await (await stage.player.press(message, "My place")).wait()
    assert (place.is_ephemeral, LINK in place.embed["description"]) == (True, True)
    refreshed = await (await stage.player.press(message, "Refresh")).wait()
    assert (refreshed.is_ephemeral, refreshed.embed["title"]) == (True, "✅ Already up to date")
    again = await (await stage.player.press(message, "Refresh")).wait()
    assert "refreshed just now" in again.embed["description"]

    live = stage.take(200)
    files.append(*live)
    await stage.wait_for_deaths(400)
    assert await stage.bot.stop() == 0
    await stage.bot.start()
    await until(lambda: channel.messages[0].embed["description"] != before)
    assert [one.id for one in channel.messages] == [message.id]

    assert await stage.bot.stop() == 0
    stage.world.board.delete(channel.messages[0])
    await stage.bot.start()
    [again] = await stage.world.wait_for_messages(channel, 1)
    assert again.id != message.id
    removed = await stage.ask("/admin board remove", board="kills")
    assert removed.embed["title"] == "✅ Board removed"
    assert channel.messages == []
    assert stage.read("boards") == []


def test_counting_of_kills_counts_pairs_and_weapons() -> None:
    """The independent count of no rows is zero."""
    assert count_kills([]) == KillCount(0, Counter(), Counter(), {}, {}, set())
