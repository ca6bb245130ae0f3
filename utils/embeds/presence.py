"""Players on game servers: the answers of ``/server online`` and ``/server status``."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import discord

from utils.embeds.limits import MAX_FIELDS
from utils.embeds.style import Style
from utils.embeds.values import join_facts, show_name
from utils.models.game_log import GameLogState, LogCondition, NextRestart, PlayersReport
from utils.models.populations import POPULATION_CHOICES, PopulationReport
from utils.models.texts import Moment, Number, Text, Value, join, plural, text, text_in

AS_OF = text("As of")
MOST_POSTED = 60
"""The most names on a posted board, over all game servers."""

CONDITIONS: Mapping[LogCondition, Text] = {
    LogCondition.OK: text_in("a game server", "🟢 Running"),
    LogCondition.QUIET: text_in("a game server", "🟡 No news from it"),
    LogCondition.STOPPED: text_in("a game server", "🔴 Stopped or starting"),
    LogCondition.UNKNOWN: text_in("a game server", "⚪ Unknown: I can't read its log"),
}


def describe_condition(condition: LogCondition, state: GameLogState) -> Text:
    """Return a state in words; one that is unknown because the rules of the log have aged says so."""
    if condition is LogCondition.UNKNOWN and state.is_aged:
        return text("⚪ Unknown: its log no longer says who is online")
    return CONDITIONS[condition]


def list_online(report: PlayersReport) -> list[Text]:
    """Return the lines about one server: how many are online, then their names, the longest first."""
    head = text(
        "**{server}** · {facts}", server=show_name(report.server_name), facts=_describe_number(report)
    )
    if not report.has_figures:
        return [head]
    online = sorted(
        (one for one in report.state.presence.players.values() if one.is_online),
        key=lambda one: (one.since, one.name, one.key),
    )
    lines = [
        text("{player} joined {moment}", player=show_name(one.name), moment=Moment(one.since))
        for one in online
        if one.name
    ]
    nameless = len(online) - len(lines)
    if nameless:
        lines.append(
            plural("and {count} whose name isn't known", "and {count} whose names aren't known", nameless)
        )
    return [head, *lines]


def build_online_embed(style: Style, lines: Sequence[Text]) -> discord.Embed:
    """Return a page of who is online."""
    return style.build(text("👥 Players online"), lines=[style.write(line) for line in lines])


def build_online_board_embed(
    style: Style, reports: Sequence[PlayersReport], *, where: Value, at: datetime
) -> discord.Embed:
    """Return the posted board of who is online; its title is different from that of every other board.

    Args:
        style: theme and language.
        reports: of one game server, or of all.
        where: which ones these are.
        at: the time of the figures.
    """
    most = max(1, MOST_POSTED // max(1, len(reports)))
    lines: list[Text] = []
    for report in reports:
        head, *names = list_online(report)
        lines += [head, *names[:most]]
        if (rest := len(names) - most) > 0:
            lines.append(plural("and {count} more", "and {count} more", rest))
    board = build_online_embed(style, lines)
    board.title = f"{board.title} · {style.write(where)}"
    return _post(style, board, at)


def build_status_board_embed(
    style: Style, reports: Sequence[PlayersReport], *, at: datetime
) -> discord.Embed:
    """Return the posted board of how game servers are; ``at`` is the time of its figures."""
    return _post(style, build_server_state_embed(style, reports, is_posted=True), at)


def _post(style: Style, board: discord.Embed, at: datetime) -> discord.Embed:
    board.timestamp = at
    return style.add_footer(board, text("Updates itself · last change"))


def build_server_state_embed(
    style: Style, reports: Sequence[PlayersReport], *, is_posted: bool = False
) -> discord.Embed:
    """Return the state of game servers: fields for one, a field each for several.

    A posted one does not tell when it was read, as long as that is now: it would change every minute.
    """
    if len(reports) == 1:
        (report,) = reports
        embed = style.build(text("🖥️ {server}", server=show_name(report.server_name)))
        for name, value in _list_shown(report, is_posted=is_posted):
            style.add_field(embed, name, value, inline=True)
        return embed
    embed = style.build(text("🖥️ Game servers"))
    for report in reports[:MAX_FIELDS]:
        shown = _list_shown(report, is_posted=is_posted)
        facts = [text("{name}: {value}", name=name, value=value) for name, value in shown]
        style.add_field(embed, show_name(report.server_name), join(facts, "\n"))
    return embed


def build_population_embed(style: Style, report: PopulationReport) -> discord.Embed:
    """Return the frame of the picture of players over time, with its figures."""
    said = join_facts([report.where, POPULATION_CHOICES[report.period]])
    embed = style.build(text("📈 Players over time"), said)
    if report.peak is None or report.peak_at is None or report.average is None:
        style.add_field(embed, text("Now"), text("Nothing was counted yet."))
        return embed
    if report.now is not None:
        style.add_field(embed, text("Now"), Number(report.now), inline=True)
    peak = text("{count}, {moment}", count=Number(report.peak), moment=Moment(report.peak_at))
    style.add_field(embed, text("Average"), Number(report.average, 1), inline=True)
    style.add_field(embed, text("Peak"), peak, inline=True)
    if report.busiest_hour is not None:
        hours = text(
            "{start}:00 to {end}:00", start=Number(report.busiest_hour), end=Number(report.busiest_hour + 1)
        )
        style.add_field(embed, text("Busiest hour"), hours, inline=True)
    return style.add_footer(embed, text("Hours in the time zone {zone}", zone=report.zone))


def _describe_number(report: PlayersReport) -> Value:
    """Return how many are online, of how many places, and the queue."""
    if not report.has_figures:
        return describe_condition(report.condition, report.state)
    facts = [_count_players(report)]
    if queue := _count_queue(report):
        facts.append(text("{count} in the queue", count=Number(queue)))
    if report.condition is LogCondition.QUIET and report.state.presence.newest_at is not None:
        facts.append(text("as of {moment}", moment=Moment(report.state.presence.newest_at)))
    return join_facts(facts)


def _count_players(report: PlayersReport) -> Text:
    online = Number(report.state.presence.count_online())
    if report.max_players is None:
        return text("{online} online", online=online)
    return text("{online} / {places}", online=online, places=Number(report.max_players))


def _count_queue(report: PlayersReport) -> int:
    return report.state.presence.count_queue(report.max_players)


def _describe_restart(restart: NextRestart) -> Text:
    moment = Moment(restart.at)
    return text("{moment}", moment=moment) if restart.is_set else text("usually {moment}", moment=moment)


def _list_shown(report: PlayersReport, *, is_posted: bool) -> list[tuple[Text, Value]]:
    is_left_out = is_posted and report.condition is LogCondition.OK
    return [fact for fact in _list_facts(report) if not (is_left_out and fact[0] == AS_OF)]


def _list_facts(report: PlayersReport) -> list[tuple[Text, Value]]:
    """Return the facts that are known; what is not known is left out."""
    state, presence = report.state, report.state.presence
    facts: list[tuple[Text, Value]] = [
        (text("State"), describe_condition(report.condition, state)),
        *_list_numbers(report),
        *_list_restarts(report),
    ]
    if presence.version:
        facts.append((text("Version"), presence.version))
    if report.peak_today is not None:
        facts.append((text("Peak today"), Number(report.peak_today)))
    if state.peak_at is not None:
        peak = text("{count}, {moment}", count=Number(state.peak), moment=Moment(state.peak_at, "D"))
        facts.append((text("Peak ever"), peak))
    if presence.newest_at is not None:
        facts.append((AS_OF, Moment(presence.newest_at)))
    return facts


def _list_numbers(report: PlayersReport) -> list[tuple[Text, Value]]:
    """Return how many players there are; of a server that is stopped, nothing."""
    if report.condition is LogCondition.UNKNOWN:
        return [(text("Players"), text_in("an unknown number", "?"))]
    if not report.has_figures:
        return []
    facts: list[tuple[Text, Value]] = [(text("Players"), _count_players(report))]
    if queue := _count_queue(report):
        facts.append((text("Queue"), Number(queue)))
    return facts


def _list_restarts(report: PlayersReport) -> list[tuple[Text, Value]]:
    """Return since when a server runs, and its last and its next restart."""
    facts: list[tuple[Text, Value]] = []
    state = report.state
    if report.has_figures and state.presence.started_at is not None:
        facts.append((text("Up since"), Moment(state.presence.started_at)))
    if state.run_starts:
        facts.append((text("Last restart"), Moment(state.run_starts[-1], "f")))
    if report.next_restart is not None:
        facts.append((text("Next restart"), _describe_restart(report.next_restart)))
    return facts
