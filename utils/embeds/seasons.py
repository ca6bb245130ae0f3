"""Seasons: how one stands, its results, and the list of all."""

from collections.abc import Sequence

import discord

from utils.embeds.players import BOARDS, build_board_embed, show_board_row
from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.embeds.values import count_kills, join_facts, show_name
from utils.models.players import BoardRow
from utils.models.seasons import (
    FROZEN_ROWS,
    LONGEST_DAYS,
    Season,
    SeasonList,
    SeasonReport,
    SeasonStanding,
    SeasonState,
)
from utils.models.statistics import Board
from utils.models.texts import Command, Day, Number, Text, Value, join, plural, text


def build_season_started_embed(style: Style, season: Season, *, server_name: str) -> discord.Embed:
    """Return the answer of ``/season start``; ``server_name`` is empty for all game servers."""
    is_planned = season.state is SeasonState.PLANNED
    title = text("Season planned") if is_planned else text("Season started")
    where: Value = server_name or text("all game servers")
    said = [_describe_covered(season, where)]
    if season.last_day is None:
        said.append(
            text(
                "It has no last day. End it with {end}. It ends by itself after {days} days.",
                end=Command("season end"),
                days=Number(LONGEST_DAYS),
            )
        )
    said.append(text("{info} shows how it stands.", info=Command("season info")))
    return build_success_embed(style, title, join(said, "\n"))


def build_season_info_embed(style: Style, report: SeasonReport) -> discord.Embed:
    """Return how a season stands, with its first three players by kills."""
    season = report.season
    lines = [style.write(join_facts([report.where, *_describe_time(report)]))]
    if season.state is not SeasonState.PLANNED:
        rows = [style.write(show_board_row(style, BOARDS[Board.KILLS], row)) for row in report.rows]
        lines += ["", *(rows or [style.write(text("Nobody has a kill yet."))])]
    hint = _find_next_step(season)
    if hint is not None:
        lines += ["", style.write(hint)]
    title = text("🏁 {season}", season=show_name(season.name))
    return style.build(title, lines=lines, colour=style.theme.ranking)


def build_season_results_embed(
    style: Style, standing: SeasonStanding, rows: Sequence[BoardRow]
) -> discord.Embed:
    """Return one page of the results of a season; the asker's own row is marked, or stands below."""
    board = standing.result.board.value
    embed = build_board_embed(style, board, rows, standing.coverage, own=standing.own)
    if standing.is_linked and standing.own is None:
        style.add_footer(embed, text("You aren't among the first {count}.", count=Number(FROZEN_ROWS)))
    return embed


def build_season_list_embed(style: Style, found: SeasonList, seasons: Sequence[Season]) -> discord.Embed:
    """Return one page of the seasons, newest first, each with its winner."""
    lines = [
        f"{style.write(text('**{season}**', season=show_name(one.name)))}\n"
        f"-# {style.write(join_facts([found.places[one.server_id], *_describe_row(found, one)]))}"
        for one in seasons
    ]
    nothing = text(
        "There's no season yet. An admin can start one with {start}.", start=Command("season start")
    )
    return style.build(text("🏁 Seasons"), nothing, lines=lines, colour=style.theme.ranking)


def _describe_covered(season: Season, where: Value) -> Text:
    if season.last_day is None:
        return text(
            "**{season}** covers {where}, from {first} on.",
            season=season.name,
            where=where,
            first=Day(season.first_day),
        )
    return text(
        "**{season}** covers {where}, from {first} to {last}.",
        season=season.name,
        where=where,
        first=Day(season.first_day),
        last=Day(season.last_day),
    )


def _describe_time(report: SeasonReport) -> Sequence[Value]:
    """Return the days gone and left, or when the season begins or ended."""
    season, today = report.season, report.today
    if season.state is SeasonState.PLANNED:
        begins = text("begins on {day}", day=Day(season.first_day))
        return (begins, _describe_last_day(season))
    if season.state is not SeasonState.RUNNING:
        return (_describe_days(season),)
    shown = min(max(today, season.first_day), season.final_day)  # in another zone it may be another day
    left = (season.final_day - shown).days
    day = text("day {number}", number=Number((shown - season.first_day).days + 1))
    if season.last_day is None:
        return (day, text("no last day"))
    if left == 0:
        return (day, text("the last day"))
    return (day, plural("{count} day left", "{count} days left", left))


def _describe_last_day(season: Season) -> Text:
    if season.last_day is None:
        return text("no last day")
    return text("ends on {day}", day=Day(season.last_day))


def _describe_days(season: Season) -> Text:
    return text("{first} to {last}", first=Day(season.first_day), last=Day(season.final_day))


def _find_next_step(season: Season) -> Text | None:
    if season.state is SeasonState.CLOSING:
        return text("The season is over. Its results follow within a day.")
    if season.state is SeasonState.CLOSED:
        return text("{results} shows all results.", results=Command("season results"))
    return None


def _describe_row(found: SeasonList, season: Season) -> Sequence[Value]:
    if season.state is SeasonState.PLANNED:
        return (text("begins on {day}", day=Day(season.first_day)),)
    if season.state is SeasonState.RUNNING:
        return (text("running since {day}", day=Day(season.first_day)), _describe_last_day(season))
    if season.state is SeasonState.CLOSING:
        return (_describe_days(season), text("results follow"))
    winner = found.winners.get(season.season_id)
    if winner is None:
        return (_describe_days(season), text("no kills"))
    won = text("won by {player} ({kills})", player=show_name(winner.name), kills=count_kills(winner.value))
    return (_describe_days(season), won)
