"""Premium for communities and for the hosts of the bot."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from simulation.discord import ImpossibleActionError, Interaction, Permission, UnknownCommandError
from simulation.posts import expect_posts, read_posts
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage, get_fields

UNKNOWN_GUILD = "123456789012345678"


async def open_hosted(open_stage: StageFactory, *, tier: int = 0, **discord: Any) -> Stage:
    """Open a stage whose guild is the home guild of the bot."""
    stage = await open_stage()
    stage.bot.configure(
        discord={
            "token": stage.world.token,
            "api_base_url": stage.world.api_base_url,
            "home_guild_id": stage.guild.id,
            **discord,
        },
        premium={"default_tier": tier},
    )
    await stage.bot.start()
    own = stage.guild.id
    await until(lambda: "ready" in stage.bot.output and bool(stage.world.commands.list_commands(own)))
    return stage


async def grant(stage: Stage, tier: int = 2, **options: Any) -> Interaction:
    """Grant the guild a tier as the admin of the home guild."""
    return await stage.ask("/owner grant", **({"guild_id": str(stage.guild.id), "tier": tier} | options))


async def end_premium(stage: Stage) -> None:
    """End the time of the grant, and wait until the bot has noticed."""
    with stage.open_database() as database:
        past = datetime(2025, 1, 1, tzinfo=UTC)
        database["guilds"].update_one({"guild_id": stage.guild.id}, {"$set": {"premium.ends_at": past}})
    await stage.wait_for_alerts(1)


def list_paused(stage: Stage) -> list[str]:
    """Return the names of the paused servers."""
    return [server["name"] for server in stage.read("game_servers", is_paused=True)]


async def test_grant_and_revoke_tell_new_and_old_state(open_stage: StageFactory) -> None:
    """Grant and revocation are private, take effect at once, and appear in the history and the audit."""
    stage = await open_hosted(open_stage)
    refused = await stage.ask("/leaderboard", by=stage.player)
    assert "needs tier 1 (Survivor)" in refused.embed["description"]
    granted = await grant(stage, 2, days=30)
    assert (granted.is_ephemeral, granted.embed["title"]) == (True, "✅ Premium granted: Community")
    fields = get_fields(granted.embed)
    assert fields["Now"].startswith("Tier 2 (Mercenary), until <t:")
    assert fields["Before"] == "Tier 0 (Scavenger), the default"
    opened = await stage.ask("/leaderboard", by=stage.player)
    assert "No game server" in opened.embed["description"]

    status = await stage.ask("/premium status", by=stage.player)
    assert (status.is_ephemeral, status.embed["title"]) == (False, "⭐ Tier 2: Mercenary")
    assert get_fields(status.embed)["Game servers"] == "0 of 5 used"
    tiers = await stage.ask("/premium tiers", by=stage.player)
    assert [line for line in tiers.embed["description"].splitlines() if line.startswith("▶")] == [
        "▶ **2 · Mercenary** · 5 game servers"
    ]

    revoked = await stage.ask("/owner revoke", guild_id=f" {stage.guild.id} ", reason="asked for")
    assert revoked.embed["title"] == "✅ Premium revoked: Community"
    assert get_fields(revoked.embed)["Now"].startswith("Tier 0 (Scavenger)")
    assert "asked for" in get_fields(revoked.embed)["History"].splitlines()[0]
    assert "needs tier 1" in (await stage.ask("/leaderboard")).embed["description"]
    audit = await stage.ask("/admin audit", action="premium revoke")
    assert "asked for" in audit.embed["description"]
    assert await stage.bot.stop() == 0


async def test_pages_are_turned_no_further_when_the_tier_has_ended(open_stage: StageFactory) -> None:
    """A board of an ended tier closes, even if its buttons still work."""
    stage = await open_hosted(open_stage)
    stage.open_files().append(*stage.take(200))
    await stage.add_server("North")
    await grant(stage, 1)
    board = await stage.ask("/leaderboard", by=stage.player)
    await stage.ask("/owner revoke", guild_id=str(stage.guild.id), reason="the time is up")
    pressed = await board.click("Next")
    await pressed.wait_until(lambda one: bool(one.followups))
    told = pressed.followups[-1]
    assert ("needs tier 1 (Survivor)" in told.embed["description"], told.is_ephemeral) == (True, True)
    assert board.embed["footer"]["text"].startswith("Page 1 of ")
    assert "unexpected error" not in stage.bot.output


async def test_mistakes_of_a_grant_are_named(open_stage: StageFactory) -> None:
    """Each mistake has its sentence, and nothing is stored."""
    stage = await open_hosted(open_stage)
    mistakes: dict[str, tuple[str, Mapping[str, Any]]] = {
        "isn't the id of a Discord server": ("/owner grant", {"guild_id": "Community", "tier": 2}),
        "Days can be 1": ("/owner grant", {"guild_id": UNKNOWN_GUILD, "tier": 2, "days": 0}),
        "has no grant": ("/owner revoke", {"guild_id": UNKNOWN_GUILD, "reason": "why"}),
        "Add a reason": ("/owner revoke", {"guild_id": UNKNOWN_GUILD, "reason": " "}),
    }
    for sentence, (command, options) in mistakes.items():
        reply = await stage.ask(command, **options)
        assert (reply.is_ephemeral, sentence in reply.embed["description"]) == (True, True)
    negative = await grant(stage, 2, days=-5)
    assert "Days can be 1" in negative.embed["description"]
    with pytest.raises(ImpossibleActionError):
        await grant(stage, 5)
    assert (stage.read("audit"), stage.read("guilds", premium={"$exists": True})) == ([], [])

    unknown = await stage.ask("/owner grant", guild_id=UNKNOWN_GUILD, tier=2)
    assert unknown.embed["title"] == "✅ Premium granted"
    assert "I'm not in that Discord server yet" in unknown.embed["description"]
    assert UNKNOWN_GUILD not in repr(unknown.embed)
    assert await stage.bot.stop() == 0


async def test_grants_are_for_the_home_guild_and_owners(open_stage: StageFactory) -> None:
    """Discord offers the commands in the home guild alone, to its admins, and so does the help."""
    stage = await open_hosted(open_stage)
    away = stage.world.create_guild("Neighbours")
    room = stage.world.create_channel(away, "room")
    host = stage.world.add_member(away, stage.world.owner)
    owner = stage.world.owner_of(away)
    await until(lambda: "joined a guild" in stage.bot.output)
    options = {"guild_id": str(away.id), "tier": 3}
    for member, place in ((stage.player, stage.office), (owner, room), (host, room)):
        with pytest.raises(UnknownCommandError):
            await member.ask(place, "/owner grant", **options)
    allowed = await stage.ask("/owner grant", **options)
    assert allowed.embed["title"] == "✅ Premium granted: Neighbours"
    assert (await owner.ask(room, "/premium status")).embed["title"] == "⭐ Tier 3: Warlord"
    assert (await stage.ask("/premium status")).embed["title"] == "⭐ Tier 0: Scavenger"

    asked = {
        "home": (stage.admin, stage.office),
        "away": (owner, room),
        "host": (host, room),
        "member": (stage.player, stage.office),
    }
    assert {
        who: bool(await one.autocomplete(where, "/help", "command", "owner grant"))
        for who, (one, where) in asked.items()
    } == {
        "home": True,
        "away": False,
        "host": False,
        "member": False,
    }
    assert await stage.bot.stop() == 0


async def test_configured_owner_may_grant_and_see_the_tasks(open_stage: StageFactory) -> None:
    """``discord.owner_ids`` names more owners than the application's; owning a community is not enough."""
    stage = await open_stage()
    manager = stage.world.add_member(
        stage.guild,
        "deputy",
        roles=[stage.world.create_role(stage.guild, "m", permissions=Permission.ADMINISTRATOR)],
    )
    stage.bot.configure(
        discord={
            "token": stage.world.token,
            "api_base_url": stage.world.api_base_url,
            "owner_ids": [manager.id],
        }
    )
    stage.open_files().append(*stage.take(5))
    await stage.bot.start()
    await stage.add_server("North")
    tasks = await stage.ask("/owner tasks", by=manager)
    assert (tasks.is_ephemeral, tasks.embed["title"]) == (True, "⚙️ Background tasks")
    shown = [tasks.embed]
    await tasks.click("Next")
    await tasks.wait_until(lambda one: "Page 2" in one.embed["footer"]["text"])
    shown.append(tasks.embed)
    text = "\n".join(embed["description"] for embed in shown).replace("\\", "")
    assert "reading deaths: Community · North" in text
    assert "ending premium" in text
    assert str(stage.guild.id) not in repr(shown)
    refused = await stage.ask("/owner tasks")
    assert refused.embed["description"] == "Only the bot's owners can use this command."
    assert await stage.admin.autocomplete(stage.office, "/help", "command", "owner tasks") == []
    granted = await stage.ask("/owner grant", by=manager, guild_id=str(stage.guild.id), tier=1)
    assert granted.embed["title"] == "✅ Premium granted: Community"
    assert await stage.bot.stop() == 0


async def test_newest_servers_are_paused_at_the_end_and_read_again_after_a_new_grant(
    open_stage: StageFactory,
) -> None:
    """Nothing is deleted, the admins get one alert, and deaths of the pause are counted later."""
    stage = await open_hosted(open_stage)
    north, south = stage.open_files(1), stage.open_files(2)
    history, old = stage.take(10), stage.take(10)
    north.append(*history)
    south.append(*old)
    await stage.set_channel()
    await grant(stage, 2, days=1)
    await stage.add_server("North", number=1)
    await stage.add_server("South", number=2)
    await end_premium(stage)
    [alert] = stage.list_alerts()
    assert "South" in alert
    assert "North" not in alert
    assert list_paused(stage) == ["South"]
    await until(lambda: stage.find_server("South")["health"]["state"] == "paused")

    meanwhile = stage.take(4)
    south.append(*meanwhile)
    live = stage.take(3)
    north.append(*live)
    assert read_posts(await stage.wait_for_posts(3)) == expect_posts(live, history)
    assert stage.count_deaths("South") == len(old)
    status = get_fields((await stage.ask("/killfeed status")).embed)
    assert "Paused, over the premium limit" in status["⏸️ South"]
    listed = get_fields((await stage.ask("/admin server list")).embed)
    assert "Paused, over the premium limit" in listed["⏸️ South"]
    premium = get_fields((await stage.ask("/premium status")).embed)["Game servers"]
    assert "1 of 1 used" in premium
    assert "South" in premium
    refused = await stage.ask("/admin server import", server="South")
    assert "is paused" in refused.embed["description"]
    full = await stage.fill_in_server("East", number=3)
    assert "includes 1 game server" in full.embed["description"]

    await grant(stage, 1, days=1)
    await stage.wait_for_deaths(len(old) + len(meanwhile), "South")
    assert (list_paused(stage), len(stage.list_alerts())) == ([], 1)
    posts = read_posts(await stage.wait_for_posts(7))
    assert posts[3:] == expect_posts(meanwhile, old)
    assert await stage.bot.stop() == 0


async def test_lower_default_pauses_at_the_next_start_and_a_removal_makes_room(
    open_stage: StageFactory,
) -> None:
    """Without a grant the present default tier counts."""
    stage = await open_hosted(open_stage, tier=4)
    for number, name in enumerate(("North", "South", "East"), start=1):
        stage.open_files(number).append(*stage.take(3))
        await stage.add_server(name, number=number)
    assert await stage.bot.stop() == 0
    stage.bot.configure(
        discord={"token": stage.world.token, "api_base_url": stage.world.api_base_url},
        premium={"default_tier": 1},
    )
    await stage.bot.start()
    await until(lambda: list_paused(stage) == ["East"], what=lambda: stage.bot.output)
    removed = await stage.ask("/admin server remove", server="North")
    await removed.click("Remove")
    await removed.wait_until(lambda one: one.embed["title"] == "✅ North removed")
    await until(lambda: list_paused(stage) == [], what=lambda: stage.bot.output)
    assert await stage.bot.stop() == 0


async def test_channel_of_a_higher_tier_is_set_and_waits(open_stage: StageFactory) -> None:
    """The answer names the tier; the setting is stored and takes effect with the tier."""
    stage = await open_hosted(open_stage)
    reply = await stage.set_channel("bounties", stage.feed)
    assert "It stays empty until tier 2 (Mercenary)" in reply.embed["description"]
    assert "waits" not in (await stage.set_channel("killfeed")).embed["description"]
    [guild] = stage.read("guilds")
    assert set(guild["channels"]) == {"bounties", "killfeed"}
    assert await stage.bot.stop() == 0
