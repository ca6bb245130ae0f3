"""Players: the answer of ``/stats`` and the leaderboards."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import discord

from utils.embeds.style import Style
from utils.embeds.values import (
    WEAPONS,
    count_deaths,
    count_kills,
    frame,
    join_facts,
    show_money,
    show_name,
)
from utils.models.lasting_buttons import LastingButton
from utils.models.levels import compute_level
from utils.models.players import BoardRow, NamedCount, PlayerStats
from utils.models.posted_boards import MY_PLACE, REFRESH_BOARD, BoardKey
from utils.models.statistics import BOARD_CHOICES, PERIOD_CHOICES, Board, Coverage, Period, RankedPlaces
from utils.models.texts import Day, Metres, Moment, Names, Number, Span, Text, Value, plural, text

ROWS_PER_PAGE = 10

MEDAL_CHARACTERS = 2
"""A medal is as wide as this number of characters of code, a number with its sign among them."""

WIDER = "\u2002"
"""A blank that Discord keeps, as wide as one more character of code."""


@dataclass(frozen=True, slots=True)
class BoardLook:
    """The title of a board, and the form of its value."""

    title: Text
    show_value: Callable[[float], Value]
    is_money: bool = False


def show_xp(xp: float) -> Text:
    """Return XP with the level that it gives: ``12,340 XP · level 21``."""
    level = compute_level(int(xp))
    return text("{xp} XP · level {level}", xp=Number(xp), level=Number(level))


BOARDS: Mapping[Board, BoardLook] = {
    Board.KILLS: BoardLook(text("🏆 Most kills"), count_kills),
    Board.DEATHS: BoardLook(text("🏆 Most deaths"), count_deaths),
    Board.KD: BoardLook(text("🏆 Best K/D ratio"), lambda value: text("{ratio} K/D", ratio=Number(value, 2))),
    Board.STREAK: BoardLook(
        text("🏆 Longest streaks"), lambda value: plural("{count} in a row", "{count} in a row", value)
    ),
    Board.LONGEST: BoardLook(text("🏆 Longest kills"), Metres),
    Board.SUICIDES: BoardLook(
        text("🏆 Most respawns and accidents"),
        lambda value: plural("{count} respawn or accident", "{count} respawns and accidents", value),
    ),
    Board.WEAPONS: BoardLook(text("🏆 Deadliest weapons"), count_kills),
    Board.BOUNTIES: BoardLook(text("🏆 Best bounty hunters"), Number, is_money=True),
    Board.XP: BoardLook(text("🏆 Most XP"), show_xp),
    Board.FACTIONS: BoardLook(text("🏆 Best factions"), count_kills),
    Board.PLAYTIME: BoardLook(text("🏆 Most time played"), lambda value: Span(timedelta(seconds=value))),
}
"""The looks of the boards."""


def describe_coverage(coverage: Coverage) -> Text:
    """Return the server and period of an answer; of a season its name and days, of a recap its days."""
    if coverage.period is not Period.SEASON and coverage.since is not None and coverage.until is not None:
        return join_facts([coverage.where, describe_days(coverage.since, coverage.until)])
    if coverage.period is not Period.SEASON:
        return join_facts([coverage.where, PERIOD_CHOICES[coverage.period]])
    days: list[Value] = [] if coverage.since is None else [text("since {day}", day=Day(coverage.since))]
    if coverage.since is not None and coverage.until is not None and coverage.until < coverage.today:
        days = [describe_days(coverage.since, coverage.until)]
    return join_facts([coverage.where, show_name(coverage.season), *days])


def describe_days(first: date, last: date) -> Value:
    """Return the days from one to another; one day alone stands once."""
    return Day(first) if first == last else text("{first} to {last}", first=Day(first), last=Day(last))


def build_stats_embed(style: Style, stats: PlayerStats, coverage: Coverage) -> discord.Embed:
    """Return the figures of a player, or of several players of one person, on one server or summed."""
    lines = [style.write(describe_coverage(coverage))]
    if stats.also:
        players = Names(tuple(map(show_name, stats.also)))
        lines.append(style.write(text("together with {players}", players=players)))
    title = text("📊 {player}", player=show_name(stats.name))
    embed = style.build(title, lines=lines)
    for name, value in _list_figures(stats):
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
        board: the value of a ``Board`` of players.
        rows: the rows of this page, at most ``ROWS_PER_PAGE``.
        coverage: the servers and days that are counted.
        own: the caller's own row; it is marked, or stands below if it is on another page.
    """
    look = BOARDS[Board(board)]
    page = [_build_line(style, look, row) for row in rows]
    mine = None if own is None else _build_line(style, look, own)
    return build_ranking(style, look, coverage, list_board_lines(style, page, mine))


@dataclass(frozen=True, slots=True)
class BoardLine:
    """A line of a board, before it is written.

    Attributes:
        key: tells whose line it is.
    """

    key: str
    rank: int
    name: Text
    value: Value


def list_board_lines(style: Style, page: Sequence[BoardLine], own: BoardLine | None) -> list[str]:
    """Return the lines of a page of a board; the reader's own line is marked, or stands below."""
    width = measure_places(style, page[-1].rank if page else 0)
    lines = []
    for line in page:
        shown = _show_line(style, line, width=width)
        is_own = own is not None and line.key == own.key
        lines.append(style.write(text("{row} ← you", row=shown) if is_own else shown))
    lines = lines or [style.write(text("This board is still empty."))]
    if own is not None and all(line.key != own.key for line in page):
        lines += ["", style.write(text("You: {row}", row=_show_line(style, own)))]
    return lines


def build_ranking(style: Style, look: BoardLook, coverage: Coverage, lines: Sequence[str]) -> discord.Embed:
    """Return a board with its place and period under the title."""
    where = style.write(describe_coverage(coverage))
    return style.build(look.title, lines=[where, "", *lines], colour=style.theme.ranking)


def build_posted_embed(
    style: Style, board: discord.Embed, coverage: Coverage, *, at: datetime
) -> discord.Embed:
    """Return a board for posting in a channel; its title is different from that of every other board.

    The title has the servers, so the line below it has the period alone. ``at`` is the time of its figures.
    """
    posted = board.copy()
    rows = (board.description or "").partition("\n")[2]
    posted.description = f"{style.write(PERIOD_CHOICES[coverage.period])}\n{rows}"
    posted.title = f"{board.title} · {style.write(coverage.where)}"
    posted.timestamp = at
    return style.add_footer(posted, text("Updates itself · last change"))


def list_board_buttons(key: BoardKey) -> tuple[LastingButton, ...]:
    """Return the buttons below a posted board; weapons and game servers have no place of one's own."""
    place = LastingButton(MY_PLACE, text("My place"), key.argument, emoji="📍")
    refresh = LastingButton(REFRESH_BOARD, text("Refresh"), key.argument, emoji="🔄")
    return (refresh,) if key.is_live or key.board == Board.WEAPONS else (place, refresh)


def build_places_embed(style: Style, places: RankedPlaces, coverage: Coverage) -> discord.Embed:
    """Return the places of a member's own players on a board."""
    look = BOARDS[places.board]
    lines = [style.write(show_board_row(style, look, row)) for row in places.rows]
    if places.missing:
        names = Names(tuple(map(show_name, places.missing)))
        lines.append(style.write(_describe_missing(places, names)))
    embed = build_ranking(style, look, coverage, lines)
    embed.title = style.write(text("📍 Your place · {board}", board=BOARD_CHOICES[places.board]))
    return embed


def measure_places(style: Style, last: int) -> int:
    """Return the characters of the longest number of a place, with its sign, up to a last place."""
    return max(MEDAL_CHARACTERS, len(_write_place(style, last)))


def write_place(style: Style, place: int, *, width: int = MEDAL_CHARACTERS) -> str:
    """Return a medal, or the number of a place; places of equal ``width`` are aligned."""
    medals = style.theme.medals
    if place <= len(medals):
        return medals[place - 1] + WIDER * (width - MEDAL_CHARACTERS)
    return f"`{_write_place(style, place):<{width}}`"


def _write_place(style: Style, place: int) -> str:
    return style.write_plain(text("#{place}", place=Number(place)))


def write_number(style: Style, number: int, *, width: int) -> str:
    """Return a number in a fixed width."""
    return f"`{style.write_plain(Number(number)):>{width}}`"


def show_tally(tally: NamedCount) -> Text:
    """Return a name with its count; a cause of the log has its own word."""
    name = WEAPONS.get(tally.name) or show_name(tally.name)
    return text("{name} ({count})", name=name, count=Number(tally.count))


def _list_figures(stats: PlayerStats) -> Iterator[tuple[Text, Value]]:
    """Yield the fields about a player, in their order; what they do not have yet is left out."""
    counters = stats.counters
    yield text("Kills"), Number(counters.kills)
    yield text("Deaths"), Number(counters.deaths)
    yield text("K/D"), Number(counters.ratio, 2)
    if counters.longest:
        yield text("Longest kill"), Metres(counters.longest)
    if counters.best_streak:
        yield text("Best streak"), Number(counters.best_streak)
    if stats.current_streak:
        yield text("Streak now"), Number(stats.current_streak)
    for name, tally in (
        (text("Top weapon"), stats.top_weapon),
        (text("Nemesis"), stats.nemesis),
        (text("Prey"), stats.prey),
    ):
        if tally is not None:
            yield name, show_tally(tally)
    if counters.suicides:
        yield text("Respawns and accidents"), Number(counters.suicides)
    if stats.rank:
        yield text("Rank"), text("#{rank} of {ranked}", rank=Number(stats.rank), ranked=Number(stats.ranked))
    yield text("Last seen"), Moment(stats.last_seen_at)


def show_board_row(style: Style, look: BoardLook, row: BoardRow) -> Text:
    """Return a line of a board: place, player and value."""
    return _show_line(style, _build_line(style, look, row))


def _build_line(style: Style, look: BoardLook, row: BoardRow) -> BoardLine:
    value = look.show_value(row.value)
    if look.is_money:
        claims = plural("{count} bounty", "{count} bounties", row.claims)
        value = join_facts([show_money(style.theme, round(row.value)), claims])
    return BoardLine(row.player_id, row.rank, frame("**{name}**", name=show_name(row.name)), value)


def _show_line(style: Style, line: BoardLine, *, width: int = MEDAL_CHARACTERS) -> Text:
    place = write_place(style, line.rank, width=width)
    return frame(f"{place} {{name}} — {{value}}", name=line.name, value=line.value)


def _describe_missing(places: RankedPlaces, names: Names) -> Text:
    """Return why players are not on a board."""
    if places.minimum_kills:
        return plural(
            "Not on this board yet: {names}. You need {count} kill.",
            "Not on this board yet: {names}. You need {count} kills.",
            places.minimum_kills,
            names=names,
        )
    return text("Not on this board yet: {names}.", names=names)
