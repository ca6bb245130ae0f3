"""Players: the answer of ``/stats`` and the leaderboards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import discord

from utils.embeds.figures import NONE_YET, write_count, write_metres, write_ratio, write_time
from utils.embeds.theme import Theme
from utils.embeds.wording import WEAPONS
from utils.localization.escape import escape_name
from utils.models.players import BoardRow, PlayerStats, Tallied
from utils.models.quantities import write_quantity
from utils.models.statistics import Coverage, Period

ROWS_PER_PAGE = 10


@dataclass(frozen=True, slots=True)
class BoardLook:
    """How one board is titled, and how the value it ranks by is written."""

    title: str
    write_value: Callable[[float], str]
    is_money: bool = False


BOARDS: Mapping[str, BoardLook] = {
    "kills": BoardLook("Most kills", lambda value: write_quantity(value, "kill")),
    "deaths": BoardLook("Most deaths", lambda value: write_quantity(value, "death")),
    "kd": BoardLook("Best K/D", lambda value: f"{write_ratio(value)} K/D"),
    "streak": BoardLook("Longest streaks", lambda value: f"{write_count(value)} in a row"),
    "longest": BoardLook("Longest kills", write_metres),
    "suicides": BoardLook("Most suicides", lambda value: write_quantity(value, "suicide")),
    "bounties": BoardLook("Best bounty hunters", write_count, is_money=True),
}
"""The looks of ``/leaderboard``'s boards, by the value of its option."""


PERIODS: Mapping[Period, str] = {
    Period.ALL: "all time",
    Period.TODAY: "today",
    Period.WEEK: "last 7 days",
    Period.MONTH: "last 30 days",
}
"""How periods are written."""


def describe_coverage(coverage: Coverage) -> str:
    """Return what an answer covers: server and period, escaped."""
    return f"{escape_name(coverage.where)} · {PERIODS[coverage.period]}"


def build_stats_embed(theme: Theme, stats: PlayerStats, coverage: Coverage) -> discord.Embed:
    """Return the figures of a player, or of several of one person, on one server or summed."""
    counters = stats.counters
    description = describe_coverage(coverage)
    if stats.also:
        description += f"\nsummed with {', '.join(map(escape_name, stats.also))}"
    embed = discord.Embed(
        title=f"📊 {escape_name(stats.name)}", description=description, colour=theme.neutral
    )
    fields = {
        "Kills": write_count(counters.kills),
        "Deaths": write_count(counters.deaths),
        "K/D": write_ratio(counters.ratio),
        "Suicides": write_count(counters.suicides),
        "Longest kill": write_metres(counters.longest) if counters.longest else NONE_YET,
        "Best streak": write_count(counters.best_streak),
        "Current streak": write_count(stats.current_streak),
        "Top weapon": write_tally(stats.top_weapon),
        "Nemesis": write_tally(stats.nemesis),
        "Prey": write_tally(stats.prey),
        "Rank": write_rank(stats),
        "Last seen": write_time(stats.last_seen_at),
    }
    for name, value in fields.items():
        embed.add_field(name=name, value=value)
    return embed


def build_board_embed(
    theme: Theme,
    board: str,
    rows: Sequence[BoardRow],
    coverage: Coverage,
    *,
    own: BoardRow | None = None,
) -> discord.Embed:
    """Return one page of a leaderboard.

    Args:
        theme: the look.
        board: key of ``BOARDS``.
        rows: the rows of this page, at most ``ROWS_PER_PAGE``.
        coverage: what is counted.
        own: the caller's own row, shown below.
    """
    look = BOARDS[board]
    lines = [_write_row(theme, look, row) for row in rows] or ["Nobody is on this board yet."]
    if own is not None:
        lines += ["", f"Your place: {_write_row(theme, look, own)}"]
    embed = discord.Embed(title=f"🏆 {look.title}", description="\n".join(lines), colour=theme.ranking)
    return embed.add_field(name="Where", value=describe_coverage(coverage), inline=False)


def build_posted_embed(board: discord.Embed, coverage: Coverage) -> discord.Embed:
    """Return a board as it stands in a channel for good: its title tells it from every other one."""
    posted = board.copy()
    posted.title = f"{board.title} · {escape_name(coverage.where)}"
    return posted.set_footer(text="Keeps itself up to date")


def _write_row(theme: Theme, look: BoardLook, row: BoardRow) -> str:
    mark = (
        theme.medals[row.rank - 1] if 0 < row.rank <= len(theme.medals) else f"`{write_count(row.rank):>3}`"
    )
    return f"{mark} **{escape_name(row.name)}** — {_write_value(theme, look, row)}"


def _write_value(theme: Theme, look: BoardLook, row: BoardRow) -> str:
    value = look.write_value(row.value)
    if not look.is_money:
        return value
    return f"{value} {theme.money} · {write_quantity(row.claims, 'bounty', 'bounties')}"


def write_tally(tally: Tallied | None) -> str:
    """Return a name with its count; a cause of the log by its own word."""
    if tally is None:
        return NONE_YET
    return f"{WEAPONS.get(tally.name) or escape_name(tally.name)} ({write_count(tally.count)})"


def write_rank(stats: PlayerStats) -> str:
    """Return a player's place among the others."""
    return f"#{write_count(stats.rank)} of {write_count(stats.ranked)}" if stats.rank else NONE_YET
