"""The killfeed: one compact embed for each death, with a themed title and three lines."""

from collections.abc import Mapping
from datetime import datetime

import discord

from utils.embeds.notices.look import NoticeLook, VariantLook, build_post, write_line
from utils.embeds.style import Style
from utils.embeds.values import SEPARATOR, WEAPONS, show_name
from utils.models.deaths import DeathKind
from utils.models.notices.deaths import DeathNotice
from utils.models.players import Counters
from utils.models.texts import Metres, Number, Text, Value, text, text_in

CAUSES: Mapping[DeathKind, Text] = {
    DeathKind.MENU: text("Menu suicide"),
    DeathKind.FALL: text_in("what killed", "Fall"),
    DeathKind.SELF: text("Self-kill"),
    DeathKind.UNKNOWN: text("No known killer"),
}
"""The middle line if no player killed."""


def build_death_embed(style: Style, look: VariantLook, notice: DeathNotice) -> discord.Embed:
    """Return the embed of a death."""
    line = write_line(style, look, notice, killer=notice.killer_name, victim=notice.victim_name)
    facts = _list_facts(notice) if notice.kind.is_kill else _list_causes(notice)
    written = SEPARATOR.join(style.write(fact) for fact in facts if fact)
    return build_post(style, look, notice, (line, written))


def build_sample_death(style: Style, *, event_id: bytes, server_name: str, at: datetime) -> DeathNotice:
    """Return an invented kill."""
    return DeathNotice(
        event_id=event_id,
        server_name=server_name,
        at=at,
        kind=DeathKind.KILL,
        killer_name=style.write_plain(text("Sample killer")),
        victim_name=style.write_plain(text("Sample victim")),
        weapon="Mosin",
        distance=123,
        killer_kills=12,
        killer_deaths=5,
        killer_streak=3,
    )


def _list_facts(notice: DeathNotice) -> list[Value]:
    facts: list[Value] = [_show_weapon(notice.weapon), Metres(notice.distance)]
    if notice.killer_kills is not None and notice.killer_deaths is not None:
        counters = Counters(kills=notice.killer_kills, deaths=notice.killer_deaths)
        facts.append(text("K/D {ratio}", ratio=Number(counters.ratio, 2)))
    if notice.killer_streak is not None:
        facts.append(text("Streak {kills}", kills=Number(notice.killer_streak)))
    return facts


def _list_causes(notice: DeathNotice) -> list[Value]:
    cause = CAUSES[notice.kind]
    return [cause, _show_weapon(notice.weapon)] if notice.kind is DeathKind.SELF else [cause]


def _show_weapon(weapon: str) -> Value:
    return WEAPONS.get(weapon) or show_name(weapon)


def _build_look(kind: DeathKind, colour: int, mark: str) -> VariantLook:
    return VariantLook(colour, mark, f"{kind.value}.png", f"death.{kind.value}")


DEATH_LOOK = NoticeLook(
    {
        DeathKind.KILL: _build_look(DeathKind.KILL, 0xA8322A, "🎯"),
        DeathKind.VEHICLE: _build_look(DeathKind.VEHICLE, 0xC77B2B, "🚙"),
        DeathKind.MENU: _build_look(DeathKind.MENU, 0x5B6B7A, "💤"),
        DeathKind.FALL: _build_look(DeathKind.FALL, 0x3E6C8F, "🪨"),
        DeathKind.SELF: _build_look(DeathKind.SELF, 0x8A6D1F, "💥"),
        DeathKind.UNKNOWN: _build_look(DeathKind.UNKNOWN, 0x3F5B45, "🐺"),
    },
    build=build_death_embed,
    sample=build_sample_death,
)
