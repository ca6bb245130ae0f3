"""Players who come and go: the whole bot beside a game server that writes its Deadside.log."""

from datetime import timedelta

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
    assert lines[3].startswith("📤 **Ghost** left after 59 min")
    online = (await stage.ask("/server online")).embed["description"]
    assert [name in online for name in ("3 / 50", "Fox", "Otter", "Pike", "Ghost")] == [True] * 4 + [False]
    (session,) = stage.read("sessions")
    assert (session["name"], session["reason"]) == ("Ghost", "quit")
