"""Combat: answers about weapons, rivals, hours and the latest deaths, and comparisons."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

import discord

from utils.embeds.notices.deaths import DEATH_LOOK, tell_death
from utils.embeds.players import BOARDS, build_ranking, describe_coverage, measure_places, write_place
from utils.embeds.style import Style
from utils.embeds.values import count_kills, frame, join_facts, show_name, show_weapon
from utils.models.players import PlayerStats
from utils.models.statistics import (
    SEASON_PERIOD_CHOICES,
    Activity,
    Board,
    Comparison,
    Coverage,
    Period,
    RecentDeath,
    Rivals,
    ServerFigures,
    WeaponRow,
    WeaponTable,
)
from utils.models.texts import Metres, Moment, Number, Share, Text, Value, join, plural, text

NOTHING = frame("—")
"""Stands for a figure that one of two players does not have."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A figure of two players; None if a player does not have it."""

    figure: Text
    first: float | None
    second: float | None
    show: Callable[[float], Value] = Number
    is_less_better: bool = False

    def find_better(self) -> int | None:
        """Return 0 for the first player, 1 for the second, None for equal figures."""
        worst = inf if self.is_less_better else -inf
        first, second = (worst if value is None else value for value in (self.first, self.second))
        if first == second:
            return None
        return int((first < second) != self.is_less_better)


def build_comparison_embed(style: Style, comparison: Comparison, coverage: Coverage) -> discord.Embed:
    """Return two players' figures, a row each with the better one bold, below their head-to-head."""
    first, second = comparison.first, comparison.second
    title = text("⚔️ {first} vs {second}", first=show_name(first.name), second=show_name(second.name))
    score = _write_pair(style, _Pair(text("Head-to-head"), comparison.first_kills, comparison.second_kills))
    lines = [
        style.write(describe_coverage(coverage)),
        score or style.write(text("No kills between them yet")),
        "",
        *filter(None, (_write_pair(style, pair) for pair in _list_compared(first, second))),
    ]
    return style.build(title, lines=lines)


def build_servers_embed(style: Style, figures: Sequence[ServerFigures], period: Period) -> discord.Embed:
    """Return the game servers of a community, a field for each."""
    embed = style.build(text("🗺️ Game servers"), SEASON_PERIOD_CHOICES[period])
    for one in figures:
        style.add_field(embed, show_name(one.name), _show_server(one))
    return embed


def build_weapons_embed(
    style: Style, table: WeaponTable, coverage: Coverage, *, name: str = ""
) -> discord.Embed:
    """Return the frame of a picture of weapons.

    Args:
        style: theme and language.
        table: the whole table.
        coverage: the servers and days that are counted.
        name: the player's name; empty for all players.
    """
    title = text("🔫 Weapons of {player}", player=show_name(name)) if name else text("🔫 Weapons")
    kills = count_kills(table.kills) if table.kills else text("no kills yet")
    return style.build(title, join_facts([describe_coverage(coverage), kills]))


def build_weapon_board_embed(
    style: Style, rows: Sequence[WeaponRow], table: WeaponTable, coverage: Coverage, *, first: int
) -> discord.Embed:
    """Return a page of the board that ranks weapons, with a line for each."""
    width = measure_places(style, first + len(rows) - 1)
    lines = [
        f"{write_place(style, place, width=width)} {style.write(_show_share(row, table))}"
        for place, row in enumerate(rows, start=first)
    ]
    lines = lines or [style.write(text("This board is still empty."))]
    return build_ranking(style, BOARDS[Board.WEAPONS], coverage, lines)


def build_rivals_embed(style: Style, rivals: Rivals, coverage: Coverage) -> discord.Embed:
    """Return who killed a player most, and whom they killed most, in both lists the rival's kills first."""
    title = (
        text("🩸 Rivals of {player}", player=show_name(rivals.name))
        if rivals.name
        else text("🩸 Your rivals")
    )
    embed = style.build(title, describe_coverage(coverage))
    nemeses = [_show_rival(rival.name, rival.deaths, rival.kills) for rival in rivals.nemeses]
    prey = [_show_rival(rival.name, rival.deaths, rival.kills) for rival in rivals.prey]
    nemesis_of, prey_of = (
        (text("No one has killed them three times yet."), text("They haven't killed anyone three times yet."))
        if rivals.name
        else (
            text("No one has killed you three times yet."),
            text("You haven't killed anyone three times yet."),
        )
    )
    style.add_field(embed, text("Nemesis"), join(nemeses or [nemesis_of], "\n"))
    style.add_field(embed, text("Prey"), join(prey or [prey_of], "\n"))
    if not (nemeses or prey):
        return embed
    legend = (
        text("The rival's kills come first, then the player's.")
        if rivals.name
        else text("The rival's kills come first, then yours.")
    )
    return style.add_footer(embed, legend)


def build_activity_embed(style: Style, activity: Activity, coverage: Coverage) -> discord.Embed:
    """Return the frame of the heat map."""
    title = text("🕒 Activity")
    if activity.name:
        title = text("🕒 Activity of {player}", player=show_name(activity.name))
    kills = count_kills(activity.kills) if activity.kills else text("no kills yet")
    embed = style.build(title, join_facts([describe_coverage(coverage), kills]))
    said = text("By the game servers' own clocks")
    return style.add_footer(embed, said)


def build_recent_embed(style: Style, deaths: Sequence[RecentDeath], coverage: Coverage) -> discord.Embed:
    """Return the latest deaths, newest first, with a line for each."""
    is_several = len(coverage.server_ids) > 1
    lines = [_write_death(style, recent, is_several=is_several) for recent in deaths]
    title = text("📰 Latest deaths · {where}", where=coverage.where)
    return style.build(title, text("No deaths yet."), lines=lines)


def _show_server(figures: ServerFigures) -> Text:
    if figures.first is None:
        return text("No kills yet.")
    killers = plural("{count} player with a kill", "{count} players with a kill", figures.killers)
    first = text("First: **{player}**", player=show_name(figures.first.name))
    lines = [
        join_facts([frame("**{kills}**", kills=count_kills(figures.kills)), killers]),
        join_facts([first, count_kills(figures.first.count)]),
    ]
    if figures.weapon is not None:
        weapon = text("Weapon: **{weapon}**", weapon=show_weapon(figures.weapon.weapon))
        lines.append(join_facts([weapon, count_kills(figures.weapon.kills)]))
    if figures.longest:
        lines.append(text("Longest kill: **{distance}**", distance=Metres(figures.longest)))
    return join(lines, "\n")


def _list_compared(first: PlayerStats, second: PlayerStats) -> Iterator[_Pair]:
    """Yield the figures that two players can be compared by."""
    one, other = first.counters, second.counters
    yield _Pair(text("Kills"), one.kills, other.kills)
    yield _Pair(text("Deaths"), one.deaths, other.deaths, is_less_better=True)
    yield _Pair(text("K/D"), one.ratio, other.ratio, lambda value: Number(value, 2))
    yield _Pair(text("Longest kill"), one.longest or None, other.longest or None, Metres)
    yield _Pair(text("Best streak"), one.best_streak or None, other.best_streak or None)
    yield _Pair(text("Streak now"), first.current_streak or None, second.current_streak or None)
    yield _Pair(text("Respawns and accidents"), one.suicides, other.suicides, is_less_better=True)
    yield _Pair(text("Rank"), first.rank, second.rank, _show_rank, is_less_better=True)


def _write_pair(style: Style, pair: _Pair) -> str:
    """Return the row of a figure; an empty line if neither player has it."""
    if not pair.first and not pair.second:
        return ""
    shown = [NOTHING if value is None else pair.show(value) for value in (pair.first, pair.second)]
    better = pair.find_better()
    first, second = (
        frame("**{value}**", value=value) if number == better else value for number, value in enumerate(shown)
    )
    return style.write(frame("{first} {figure} {second}", first=first, figure=pair.figure, second=second))


def _show_rank(rank: float) -> Text:
    return text("#{place}", place=Number(rank))


def _show_share(row: WeaponRow, table: WeaponTable) -> Text:
    return frame(
        "**{weapon}** — {kills} ({share})",
        weapon=show_weapon(row.weapon),
        kills=count_kills(row.kills),
        share=Share(row.kills, table.kills),
    )


def _show_rival(name: str, kills: int, back: int) -> Text:
    score = frame("{kills} : {back}", kills=Number(kills), back=Number(back))
    return frame("**{name}** — {score}", name=show_name(name), score=score)


def _write_death(style: Style, recent: RecentDeath, *, is_several: bool) -> str:
    death = recent.death
    facts: list[Value] = [tell_death(death.row), Moment(death.at)]
    if is_several:
        facts.append(show_name(recent.server_name))
    return f"{DEATH_LOOK.variants[death.row.kind].mark} {style.write(join_facts(facts))}"
