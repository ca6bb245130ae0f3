"""Walks from the texts about servers, channels and posts to what they promise, in their order."""

import pytest

from simulation.discord import ChannelKind, Permission, UnknownCommandError
from simulation.town import list_embeds
from tests.bot.process import until
from tests.bot.stage import get_fields
from tests.bot.walker import HISTORY, Walker

KILL_KINDS = ("kill", "vehicle", "fall", "self", "unknown")
HIGHLIGHTS = (
    "record",
    "milestone",
    "bounty",
    "multikill",
    "streak_ended",
    "streak",
    "revenge",
    "first_blood",
)


async def add_without_a_channel(walker: Walker) -> None:
    """The history is imported, kills are counted and not posted; from the choice of a channel on they are."""
    stage = walker.stage
    answer = walker.read_answer(await stage.fill_in_server("North"))
    await stage.wait_for_import("North")
    assert stage.count_deaths() == len(HISTORY)
    await walker.count_kill()
    assert (stage.read("outbox"), list_embeds(stage.feed)) == ([], [])
    await walker.press(answer, "Choose the killfeed channel", stage.feed)
    await walker.post_kill(stage.feed)


async def import_again(walker: Walker) -> None:
    """The progress is a message, or a line of ``/setup`` where the bot may not write; nothing is reposted."""
    stage, before = walker.stage, len(walker.stage.find_imports("North"))
    await walker.ask("/admin server import", server="North")
    await until(lambda: len(stage.find_imports("North")) > before, what=lambda: stage.bot.output)
    silent = walker.create_channel("silent")
    stage.world.set_overwrite(silent, stage.guild.bot, deny=int(Permission.SEND_MESSAGES))
    generation = stage.find_server()["generation"]
    walker.read_answer(await stage.admin.ask(silent, "/admin server import", server="North"))
    await until(lambda: stage.find_server()["generation"] > generation, what=lambda: stage.bot.output)
    await walker.ask_until("/setup", "connected, history imported")
    await walker.post_kill(stage.feed)


async def add_in_a_silent_channel(walker: Walker) -> None:
    """The checklist says when the history is imported; new kills are posted where the answer says."""
    stage = walker.stage
    stage.open_files(8).append(*stage.take(5))
    silent = stage.guild.channel_named("silent")
    form = await stage.admin.ask(silent, "/admin server add", **stage.describe_server("South", number=8))
    answer = await form.submit_modal({"Password": stage.secrets[0]})
    walker.read_answer(await answer.wait(120))
    await until(lambda: stage.count_deaths("South") == 5 and stage.find_server("South")["generation"] > 0)
    await walker.ask_until("/setup", "**South**: connected, history imported")
    stage.open_files(8).append(*stage.take(1))
    await walker.wait_for_post(stage.feed)


async def remove(walker: Walker) -> None:
    """Cancelled, the server stays; removed with its stats kept, they stay; else they are gone."""
    stage = walker.stage
    asked = await walker.ask("/admin server remove", server="South", keep_stats=True)
    await walker.press_to(asked, "Cancel", "Cancelled")
    assert stage.find_server("South")
    server_id = stage.find_server("South")["server_id"]
    asked = await walker.ask("/admin server remove", server="South", keep_stats=True)
    await walker.press_to(asked, "Remove", "✅ South removed")
    assert len(stage.read("kills", server_id=server_id)) == 6
    walker.read_answer(await stage.fill_in_server("East", number=8))
    await until(lambda: len(stage.find_imports("East")) == 1, what=lambda: stage.bot.output)
    server_id = stage.find_server("East")["server_id"]
    asked = await walker.ask("/admin server remove", server="East")
    await walker.press_to(asked, "Remove", "✅ East removed")
    kept = [stage.read(name, server_id=server_id) for name in ("kills", "players", "player_days", "cursors")]
    assert kept == [[], [], [], []]


async def switch_kinds(walker: Walker) -> None:
    """A kind that is off is counted and not posted; without highlights a revenge is a line like any kill."""
    stage = walker.stage
    for kind in KILL_KINDS:
        await walker.ask("/admin server announce", server="North", kind=kind, on=False)
    await walker.count_kill()
    for kind in HIGHLIGHTS:
        await walker.ask("/admin server announce", server="North", kind=kind, on=False)
    await walker.ask("/admin server announce", server="North", kind="kill", on=True)
    post = await walker.post_kill(stage.feed, "Badger", "Raven")
    assert "title" not in post
    for kind in (*KILL_KINDS, *HIGHLIGHTS):
        await walker.ask("/admin server announce", server="North", kind=kind, on=True)
    post = await walker.post_kill(stage.feed, "Raven", "Badger")
    assert "title" in post


async def tell_facts(walker: Walker) -> None:
    """The facts of an admin are shown from then on, and forgotten when they say so."""
    await walker.ask("/admin server slots", server="North", max=70)
    shown = await walker.ask("/admin server log", server="North")
    assert "70, set by an admin" in shown.embed["description"]
    await walker.ask("/admin server slots", server="North")
    shown = await walker.ask("/admin server log", server="North")
    assert "set by an admin" not in shown.embed["description"]
    await walker.ask("/admin server restarts", server="North", times="02:00")
    await walker.ask("/admin server restarts", server="North", warn_minutes=1)
    status = await walker.ask("/server status")
    assert "<t:" in get_fields(status.embed)["Next restart"]
    await walker.ask("/admin server restarts", server="North")
    status = await walker.ask("/server status")
    assert "Next restart" not in get_fields(status.embed)


async def style(walker: Walker) -> None:
    """The next kill has the style; one of a channel without kills counts from its choice on."""
    stage, other = walker.stage, walker.create_channel("cards")
    await walker.ask("/admin channel style", kind="killfeed", channel=stage.feed, style="line")
    assert "title" not in await walker.post_kill(stage.feed, "Badger", "Raven")
    await walker.ask("/admin channel style", kind="killfeed", channel=other, style="card")
    await walker.ask("/admin channel set", kind="killfeed", channel=other, server="North")
    assert "title" in await walker.post_kill(other, "Otter", "Lynx")


async def clear_channels(walker: Walker) -> None:
    """Posts go where each answer says, and nowhere in the end."""
    stage = walker.stage
    await walker.ask("/admin channel clear", kind="killfeed", server="North")
    await walker.post_kill(stage.feed)
    await walker.ask("/admin channel clear", kind="killfeed", server="North")
    await walker.ask("/admin channel clear", kind="killfeed")
    await walker.ask("/admin channel clear", kind="killfeed")
    await walker.count_kill()
    await until(lambda: stage.read("outbox") == [])  # the posts before it may be marked a little later
    own = stage.guild.channel_named("cards")
    await walker.ask("/admin channel set", kind="killfeed", channel=own, server="North")
    assert "the channel of its game server" in str((await walker.ask("/setup")).embed["fields"])
    await walker.post_kill(own)
    await walker.ask("/admin channel clear", kind="killfeed", server="North")
    await walker.ask("/admin channel set", kind="killfeed", channel=stage.feed)
    await walker.post_kill(stage.feed)


async def count_players(walker: Walker) -> None:
    """A voice channel shows by its name what is known, as the format says it; cleared, it keeps its name."""
    stage = walker.stage
    voice = stage.world.create_channel(stage.guild, "players", kind=ChannelKind.VOICE)
    stage.world.set_overwrite(voice, stage.guild.bot, allow=int(Permission.MANAGE_CHANNELS))
    answer = await walker.ask("/admin counter format", server="North", format="{server} {online}")
    assert "**North ?**" in answer.embed["description"]
    await walker.ask("/admin channel set", kind="counter", channel=voice)
    await until(lambda: voice.name == "North ?", what=lambda: stage.bot.output)
    await walker.ask("/admin counter format", server="North")
    await until(lambda: voice.name == "North | ?/?", what=lambda: stage.bot.output)
    await walker.ask("/admin channel clear", kind="counter")
    assert stage.find_server()["channels"].get("counter") is None


async def edit(walker: Walker) -> None:
    """New deaths use the new zone, and an import corrects the older ones."""
    stage = walker.stage

    def read_shifts() -> set[float]:
        rows = stage.read("kills", server_id=stage.find_server()["server_id"])
        return {(row["at"] - row["written_at"]).total_seconds() for row in rows}

    assert read_shifts() == {0.0}
    await walker.ask("/admin server edit", server="North", timezone="Asia/Tokyo")
    await walker.post_kill(stage.feed)
    assert read_shifts() == {0.0, -9 * 3600.0}
    for zone in ("Asia/Tokyo", "UTC"):
        if zone == "UTC":
            await walker.ask("/admin server edit", server="North", timezone=zone)
        generation = stage.find_server()["generation"]
        await walker.ask("/admin server import", server="North")
        await until(lambda now=generation: stage.find_server()["generation"] > now)  # type: ignore[misc]
        assert read_shifts() == {-9 * 3600.0 if zone == "Asia/Tokyo" else 0.0}


async def edit_to_where_no_logs_are(walker: Walker) -> None:
    """Nothing changes with a failed test alone; kept anyway, reading goes on when the logs appear."""
    stage = walker.stage
    failed = await walker.ask("/admin server edit", server="North", number=9)
    assert stage.find_server()["number"] == 7
    await walker.press_to(failed, "Save anyway", "✅ North changed")
    assert stage.find_server()["number"] == 9
    north, walker.files = walker.files, stage.open_files(9)
    await walker.post_kill(stage.feed)
    back = await walker.ask("/admin server edit", server="North", number=7)
    assert back.embed["title"] == "✅ North changed"
    walker.files = north
    await walker.post_kill(stage.feed)


async def accept_host_key(walker: Walker) -> None:
    """A new key that is not accepted is not read; accepted, reading goes on."""
    stage = walker.stage
    await walker.ask("/admin server hostkey", server="North")
    await stage.host.change_host_key()
    asked = await walker.ask("/admin server hostkey", server="North")
    await walker.press_to(asked, "Cancel", "Key not accepted")
    tested = await stage.ask("/admin server test", server="North")
    assert "Couldn't connect" in tested.embed["title"]
    asked = await walker.ask("/admin server hostkey", server="North")
    await walker.press_to(asked, "Accept", "✅ New host key saved")
    await walker.post_kill(stage.feed)


async def use_admin_role(walker: Walker) -> None:
    """Its members may use what is for admins, once Discord shows it to them; afterwards they may not."""
    stage = walker.stage
    role = stage.world.create_role(stage.guild, "helpers")
    helper = stage.world.add_member(stage.guild, "helper", roles=[role])
    await walker.ask("/admin role", role=role)
    with pytest.raises(UnknownCommandError):
        await stage.ask("/admin server list", by=helper)
    exported = await stage.ask("/data export", by=helper, player="Heron")
    assert exported.answer.attachments
    await walker.ask("/admin role")
    refused = await stage.ask("/data export", by=helper, player="Heron")
    assert refused.answer.attachments == []


async def post_boards(walker: Walker) -> None:
    """The message is there, a press shows new figures, and a removed board can be posted again."""
    stage, ranks = walker.stage, walker.create_channel("ranks")
    await walker.ask("/admin channel set", kind="leaderboard", channel=ranks)
    await walker.ask("/admin board post", board="kills")
    await walker.ask("/admin board post", board="deaths")
    kills, deaths = [await walker.until_shown(ranks, f"Most {name}") for name in ("kills", "deaths")]
    await walker.press_below(kills, "Refresh", by=stage.player)
    figures = str(deaths.embeds)
    await walker.post_kill(stage.feed, "Raven", "Lynx")
    await walker.press_below(deaths, "Refresh", by=stage.player)
    assert str(deaths.embeds) != figures
    await walker.ask("/admin board remove", board="kills")
    assert kills not in ranks.messages
    await walker.ask("/admin board post", board="kills")
    assert len(ranks.messages) == 2


async def post_samples(walker: Walker) -> None:
    """The sample is in the channel that the answer names."""
    ranks = walker.stage.guild.channel_named("ranks")
    count = len(ranks.messages)
    await walker.ask("/admin channel test", kind="leaderboard")
    assert len(ranks.messages) == count + 1


async def set_up(walker: Walker) -> None:
    """The checklist names what is missing until it is there, and creates the channels that are missing."""
    stage = walker.stage
    feed = await _read_next(walker)
    assert stage.feed.mention in feed
    stage.world.set_overwrite(stage.feed, stage.guild.bot, deny=int(Permission.SEND_MESSAGES))
    assert "Fix what's marked" in await _read_next(walker)
    stage.world.set_overwrite(stage.feed, stage.guild.bot)
    checklist = await walker.ask("/setup")
    await walker.press(checklist, "Create the channels")
    created = checklist.embed["description"].splitlines()[0]
    for name in ("alerts", "bounties"):
        assert stage.guild.channel_named(name).mention in created
    await walker.post_kill(stage.feed)
    await walker.ask("/admin channel test", kind="alerts")
    assert len(stage.guild.channel_named("alerts").messages) == 1


async def _read_next(walker: Walker) -> str:
    return get_fields((await walker.ask("/setup")).embed)["What's next"]
