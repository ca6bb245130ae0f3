"""Events of the world: the whole bot beside a game server that writes its Deadside.log."""

from datetime import timedelta
from typing import Any

from simulation.discord import Message, Permission
from simulation.discord.mentions import Pings
from tests.bot.game_log import GameLogWriter
from tests.bot.process import until
from tests.bot.stage import Stage, get_fields
from tests.fakes.game_log import BUNKER, stamp, write_airdrop, write_mission

FARM, BASE = "GA_Farm_01_SFPSACMission", "GA_Military_02_Mis1"


def list_events(stage: Stage) -> list[Message]:
    """Return the posts about events."""
    return [one for one in stage.feed.messages if any("title" in embed for embed in one.embeds)]


def read(message: Message) -> list[tuple[str, str]]:
    """Return the titles of a post, and the first words of what it says."""
    said = [(one["title"], one["description"].replace("*", "")) for one in message.embeds]
    return [(title, text.partition(" since")[0].partition(" <t:")[0]) for title, text in said]


async def wait_for(stage: Stage, message: Message, *texts: tuple[str, str]) -> None:
    """Wait until a post says something."""
    await until(lambda: read(message) == [*texts], what=lambda: f"{read(message)}\n{stage.bot.output}")


async def ask(stage: Stage, command: str, /, **options: Any) -> str:
    """Use a command, and return what its answer says."""
    return str((await stage.ask(command, **options)).embed.get("description"))


async def mute(stage: Stage, **options: Any) -> str:
    """Mute or unmute a mission, and return what the answer says."""
    return await ask(stage, "/events mute", mission="Underground Bunker", **options)


async def test_edit_goes_on_when_the_bot_is_killed_before_it(stage: Stage) -> None:
    """An event is posted once, mentions its role once, and its post follows it over a kill to its end."""
    log = GameLogWriter(stage)
    hunters = stage.world.create_role(stage.guild, "hunters", mentionable=True)
    await stage.ask("/admin channel set", kind="events", channel=stage.feed)
    answer = await stage.ask("/events mention", kind="mission", role=hunters)
    assert get_fields(answer.embed)["Mentioned role"] == f"none → <@&{hunters.id}>"
    log.write(write_mission(log.now - timedelta(minutes=1), "READY", FARM))
    await stage.add_server()
    await until(lambda: bool(stage.read("log_events")), what=lambda: stage.bot.output)
    log.write(
        write_mission(log.now, "READY") + write_airdrop(log.now, "Flying") + write_mission(log.now, "READY")
    )
    await until(lambda: bool(list_events(stage)), what=lambda: stage.bot.output)
    [post] = list_events(stage)
    assert read(post) == [("🚩 Mission: Underground Bunker", "Ready"), ("🪂 Airdrop", "Flying")]
    assert (post.content, post.pings) == (f"<@&{hunters.id}>", Pings(roles=frozenset({hunters.id})))
    await stage.bot.kill()
    log.write(write_mission(log.now, "ACTIVE") + write_airdrop(log.now, "Dropping"))
    await stage.bot.start()
    await wait_for(stage, post, ("🚩 Mission: Underground Bunker", "Active"), ("🪂 Airdrop", "Dropping"))
    said = await ask(stage, "/server events")
    assert all(
        one in said for one in ("Farm (up to Medium): Ready", "Underground Bunker (up to Epic): Active")
    )
    over = stamp(log.now, f"LogSFPS: Mission {BUNKER} will respawn in 1303")
    log.write(over + write_airdrop(log.now, "Dead"))
    await wait_for(stage, post, ("🚩 Mission: Underground Bunker", "It ended"), ("🪂 Airdrop", "It ended"))
    assert "It comes back <t:" in post.embeds[0]["description"]
    said = await ask(stage, "/server events")
    assert all(one in said for one in ("Underground Bunker (up to Epic) comes back", "Last airdrop"))
    assert list_events(stage) == [post]


async def test_settings_of_posts_hold_from_the_next_event_on(stage: Stage) -> None:
    """Kinds are switched, a mission is muted, edits are off; the list and the sample show it."""
    log = GameLogWriter(stage)
    await stage.ask("/admin channel set", kind="events", channel=stage.feed)
    await stage.add_server()
    await until(lambda: bool(stage.read("log_state")), what=lambda: stage.bot.output)
    refused = await stage.ask("/events set", kind="airdrop", min_level=2)
    assert "“min\\_level” doesn't fit airdrops. Leave it out." in refused.embed["description"]
    everyone, silent = stage.guild.everyone, stage.world.create_role(stage.guild, "silent")
    stage.world.set_role_permissions(everyone, int(everyone.permissions & ~Permission.MENTION_EVERYONE))
    refused = await stage.ask("/events mention", kind="airdrop", role=silent)
    assert refused.embed["description"].startswith(f"I can't mention <@&{silent.id}>.")
    answer = await stage.ask("/events set", kind="mission", server="North", edit=False)
    assert get_fields(answer.embed)["Edited when they change"] == "on → off"
    assert "I no longer post Underground Bunker." in await ask(
        stage, "/events mute", mission="bunker_01_mis1"
    )
    await stage.ask("/events set", kind="airdrop", on=False)
    lines = [
        write_airdrop(log.now, "Flying"),
        write_mission(log.now, "READY"),
        write_mission(log.now, "READY", BASE),
    ]
    log.write("".join(lines))
    await until(lambda: bool(list_events(stage)), what=lambda: stage.bot.output)
    assert list(map(read, list_events(stage))) == [[("🚩 Mission: Military Base \\#2", "Ready")]]
    log.write(write_mission(log.now, "ACTIVE", BASE))
    await until(lambda: stage.read("log_events", state="ACTIVE") != [], what=lambda: stage.bot.output)
    await until(lambda: stage.read("log_events", is_shown=False) == [], what=lambda: stage.bot.output)
    said = await ask(stage, "/events list")
    assert all(
        one in said
        for one in (
            "missions: on · from Hard on",
            "airdrops: off · seen here",
            "convoys: off · not yet seen here",
        )
    )
    assert "Muted: Underground Bunker" in said
    assert [await mute(stage, server="North", on=on) for on in (True, False)] == [
        "I no longer post Underground Bunker of North.",
        "Underground Bunker stays muted on North, because it's muted for all game servers.",
    ]
    again = await mute(stage, on=False)
    assert again == "I post Underground Bunker again, except where a game server mutes it."
    assert await mute(stage, server="North", on=False) == "I post Underground Bunker of North again."
    assert "I posted a sample in" in await ask(stage, "/events test", kind="airdrop", server="North")
    posts = list_events(stage)
    assert list(map(read, posts)) == [
        [("🚩 Mission: Military Base \\#2", "Ready")],
        [("🪂 Airdrop", "Flying")],
    ]
    assert posts[1].embeds[0]["footer"]["text"] == "Sample of North"
    audit = await ask(stage, "/admin audit")
    assert all(one in audit for one in ("edited of missions: none → off", "Underground Bunker muted"))
    await stage.ask("/events set", kind="mission", server="North", edit=True)
    stage.world.board.delete(posts[0])
    log.write(write_mission(log.now, "WAITING", BASE))
    await until(lambda: stage.read("log_events", state="WAITING") != [], what=lambda: stage.bot.output)
    await until(
        lambda: stage.read("messages", event_ids={"$exists": True}) == [], what=lambda: stage.bot.output
    )
    assert list_events(stage) == posts[1:]
