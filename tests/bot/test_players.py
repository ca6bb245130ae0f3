"""Players who come and go: the whole bot beside a game server that writes its Deadside.log."""

from datetime import timedelta

from simulation.discord import ChannelKind, Fault, Permission
from simulation.town import list_embeds
from tests.bot.game_log import GameLogWriter
from tests.bot.process import until
from tests.bot.stage import Stage


def list_lines(stage: Stage) -> list[str]:
    """Return the posted lines about joins and leaves."""
    texts = [str(embed.get("description")) for embed in list_embeds(stage.feed)]
    return [line for text in texts for line in text.splitlines() if line.startswith(("📥", "📤"))]


async def test_joins_and_leaves_are_posted_once_though_the_bot_is_killed(stage: Stage) -> None:
    """The bot knows who was there before it, posts what follows, and goes on after a kill."""
    log = GameLogWriter(stage)
    log.join("Ghost", ago=timedelta(hours=1))
    await stage.ask("/admin channel set", kind="connections", channel=stage.feed)
    await stage.add_server()
    await until(lambda: bool(stage.read("presence")), what=lambda: stage.bot.output)
    log.join("Otter", "Fox", ago=timedelta(seconds=40))
    await until(lambda: len(list_lines(stage)) >= 2, what=lambda: stage.bot.output)
    await stage.bot.kill()
    log.leave("Ghost", ago=timedelta(seconds=35))
    log.join("Pike")
    await stage.bot.start()
    await until(lambda: len(list_lines(stage)) >= 4, what=lambda: stage.bot.output)
    lines = list_lines(stage)
    assert sorted(lines[:2]) == ["📥 **Fox** joined", "📥 **Otter** joined"]
    assert lines[2] == "📥 **Pike** joined"
    # an hour less what the leave is ago, and what the test has taken
    assert lines[3].startswith(("📤 **Ghost** left after 59 min", "📤 **Ghost** left after 1 h"))
    online = (await stage.ask("/server online")).embed["description"]
    assert [name in online for name in ("3 / 50", "Fox", "Otter", "Pike", "Ghost")] == [True] * 4 + [False]
    offered = await stage.player.autocomplete(stage.office, "/playtime", "player", "otte")
    assert [one["name"] for one in offered] == ["Otter"]
    played = await stage.ask("/playtime", player=offered[0]["value"])
    assert "Otter" in str(played.embed)
    (session,) = stage.read("sessions")
    assert (session["name"], session["reason"]) == ("Ghost", "quit")


async def test_posts_and_a_stop_do_not_wait_for_a_limited_rename(stage: Stage) -> None:
    """A channel shows by its name who is online; when Discord limits that, kills are posted nevertheless."""
    log = GameLogWriter(stage)
    log.join("Ghost", ago=timedelta(hours=1))
    voice = stage.world.create_channel(stage.guild, "players", kind=ChannelKind.VOICE)
    stage.world.set_overwrite(voice, stage.guild.bot, allow=int(Permission.MANAGE_CHANNELS))
    await stage.ask("/admin channel set", kind="killfeed", channel=stage.feed)
    await stage.add_server()
    await until(lambda: bool(stage.read("presence")), what=lambda: stage.bot.output)
    await stage.ask("/admin channel set", kind="counter", channel=voice)
    await until(lambda: voice.name == "North | 1/50", what=lambda: stage.bot.output)
    limited = Fault("PATCH", "/channels/{channel_id}", status=429, retry_after=600, times=None)
    stage.world.faults.add(limited)
    log.join("Otter")
    await until(lambda: len(stage.read("presence")) == 2, what=lambda: stage.bot.output)
    answer = await stage.ask("/admin counter format", server="North", format="{online} of {max} online")
    assert "**2 of 50 online**" in answer.embed["description"]
    await until(lambda: limited.struck == 1, what=lambda: stage.bot.output)
    stage.open_files().append(*stage.take(1))
    await stage.wait_for_posts(1)
    assert await stage.bot.stop() == 0, stage.bot.output
    assert (voice.name, voice.past_names) == ("North | 1/50", ["players"])
    assert len(stage.find_server()["counter"]["renamed_at"]) == 2
