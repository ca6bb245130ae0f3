"""The answer of ``/killfeed status``: the state of reading and posting, for admins and for players."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import discord

from utils.embeds.limits import MAX_FIELDS
from utils.embeds.servers import STATES, show_state, warn
from utils.embeds.style import Style
from utils.embeds.values import frame, join_facts, show_name
from utils.models.scope import ChannelId
from utils.models.servers import ConnectionCount, ConnectionState, ServerHealth
from utils.models.texts import Command, Mention, Moment, Number, Text, join, plural, text, text_in


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server in ``/killfeed status``.

    Attributes:
        channel_id: its killfeed channel, or None if there is none.
        health: the state of reading it.
        newest_at: the moment of its newest stored death.
        obstacle: why nothing can be posted; None if all is well.
    """

    name: str
    channel_id: ChannelId | None
    health: ServerHealth
    newest_at: datetime | None = None
    obstacle: Text | None = None

    @property
    def is_well(self) -> bool:
        """Tell whether its deaths are read and posted."""
        return self.obstacle is None and self.health.is_well


_NEVER_READ: Mapping[ConnectionState, Text] = {
    ConnectionState.REFUSED: text_in("a connection", "Can't log in: an admin has to fix it")
}
"""For players, the states of a server that was never read, where an admin's words have a command."""


def build_status_embed(
    style: Style,
    servers: Sequence[ServerStatus],
    *,
    connections: ConnectionCount,
    limit: int,
    posting_problem: Text | None = None,
    is_for_admins: bool = True,
) -> discord.Embed:
    """Return the state of reading and posting, a field for each server.

    Problems have addresses, user names and host keys, so only admins see them, and the connections.

    Args:
        style: theme and language.
        servers: the game servers to show.
        connections: the open connections of the guild, of ``limit`` at most.
        limit: the most connections that the guild may have.
        posting_problem: the unexpected failure of posting, if there is one.
        is_for_admins: whether an admin asks.
    """
    is_well = posting_problem is None and all(status.is_well for status in servers)
    none = text("No game server is set up yet. Admins: start with {setup}.", setup=Command("setup"))
    said = none if not servers else _describe_posting(posting_problem, is_for_admins=is_for_admins)
    colour = style.theme.success if is_well else style.theme.warning
    embed = style.build(text("📡 Killfeed status"), said, colour=colour)
    for status in servers[:MAX_FIELDS]:
        described = _describe_for_admins(status) if is_for_admins else _describe_for_players(status)
        style.add_field(embed, _show_name(style, status), described)
    return style.add_footer(embed, _count_connections(connections, limit)) if is_for_admins else embed


def _describe_posting(problem: Text | None, *, is_for_admins: bool) -> Text | None:
    if problem is None:
        return None
    return warn(problem if is_for_admins else text("Posts are stuck. I'll keep trying."))


def _count_connections(connections: ConnectionCount, limit: int) -> Text:
    opened = text(
        "Connections to game hosts: {opened} of {limit} open",
        opened=Number(connections.opened),
        limit=Number(limit),
    )
    if not connections.waiting:
        return opened
    return join_facts([opened, plural("{count} waiting", "{count} waiting", connections.waiting)])


def _show_name(style: Style, status: ServerStatus) -> Text:
    if status.health.state is ConnectionState.CONNECTED and status.obstacle is not None:
        return frame("⚠️ {name}", name=show_name(status.name))
    return show_state(style, status.name, status.health.state)


def _describe_for_admins(status: ServerStatus) -> Text:
    health = status.health
    lines = [
        join_facts([_describe_state(health), *_list_places(status)]),
        join_facts(_list_moments(status)),
        join_facts(_list_counts(health)),
    ]
    problems = [] if health.problem is None else [health.problem]
    problems += [
        text("{log}: {problem}", log=other.log, problem=other.problem)
        for other in health.others
        if other.problem
    ]
    return join([*lines, *map(warn, [*_list_obstacles(status), *problems])], "\n")


def _describe_for_players(status: ServerStatus) -> Text:
    """Return the state of a server without anything about its host."""
    first = join_facts([_describe_absence(status.health), *_list_places(status)])
    obstacles = map(warn, _list_obstacles(status))
    return join([first, _describe_newest(status), *obstacles], "\n")


def _list_places(status: ServerStatus) -> list[Text]:
    return [] if status.channel_id is None else [text("{channel}", channel=Mention("#", status.channel_id))]


def _list_obstacles(status: ServerStatus) -> list[Text]:
    return [] if status.obstacle is None else [status.obstacle]


def _list_moments(status: ServerStatus) -> list[Text]:
    """Return when the newest death was, when the log was read, and how late; none while it is offline."""
    health, moments = status.health, [_describe_newest(status)]
    if health.last_read_at is not None:
        moments.append(text("last read {moment}", moment=Moment(health.last_read_at)))
    if health.lag_seconds is not None and health.state is ConnectionState.CONNECTED:
        moments.append(text("lag {seconds} s", seconds=Number(health.lag_seconds, 1)))
    return moments


def _describe_newest(status: ServerStatus) -> Text:
    if status.newest_at is None:
        return text("No kills yet")
    return text("Last kill {moment}", moment=Moment(status.newest_at))


def _list_counts(health: ServerHealth) -> list[Text]:
    counts = [plural("{count} line read", "{count} lines read", health.lines_read)]
    if health.lines_rejected:
        counts.append(plural("{count} rejected", "{count} rejected", health.lines_rejected))
    return counts


def _describe_state(health: ServerHealth) -> Text:
    """Return a state, and the time of the next try of a failing server, unless it waits for a person."""
    state = STATES[health.state]
    if health.state not in (ConnectionState.RETRYING, ConnectionState.NO_LOGS):
        return state
    if health.next_try_at is None:
        return text_in("a connection and when it is tried", "{state} now", state=state)
    moment = Moment(health.next_try_at)
    return text_in("a connection and when it is tried", "{state} {moment}", state=state, moment=moment)


def _describe_absence(health: ServerHealth) -> Text:
    """Return a state, and when the log was read last."""
    if health.last_read_at is None:
        return _NEVER_READ.get(health.state, STATES[health.state])
    last = Moment(health.last_read_at)
    if health.state is ConnectionState.RETRYING:
        return text_in("a connection", "Offline, last read {moment}, retrying", moment=last)
    if health.state is ConnectionState.REFUSED:
        return text_in("a connection", "Offline, last read {moment}: an admin has to fix it", moment=last)
    if health.state is ConnectionState.NO_LOGS:
        return text_in("a connection", "No logs, last read {moment}, looking again", moment=last)
    return STATES[health.state]
