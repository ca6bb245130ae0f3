"""Ids of another guild as options have no effect."""

from collections.abc import Mapping
from typing import Any

from tests.bot.stage import Stage

STORED = ("guilds", "game_servers", "kills", "players", "links", "wallets", "ledger", "bounties", "audit")


OF_WORK = {
    "game_servers": {"health": None},
    "links": {"levels_begun": None},
    "guilds": {"locales": None},
}
"""The fields that the bot's own work changes at any moment: polling, the telling of levels, and a timer."""


def take_picture(stage: Stage) -> Mapping[str, Any]:
    """Return the first guild's stored data, without the fields that the bot's own work changes."""
    return {
        name: [document | OF_WORK.get(name, {}) for document in stage.read(name, guild_id=stage.guild.id)]
        for name in STORED
    }


async def test_ids_of_another_guild_open_nothing(stage: Stage) -> None:
    """Three guilds share one member. Everything of the first guild is unknown in the others."""
    stage.open_files().append(*stage.take(80))
    await stage.add_server("North")
    member = stage.world.add_member(stage.guild, stage.world.create_user("everywhere"))
    server_id = stage.find_server()["server_id"]
    [killer, victim, *_] = sorted(stage.read_counters(), key=lambda one: -stage.read_counters()[one]["kills"])
    await stage.ask("/admin link confirm", member=member, player=killer)
    await stage.ask("/admin wallet", member=member, amount=5_000, reason="test")
    placed = await stage.ask("/bounty place", by=member, player=victim, amount=1_000, server="North")
    assert not placed.embed["title"].startswith("❌"), placed.embed
    [bounty] = stage.read("bounties")
    before = take_picture(stage)
    for name in ("Second", "Third"):
        guild = stage.world.create_guild(name, owner=member.user)
        office = stage.world.create_channel(guild, "office")
        attempts: list[tuple[str, dict[str, Any]]] = [
            ("/stats", {"player": killer}),
            ("/killfeed status", {"server": server_id}),
            ("/killfeed recent", {"server": server_id}),
            ("/leaderboard", {"server": server_id}),
            ("/link", {"player": killer}),
            ("/bounty cancel", {"bounty": bounty["bounty_id"]}),
            ("/admin link confirm", {"member": guild.owner, "player": killer}),
            ("/admin server test", {"server": server_id}),
            ("/admin server import", {"server": server_id}),
            ("/admin server rejected", {"server": server_id}),
            ("/admin server log", {"server": server_id}),
            ("/admin server slots", {"server": server_id, "max": 70}),
            ("/admin server restarts", {"server": server_id, "times": "02:00"}),
            ("/admin server announce", {"server": server_id, "kind": "kill", "on": False}),
            ("/admin channel set", {"kind": "killfeed", "channel": office, "server": server_id}),
            ("/admin server remove", {"server": server_id}),
            ("/data erase", {"player": killer}),
        ]
        answers = {
            text: await stage.world.owner_of(guild).ask(office, text, **options) for text, options in attempts
        }
        opened = {text: one.embed["description"] for text, one in answers.items() if not is_refusal(one)}
        assert opened == {}
        for command, option in (("/stats", "player"), ("/stats", "server"), ("/bounty cancel", "bounty")):
            assert await stage.world.owner_of(guild).autocomplete(office, command, option, "") == []
    assert take_picture(stage) == before


def is_refusal(answer: Any) -> bool:
    """Tell whether an answer says privately that there is no such thing, and nothing else."""
    return answer.is_ephemeral and answer.embed["title"] == "🔎 Not found"
