"""The killfeed: one compact embed a death, a themed title and three lines."""

import discord

from utils.embeds.figures import compute_ratio, write_count, write_metres, write_ratio, write_time
from utils.embeds.theme import Look, Theme
from utils.embeds.wording import CAUSES, WEAPONS, choose_text
from utils.localization.escape import escape_name, escape_text
from utils.models.deaths import DeathKind
from utils.models.notices import DeathNotice

_SEPARATOR = " · "


def build_death_embed(theme: Theme, notice: DeathNotice) -> discord.Embed:
    """Return the embed of a death; equal notices give equal embeds, at every try and after every restart."""
    look = theme.deaths[notice.kind]
    lines = (
        _write_line(look, notice),
        _write_facts(notice),
        _SEPARATOR.join((escape_name(notice.server_name), write_time(notice.at, "t"), write_time(notice.at))),
    )
    embed = discord.Embed(
        title=f"{look.mark} {choose_text(look.titles, notice.event_id, part='title')}",
        description="\n".join(line for line in lines if line),
        colour=look.colour,
    )
    return embed.set_thumbnail(url=f"attachment://{look.picture}")


def _write_line(look: Look, notice: DeathNotice) -> str:
    killer, victim = (f"**{escape_name(name)}**" for name in (notice.killer_name, notice.victim_name))
    line = choose_text(look.lines, notice.event_id, part="line")
    return line.format(killer=killer, victim=victim)


def _write_facts(notice: DeathNotice) -> str:
    if not notice.kind.is_kill:
        return _write_cause(notice)
    facts = [_write_weapon(notice.weapon), write_metres(notice.distance)]
    if notice.killer_kills is not None and notice.killer_deaths is not None:
        facts.append(f"K/D {write_ratio(compute_ratio(notice.killer_kills, notice.killer_deaths))}")
    if notice.killer_streak is not None:
        facts.append(f"Streak {write_count(notice.killer_streak)}")
    return _SEPARATOR.join(fact for fact in facts if fact)


def _write_cause(notice: DeathNotice) -> str:
    cause = CAUSES[notice.kind]
    if notice.kind is DeathKind.SELF and notice.weapon:
        return f"{cause}{_SEPARATOR}{_write_weapon(notice.weapon)}"
    return cause


def _write_weapon(weapon: str) -> str:
    return WEAPONS.get(weapon) or escape_text(weapon)
