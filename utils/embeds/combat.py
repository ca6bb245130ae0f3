"""Combat: the answers of ``/compare``, ``/weapons``, ``/rivals``, ``/activity`` and ``/killfeed recent``."""

from collections.abc import Sequence

import discord

from utils.embeds.notices.deaths import DEATH_LOOK, tell_death
from utils.embeds.players import WHERE, describe_coverage, list_figures, write_number, write_place
from utils.embeds.style import Style
from utils.embeds.values import count_kills, frame, join_facts, show_name, show_weapon
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
from utils.models.texts import Metres, Moment, Number, Share, Text, Value, join, plural, text


def build_comparison_embed(style: Style, comparison: Comparison, coverage: Coverage) -> discord.Embed:
    """Return two players' figures side by side, and their head-to-head."""
    first, second = show_name(comparison.first.name), show_name(comparison.second.name)
    title = text("⚔️ {first} vs {second}", first=first, second=second)
    embed = style.build(title, describe_coverage(coverage))
    for name, stats in ((first, comparison.first), (second, comparison.second)):
        lines = [
            text("{figure}: **{value}**", figure=figure, value=value) for figure, value in list_figures(stats)
        ]
        style.add_field(embed, name, join(lines, "\n"), inline=True)
    score = frame("**{score}**", score=_describe_score(comparison))
    names = join_facts([first, second])
    return style.add_field(embed, text("Head-to-head"), join([score, names], "\n"))


def build_weapons_embed(
    style: Style,
    rows: Sequence[WeaponRow],
    table: WeaponTable,
    coverage: Coverage,
    *,
    first: int,
    name: str = "",
) -> discord.Embed:
    """Return some weapons of a table.

    Args:
        style: theme and language.
        rows: the rows to show; with best users if the table is of all players.
        table: the whole table, for the shares.
        coverage: the servers and days that are counted.
        first: the place of the first row, from 1.
        name: the player's name; empty for all players.
    """
    title = text("🔫 Weapons of {player}", player=show_name(name)) if name else text("🔫 Weapons")
    lines = [_write_weapon(style, row, place, table) for place, row in enumerate(rows, start=first)]
    embed = style.build(title, text("No kills yet."), lines=lines)
    where = join_facts([describe_coverage(coverage), count_kills(table.kills)])
    return style.add_field(embed, WHERE, where)


def build_weapon_board_embed(
    style: Style, rows: Sequence[WeaponRow], table: WeaponTable, coverage: Coverage, *, first: int
) -> discord.Embed:
    """Return a page of the board that ranks weapons, with a line for each."""
    lines = [
        f"{write_place(style, place)} {style.write(_show_share(row, table))}"
        for place, row in enumerate(rows, start=first)
    ]
    nothing = text("Nothing is on this board yet.")
    embed = style.build(text("🏆 Deadliest weapons"), nothing, lines=lines, colour=style.theme.ranking)
    return style.add_field(embed, WHERE, describe_coverage(coverage))


def build_rivals_embed(style: Style, rivals: Rivals, coverage: Coverage) -> discord.Embed:
    """Return the players who killed a player most and those they killed most, each with the kills of both."""
    title = text("🩸 Your rivals")
    if rivals.name:
        title = text("🩸 Rivals of {player}", player=show_name(rivals.name))
    embed = style.build(title, describe_coverage(coverage))
    nobody = text("nobody three times yet")
    nemeses = [_show_rival(rival, _describe_nemesis(rival)) for rival in rivals.nemeses]
    prey = [_show_rival(rival, _describe_prey(rival)) for rival in rivals.prey]
    style.add_field(embed, text("Nemesis"), join(nemeses or [nobody], "\n"))
    return style.add_field(embed, text("Prey"), join(prey or [nobody], "\n"))


def build_activity_embed(style: Style, activity: Activity, coverage: Coverage) -> discord.Embed:
    """Return the frame of the heat map."""
    title = text("🕒 Activity")
    if activity.name:
        title = text("🕒 Activity of {player}", player=show_name(activity.name))
    kills = count_kills(activity.kills) if activity.kills else text("no kills yet")
    embed = style.build(title, join_facts([describe_coverage(coverage), kills]))
    said = text("Kills by weekday and hour, by the game servers' own clocks")
    return style.add_footer(embed, said)


def build_recent_embed(style: Style, deaths: Sequence[RecentDeath], coverage: Coverage) -> discord.Embed:
    """Return the latest deaths, newest first, with a line for each."""
    is_several = len(coverage.server_ids) > 1
    lines = [_write_death(style, recent, is_several=is_several) for recent in deaths]
    title = text("📜 Latest deaths · {where}", where=coverage.where)
    return style.build(title, text("No deaths yet."), lines=lines)


def _describe_score(comparison: Comparison) -> Text:
    first, second = comparison.first_kills, comparison.second_kills
    if not first and not second:
        return text("they never killed each other")
    return frame("{first} : {second}", first=Number(first), second=Number(second))


def _show_share(row: WeaponRow, table: WeaponTable) -> Text:
    return frame(
        "**{weapon}** — {kills} ({share})",
        weapon=show_weapon(row.weapon),
        kills=count_kills(row.kills),
        share=Share(row.kills, table.kills),
    )


def _write_weapon(style: Style, row: WeaponRow, place: int, table: WeaponTable) -> str:
    facts = []
    if row.longest:
        facts.append(text("longest {distance}", distance=Metres(row.longest)))
    if row.best_kills:
        name, kills = show_name(row.best_name), Number(row.best_kills)
        facts.append(text("best {player} ({kills})", player=name, kills=kills))
    line = f"{write_number(style, place, width=2)} {style.write(_show_share(row, table))}"
    return f"{line}\n-# {style.write(join_facts(facts))}" if facts else line


def _show_rival(rival: Rival, said: Text) -> Text:
    return frame("**{name}** — {said}", name=show_name(rival.name), said=said)


def _describe_nemesis(rival: Rival) -> Text:
    return plural(
        "killed by {count} time, killed back {back}",
        "killed by {count} times, killed back {back}",
        rival.deaths,
        back=Number(rival.kills),
    )


def _describe_prey(rival: Rival) -> Text:
    return plural(
        "killed {count} time, killed back {back}",
        "killed {count} times, killed back {back}",
        rival.kills,
        back=Number(rival.deaths),
    )


def _write_death(style: Style, recent: RecentDeath, *, is_several: bool) -> str:
    death = recent.death
    facts: list[Value] = [tell_death(death.row), Moment(death.at)]
    if is_several:
        facts.append(show_name(recent.server_name))
    return f"{DEATH_LOOK.variants[death.row.kind].mark} {style.write(join_facts(facts))}"
