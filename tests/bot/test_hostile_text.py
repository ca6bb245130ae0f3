"""Hostile text against the whole bot: MongoDB stores it as a value and never runs it."""

from collections.abc import Sequence
from itertools import cycle

import pytest

from simulation.discord import Permission
from tests.bot.stage import Stage
from tests.fakes.deaths import build_row
from tests.fakes.hostile import HOSTILE, Attacker, find_harm, find_harmful_choices, list_places

DANGEROUS = ("operator", "where", "pattern", "nul", "direction", "long markup")
HISTORY = [build_row("Wolf", "Fox", second=1), build_row("Fox", "Wolf", second=2)]
KNOWN = {"player": "Wolf", "first": "Wolf", "second": "Fox", "server": "North"}


def count_stored(stage: Stage) -> dict[str, int]:
    """Return the number of stored documents.

    Counters of old generations do not count, because they may stay for a while.
    """
    counts = {name: len(stage.read(name)) for name in ("kills", "game_servers", "guilds")}
    return counts | {"players": len({one["player_id"] for one in stage.read("players")})}


@pytest.mark.parametrize("kinds", [DANGEROUS[:3], DANGEROUS[3:]], ids=", ".join)
async def test_every_text_option_takes_hostile_text(stage: Stage, kinds: tuple[str, ...]) -> None:
    """Every option answers hostile text, typed and sent, without a bug; only names are stored.

    Each text comes from two members in turn, because the bot limits the work of each member.
    """
    stage.open_files().append(*HISTORY)
    await stage.add_server("North")
    admins = stage.world.create_role(stage.guild, "admins", permissions=int(Permission.ADMINISTRATOR))
    before = count_stored(stage)
    for kind in kinds:
        attackers = [
            Attacker(
                stage.world.add_member(stage.guild, f"{name} sender of {kind}", roles=[admins]),
                stage.office,
                KNOWN | {"host": stage.host.address},
            )
            for name in ("first", "second")
        ]
        await attack_everywhere(stage, attackers, HOSTILE[kind])
    assert "unexpected error" not in stage.bot.output
    assert count_stored(stage) == before


async def attack_everywhere(stage: Stage, attackers: Sequence[Attacker], text: str) -> None:
    """Type and send a text in every place; each answer is without harm."""
    places = list_places(stage.world.commands.list_commands(None))
    for place, attacker in zip(places, cycle(attackers), strict=False):
        if place.is_completed:
            assert find_harmful_choices(await attacker.type(place, text)) == [], place
        if place.command == "/admin server add":  # its form would ask an unreachable host
            continue
        replies = await attacker.attack(place, text)
        shown = [reply.message for reply in replies if reply.message is not None]
        assert (find_harm(shown), replies[-1].is_answered) == ([], True), place
