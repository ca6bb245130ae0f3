"""Combat: the answers of ``/compare``, ``/weapons``, ``/rivals``, ``/activity`` and ``/killfeed recent``."""

from collections.abc import Callable, Sequence

import discord

from utils.embeds.figures import NONE_YET, write_count, write_metres, write_ratio, write_share, write_time
from utils.embeds.notices.death_wording import CAUSES
from utils.embeds.notices.deaths import DEATH_LOOK
from utils.embeds.players import describe_coverage, write_rank, write_tally
from utils.embeds.theme import Theme
from utils.embeds.wording import WEAPONS
from utils.localization.escape import escape_name, escape_text
from utils.models.deaths import Death
from utils.models.players import PlayerStats
from utils.models.quantities import write_quantity
from utils.models.statistics import (
    Activity,
    Comparison,
    Coverage,
    RecentDeath,
    Rival,
    Rivals,
    WeaponRow,
    WeaponTable,
)

COMPARED: Sequence[tuple[str, Callable[[PlayerStats], str]]] = (
    ("Kills", lambda stats: write_count(stats.counters.kills)),
    ("Deaths", lambda stats: write_count(stats.counters.deaths)),
    ("K/D", lambda stats: write_ratio(stats.counters.ratio)),
    ("Suicides", lambda stats: write_count(stats.counters.suicides)),
    (
        "Longest kill",
        lambda stats: write_metres(stats.counters.longest) if stats.counters.longest else NONE_YET,
    ),
    ("Best streak", lambda stats: write_count(stats.counters.best_streak)),
    ("Current streak", lambda stats: write_count(stats.current_streak)),
    ("Top weapon", lambda stats: write_tally(stats.top_weapon)),
    ("Nemesis", lambda stats: write_tally(stats.nemesis)),
    ("Prey", lambda stats: write_tally(stats.prey)),
    ("Rank", write_rank),
    ("Last seen", lambda stats: write_time(stats.last_seen_at)),
)
"""The fields of ``/stats`` as one line each, for two players side by side."""


def build_comparison_embed(theme: Theme, comparison: Comparison, coverage: Coverage) -> discord.Embed:
    """Return two players' figures side by side, and their head-to-head."""
    first, second = comparison.first, comparison.second
    embed = discord.Embed(
        title=f"⚔️ {escape_name(first.name)} vs {escape_name(second.name)}",
        description=describe_coverage(coverage),
        colour=theme.neutral,
    )
    for stats in (first, second):
        lines = [f"{name}: **{write(stats)}**" for name, write in COMPARED]
        embed.add_field(name=escape_name(stats.name), value="\n".join(lines))
    score = f"{write_count(comparison.first_kills)} : {write_count(comparison.second_kills)}"
    if not comparison.first_kills and not comparison.second_kills:
        score = "they never killed each other"
    names = f"{escape_name(first.name)} · {escape_name(second.name)}"
    return embed.add_field(name="Head-to-head", value=f"**{score}**\n{names}", inline=False)


def build_weapons_embed(
    theme: Theme, rows: Sequence[WeaponRow], table: WeaponTable, coverage: Coverage, *, first: int, name: str
) -> discord.Embed:
    """Return some weapons of a table.

    Args:
        theme: the look.
        rows: those shown, with their best users where they are everybody's.
        table: all of them, for the shares.
        coverage: what is counted.
        first: the place of the first row, from 1.
        name: whose weapons they are; empty for everybody's.
    """
    title = f"🔫 Weapons of {escape_name(name)}" if name else "🔫 Weapons"
    lines = [_write_weapon(row, place, table) for place, row in enumerate(rows, start=first)]
    embed = discord.Embed(title=title, description="\n".join(lines) or "No kills yet.", colour=theme.neutral)
    where = f"{describe_coverage(coverage)} · {write_quantity(table.kills, 'kill')}"
    return embed.add_field(name="Where", value=where, inline=False)


def build_weapon_board_embed(
    theme: Theme, rows: Sequence[WeaponRow], table: WeaponTable, coverage: Coverage, *, first: int
) -> discord.Embed:
    """Return a page of the board that ranks weapons, a line each."""
    lines = [
        f"{_write_place(theme, place)} **{write_weapon(row.weapon)}** — {write_quantity(row.kills, 'kill')} "
        f"({write_share(row.kills, table.kills)})"
        for place, row in enumerate(rows, start=first)
    ]
    embed = discord.Embed(
        title="🏆 Deadliest weapons",
        description="\n".join(lines) or "Nothing is on this board yet.",
        colour=theme.ranking,
    )
    return embed.add_field(name="Where", value=describe_coverage(coverage), inline=False)


def build_rivals_embed(theme: Theme, rivals: Rivals, coverage: Coverage) -> discord.Embed:
    """Return who killed a player most and whom he killed most, each both ways."""
    title = f"🩸 Rivals of {escape_name(rivals.name)}" if rivals.name else "🩸 Your rivals"
    embed = discord.Embed(title=title, description=describe_coverage(coverage), colour=theme.neutral)
    for heading, listed in (("Nemesis", rivals.nemeses), ("Prey", rivals.prey)):
        lines = [_write_rival(rival, is_prey=heading == "Prey") for rival in listed]
        embed.add_field(name=heading, value="\n".join(lines) or "nobody three times yet", inline=False)
    return embed


def build_activity_embed(theme: Theme, activity: Activity, coverage: Coverage) -> discord.Embed:
    """Return the frame of the heat map."""
    title = f"🕒 Activity of {escape_name(activity.name)}" if activity.name else "🕒 Activity"
    kills = write_quantity(activity.kills, "kill") if activity.kills else "no kills yet"
    text = f"{describe_coverage(coverage)} · {kills}"
    embed = discord.Embed(title=title, description=text, colour=theme.neutral)
    return embed.set_footer(text="Kills by weekday and hour, by the game servers' own clocks")


def build_recent_embed(theme: Theme, deaths: Sequence[RecentDeath], coverage: Coverage) -> discord.Embed:
    """Return the latest deaths, a line each, newest first."""
    is_several = len(coverage.server_ids) > 1
    lines = [_write_death(recent, is_several=is_several) for recent in deaths]
    return discord.Embed(
        title=f"📜 Latest deaths · {escape_name(coverage.where)}",
        description="\n".join(lines) or "No deaths yet.",
        colour=theme.neutral,
    )


def write_weapon(weapon: str) -> str:
    """Return a weapon as people call it, escaped."""
    return WEAPONS.get(weapon) or escape_text(weapon) or "unknown"


def _write_weapon(row: WeaponRow, place: int, table: WeaponTable) -> str:
    kills = f"{write_quantity(row.kills, 'kill')} ({write_share(row.kills, table.kills)})"
    facts = []
    if row.longest:
        facts.append(f"longest {write_metres(row.longest)}")
    if row.best_kills:
        facts.append(f"best {escape_name(row.best_name)} ({write_count(row.best_kills)})")
    line = f"`{place:>2}` **{write_weapon(row.weapon)}** — {kills}"
    return f"{line}\n-# {' · '.join(facts)}" if facts else line


def _write_place(theme: Theme, place: int) -> str:
    return theme.medals[place - 1] if place <= len(theme.medals) else f"`{place:>3}`"


def _write_rival(rival: Rival, *, is_prey: bool) -> str:
    mine, others = write_count(rival.kills), write_count(rival.deaths)
    if is_prey:
        return f"**{escape_name(rival.name)}** — killed {mine} times, killed back {others}"
    return f"**{escape_name(rival.name)}** — killed by {others} times, killed back {mine}"


def _write_death(recent: RecentDeath, *, is_several: bool) -> str:
    death = recent.death
    parts = [f"{DEATH_LOOK.variants[death.row.kind].mark} {_write_deed(death)}", write_time(death.at)]
    if is_several:
        parts.append(escape_name(recent.server_name))
    return " · ".join(parts)


def _write_deed(death: Death) -> str:
    row = death.row
    victim = f"**{escape_name(row.victim_name)}**"
    if not row.kind.is_kill:
        return f"{victim} · {CAUSES[row.kind]}"
    killer = f"**{escape_name(row.killer_name)}**"
    return f"{killer} → {victim} · {write_weapon(row.weapon)} · {write_metres(row.distance)}"
