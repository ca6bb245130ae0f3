"""The killfeed: one compact embed a death, a themed title and three lines."""

from functools import partial

import discord

from utils.embeds.figures import compute_ratio, write_count, write_metres, write_ratio
from utils.embeds.notices.death_wording import CAUSES, LINES, TITLES
from utils.embeds.notices.look import SEPARATOR, NoticeLook, VariantLook, build_post, choose_line
from utils.embeds.style import Style
from utils.embeds.wording import WEAPONS
from utils.localization.escape import escape_name, escape_text
from utils.models.deaths import DeathKind
from utils.models.notices.deaths import DeathNotice


def build_death_embed(_style: Style, look: VariantLook, notice: DeathNotice) -> discord.Embed:
    """Return the embed of a death."""
    return build_post(look, notice, (_write_line(look, notice), _write_facts(notice)))


def _write_line(look: VariantLook, notice: DeathNotice) -> str:
    killer, victim = (f"**{escape_name(name)}**" for name in (notice.killer_name, notice.victim_name))
    return choose_line(look, notice).format(killer=killer, victim=victim)


def _write_facts(notice: DeathNotice) -> str:
    if not notice.kind.is_kill:
        return _write_cause(notice)
    facts = [_write_weapon(notice.weapon), write_metres(notice.distance)]
    if notice.killer_kills is not None and notice.killer_deaths is not None:
        facts.append(f"K/D {write_ratio(compute_ratio(notice.killer_kills, notice.killer_deaths))}")
    if notice.killer_streak is not None:
        facts.append(f"Streak {write_count(notice.killer_streak)}")
    return SEPARATOR.join(fact for fact in facts if fact)


def _write_cause(notice: DeathNotice) -> str:
    cause = CAUSES[notice.kind]
    if notice.kind is DeathKind.SELF and notice.weapon:
        return f"{cause}{SEPARATOR}{_write_weapon(notice.weapon)}"
    return cause


def _write_weapon(weapon: str) -> str:
    return WEAPONS.get(weapon) or escape_text(weapon)


def _build_look(kind: DeathKind, colour: int, mark: str) -> VariantLook:
    return VariantLook(colour, mark, f"{kind.value}.png", TITLES[kind], LINES[kind])


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
    sample=partial(
        DeathNotice,
        kind=DeathKind.KILL,
        killer_name="Sample killer",
        victim_name="Sample victim",
        weapon="Mosin",
        distance=123,
        killer_kills=12,
        killer_deaths=5,
        killer_streak=3,
    ),
)
