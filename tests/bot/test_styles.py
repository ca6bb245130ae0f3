"""Styles of a killfeed channel, with the whole bot."""

from simulation.discord.entities import ChannelKind
from simulation.posts import expect_posts, read_posts
from simulation.town import list_embeds, list_posts
from tests.bot.process import until
from tests.bot.stage import Stage
from utils.models.deaths import DeathKind, DeathRow


def list_kills(stage: Stage, count: int) -> list[DeathRow]:
    """Return the next kills with a weapon."""
    return [row for row in stage.take(count) if row.kind is DeathKind.KILL]


async def test_each_style_shows_the_same_deaths_in_order(stage: Stage) -> None:
    """A line, a card and a story tell who killed whom; a change counts from the next death on."""
    files, history = stage.open_files(), stage.take(20)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    live: list[DeathRow] = []
    shown: list[set[bool]] = []
    for style in ("card", "line", "story"):
        await stage.ask("/admin channel style", kind="killfeed", channel=stage.feed, style=style)
        before, rows = len(list_embeds(stage.feed)), list_kills(stage, 16)
        files.append(*rows)
        live += rows
        await stage.wait_for_posts(len(live))
        shown.append({"title" in embed for embed in list_embeds(stage.feed)[before:]})
    assert read_posts(stage.posts) == expect_posts(live, history)
    assert shown[:2] == [{True}, {False}]
    assert False in shown[2]


async def test_near_kills_are_left_out_where_an_admin_wants_it(stage: Stage) -> None:
    """They are counted; without an option the command shows what holds."""
    files, history = stage.open_files(), stage.take(20)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    saved = await stage.ask("/admin channel style", kind="killfeed", channel=stage.feed, min_distance=30)
    assert saved.embed["title"] == "✅ Style saved"
    told = await stage.ask("/admin channel style", kind="killfeed", channel=stage.feed)
    assert told.embed["title"] == "🎨 Style of a channel"
    assert {field["value"] for field in told.embed["fields"]} == {"story", "off", "30\u00a0m"}
    rows = list_kills(stage, 60)
    files.append(*rows)
    far = [row for row in rows if row.distance >= 30]
    assert 0 < len(far) < len(rows)
    await stage.wait_for_deaths(len(history) + len(rows))
    posts = await stage.wait_for_posts(len(far))
    lines = [post for post in posts if "title" not in post]
    assert len(lines) < len(rows)
    known = expect_posts(far)
    assert all(post in known for post in read_posts(lines))


async def test_delayed_posts_wait_also_over_a_restart(stage: Stage) -> None:
    """Deaths from before the end of the delay keep their place in front of later ones."""
    files, history = stage.open_files(), stage.take(10)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    await stage.ask("/admin channel style", kind="killfeed", channel=stage.feed, delay_minutes=60)
    files.append(*list_kills(stage, 8))
    await until(lambda: bool(stage.read("outbox")), what=lambda: stage.bot.output)
    waiting = len(stage.read("outbox"))
    await stage.bot.kill()
    await stage.bot.start()
    await stage.ask("/admin channel style", kind="killfeed", channel=stage.feed, delay_minutes=0)
    files.append(*list_kills(stage, 8))
    await until(lambda: len(stage.read("outbox")) > waiting, what=lambda: stage.bot.output)
    assert stage.posts == []


async def test_announcement_channel_takes_posts(stage: Stage) -> None:
    """Posts in one look like those in a text channel."""
    news = stage.world.create_channel(stage.guild, "kills", kind=ChannelKind.ANNOUNCEMENT)
    files, history = stage.open_files(), stage.take(10)
    files.append(*history)
    await until(lambda: bool(stage.world.gateway.is_connected))
    reply = await stage.set_channel(channel=news)
    assert reply.embed["title"] == "✅ Channel set"
    await stage.add_server("North")
    live = list_kills(stage, 12)
    files.append(*live)
    await until(lambda: len(list_posts(news)) >= len(live), what=lambda: stage.bot.output)
    assert read_posts(list_posts(news)) == expect_posts(live, history)
