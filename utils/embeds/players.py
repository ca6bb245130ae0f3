"""Players: the answer of ``/stats`` and the leaderboards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import discord

from utils.embeds.style import Style
from utils.embeds.values import (
    NONE_YET,
    WEAPONS,
    count_deaths,
    count_kills,
    frame,
    join_facts,
    show_money,
    show_name,
)
from utils.models.players import BoardRow, NamedCount, PlayerStats
from utils.models.statistics import Coverage, Period
from utils.models.texts import Metres, Moment, Names, Number, Text, Value, plural, text

ROWS_PER_PAGE = 10
WHERE = text("Where")
"""The name of the field that says what is counted."""


@dataclass(frozen=True, slots=True)
class BoardLook:
    """The title of a board, and the form of its value."""

    title: Text
    show_value: Callable[[float], Value]
    is_money: bool = False


BOARDS: Mapping[str, BoardLook] = {
    "kills": BoardLook(text("🏆 Most kills"), count_kills),
    "deaths": BoardLook(text("🏆 Most deaths"), count_deaths),
    "kd": BoardLook(text("🏆 Best K/D"), lambda value: text("{ratio} K/D", ratio=Number(value, 2))),
    "streak": BoardLook(
        text("🏆 Longest streaks"), lambda value: plural("{count} in a row", "{count} in a row", value)
    ),
    "longest": BoardLook(text("🏆 Longest kills"), Metres),
    "suicides": BoardLook(
        text("🏆 Most suicides"), lambda value: plural("{count} suicide", "{count} suicides", value)
    ),
    "bounties": BoardLook(text("🏆 Best bounty hunters"), Number, is_money=True),
}
"""The looks of ``/leaderboard``'s boards, by the value of its option."""


PERIODS: Mapping[Period, Text] = {
    Period.ALL: text("all time"),
    Period.TODAY: text("today"),
    Period.WEEK: text("last 7 days"),
    Period.MONTH: text("last 30 days"),
}
"""The names of periods."""


def describe_coverage(coverage: Coverage) -> Text:
    """Return the server and period of an answer."""
    return join_facts([coverage.where, PERIODS[coverage.period]])


def list_figures(stats: PlayerStats) -> Sequence[tuple[Text, Value]]:
    """Return the fields about a player, in their order."""
    counters = stats.counters
    return (
        (text("Kills"), Number(counters.kills)),
        (text("Deaths"), Number(counters.deaths)),
        (text("K/D"), Number(counters.ratio, 2)),
        (text("Suicides"), Number(counters.suicides)),
        (text("Longest kill"), Metres(counters.longest) if counters.longest else NONE_YET),
        (text("Best streak"), Number(counters.best_streak)),
        (text("Current streak"), Number(stats.current_streak)),
        (text("Top weapon"), _show_tally(stats.top_weapon)),
        (text("Nemesis"), _show_tally(stats.nemesis)),
        (text("Prey"), _show_tally(stats.prey)),
        (text("Rank"), _describe_rank(stats)),
        (text("Last seen"), Moment(stats.last_seen_at)),
    )


def build_stats_embed(style: Style, stats: PlayerStats, coverage: Coverage) -> discord.Embed:
    """Return the figures of a player, or of several players of one person, on one server or summed."""
    lines = [style.write(describe_coverage(coverage))]
    if stats.also:
        players = Names(tuple(map(show_name, stats.also)))
        lines.append(style.write(text("summed with {players}", players=players)))
    title = text("📊 {player}", player=show_name(stats.name))
    embed = style.build(title, lines=lines)
    for name, value in list_figures(stats):
        style.add_field(embed, name, value, inline=True)
    return embed


def build_board_embed(
    style: Style,
    board: str,
    rows: Sequence[BoardRow],
    coverage: Coverage,
    *,
    own: BoardRow | None = None,
) -> discord.Embed:
    """Return one page of a leaderboard.

    Args:
        style: theme and language.
        board: key of ``BOARDS``.
        rows: the rows of this page, at most ``ROWS_PER_PAGE``.
        coverage: the servers and days that are counted.
        own: the caller's own row, shown below.
    """
    look = BOARDS[board]
    lines = [style.write(_show_row(style, look, row)) for row in rows]
    lines = lines or [style.write(text("Nobody is on this board yet."))]
    if own is not None:
        lines += ["", style.write(text("Your place: {row}", row=_show_row(style, look, own)))]
    embed = style.build(look.title, lines=lines, colour=style.theme.ranking)
    return style.add_field(embed, WHERE, describe_coverage(coverage))


def build_posted_embed(style: Style, board: discord.Embed, coverage: Coverage) -> discord.Embed:
    """Return a board for posting in a channel; its title is different from that of every other board."""
    posted = board.copy()
    posted.title = f"{board.title} · {style.write(coverage.where)}"
    return style.add_footer(posted, text("Keeps itself up to date"))


def write_place(style: Style, place: int) -> str:
    """Return a medal, or the number of a place, in a fixed width."""
    medals = style.theme.medals
    return medals[place - 1] if 0 < place <= len(medals) else write_number(style, place, width=3)


def write_number(style: Style, number: int, *, width: int) -> str:
    """Return the number of a row in letters of one width."""
    return f"`{style.write_plain(Number(number)):>{width}}`"


def _show_row(style: Style, look: BoardLook, row: BoardRow) -> Text:
    value = look.show_value(row.value)
    if look.is_money:
        claims = plural("{count} bounty", "{count} bounties", row.claims)
        value = join_facts([show_money(style.theme, round(row.value)), claims])
    place = write_place(style, row.rank)
    return frame(f"{place} **{{name}}** — {{value}}", name=show_name(row.name), value=value)


def _show_tally(tally: NamedCount | None) -> Text:
    """Return a name with its count; a cause of the log has its own word."""
    if tally is None:
        return NONE_YET
    name = WEAPONS.get(tally.name) or show_name(tally.name)
    return text("{name} ({count})", name=name, count=Number(tally.count))


def _describe_rank(stats: PlayerStats) -> Text:
    """Return a player's place among the others."""
    if not stats.rank:
        return NONE_YET
    return text("#{rank} of {ranked}", rank=Number(stats.rank), ranked=Number(stats.ranked))
