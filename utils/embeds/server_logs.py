"""The answer of ``/admin server log``: what the bot knows of a game server's Deadside.log."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import discord

from utils.embeds.presence import describe_condition
from utils.embeds.style import Style
from utils.embeds.values import show_name
from utils.models.game_log import LineCount, LogReport, SelfCheck
from utils.models.servers import RestartSettings
from utils.models.texts import (
    Code,
    Command,
    Moment,
    Names,
    Number,
    Span,
    Text,
    Value,
    join,
    plural,
    text,
    text_in,
)


def build_server_log_embed(
    style: Style, report: LogReport, shapes: Sequence[LineCount], *, is_first: bool = True
) -> discord.Embed:
    """Return what is known of a log, with some shapes of unknown lines; further pages have shapes alone."""
    title = text("📄 Deadside.log of {server}", server=show_name(report.server_name))
    lines: list[Text] = []
    if is_first:
        lines = [text("**{name}:** {value}", name=name, value=value) for name, value in _list_facts(report)]
    lines += [text("{shape}: {count}", shape=Code(one.name), count=Number(one.count)) for one in shapes]
    return style.build(title, lines=[style.write(line) for line in lines])


def sort_counts(counts: Iterable[LineCount]) -> list[LineCount]:
    """Return counts of lines, the most frequent first."""
    return sorted(counts, key=lambda one: (-one.count, one.name))


def build_slots_embed(style: Style, server_name: str, slots: int | None) -> discord.Embed:
    """Return the answer after the number of places was set or given back to the log."""
    server = show_name(server_name)
    title = text("{server} takes its places from the log again", server=server)
    if slots is not None:
        title = plural("{server} has {count} place", "{server} has {count} places", slots, server=server)
    said = text(
        "{status} and {online} show that number from now on.",
        status=Command("server status"),
        online=Command("server online"),
    )
    return style.build(title, said, mark=style.theme.good, colour=style.theme.success)


def build_restarts_embed(style: Style, settings: RestartSettings) -> discord.Embed:
    """Return the answer after the times of restarts were set or forgotten."""
    server, theme = settings.server, style.theme
    if settings.next_at is None:
        title = text("I've forgotten when {server} restarts", server=show_name(server.name))
        said = text("If it keeps a time of day, I learn it from its log.")
        return style.build(title, said, mark=theme.good, colour=theme.success)
    title = text("I know when {server} restarts", server=show_name(server.name))
    lines = [
        text(
            "Each day at {times} ({zone}). Next: {moment}.",
            times=Names(tuple(Code(one) for one in server.restart_times)),
            zone=server.timezone,
            moment=Moment(settings.next_at),
        ),
        _describe_warning(server.restart_warning),
    ]
    return style.build(title, join(lines, "\n"), mark=theme.good, colour=theme.success)


def _describe_warning(minutes: int) -> Text:
    if not minutes:
        return text("I don't announce it.")
    return plural(
        "I announce it {count} minute before, in the events channel.",
        "I announce it {count} minutes before, in the events channel.",
        minutes,
    )


def _list_facts(report: LogReport) -> list[tuple[Text, Value]]:
    state, presence = report.state, report.state.presence
    facts: list[tuple[Text, Value]] = [(text("State"), describe_condition(report.condition, state))]
    if presence.started_at is not None:
        facts.append((text("Run since"), Moment(presence.started_at)))
    if presence.newest_at is not None:
        facts.append((text("Last line"), Moment(presence.newest_at)))
    if state.grown_at is not None and presence.newest_at is not None:
        lag = max(timedelta(), state.grown_at - presence.newest_at)
        facts.append((text("Lag"), Span(lag)))
    facts.append((text("Quiet after"), Span(report.quiet_after)))
    facts.append((text_in("of a game server", "Places"), _describe_places(report)))
    facts.append((text("Self-check"), _describe_check(state.check)))
    facts.append((text("Lines by rule"), _describe_rules(state.tally.rules)))
    facts.append((text("Lines that look relevant and fit no rule"), Number(state.tally.unmatched)))
    if state.world.unknown_states:
        facts.append((text("States of events that I don't know"), Number(state.world.unknown_states)))
    return facts


def _describe_rules(rules: Sequence[LineCount]) -> Value:
    if not rules:
        return text("none yet")
    return Names(
        tuple(
            text("{rule} {count}", rule=Code(one.name), count=Number(one.count)) for one in sort_counts(rules)
        )
    )


def _describe_places(report: LogReport) -> Text:
    if report.slots is not None:
        return text("{count}, set by an admin", count=Number(report.slots))
    told = report.state.presence.max_players
    if told is None:
        return text("not known; set them with {slots}", slots=Command("admin server slots"))
    return text("{count}, from the command line in the log", count=Number(told))


def _describe_check(check: SelfCheck | None) -> Text:
    if check is None:
        return text("not yet: it needs 20 kills of one run")
    said = text(
        "{online} of {kills} killers were online, {moment}",
        online=Number(check.online),
        kills=Number(check.kills),
        moment=Moment(check.at),
    )
    if check.is_aged:
        return join([said, text("The rules seem to have aged.")], ". ")
    return said
