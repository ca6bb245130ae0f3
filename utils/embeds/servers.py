"""Game servers: how reading them goes, their list, the test of one, its rejected lines, an import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import discord

from utils.embeds.audit_wording import write_change
from utils.embeds.figures import NONE_YET, write_count, write_duration, write_time
from utils.embeds.limits import MAX_FIELDS
from utils.embeds.theme import Theme
from utils.embeds.wording import KINDS
from utils.localization.escape import escape_name, escape_text, hide_ids
from utils.models.audit import FieldChange
from utils.models.deaths import DeathKind
from utils.models.quantities import write_quantity
from utils.models.reading import ImportProgress, RejectedLine
from utils.models.scope import ChannelId, ServerScope
from utils.models.servers import (
    CheckStep,
    ConnectionCount,
    ConnectionState,
    GameServer,
    HostKey,
    HostKeys,
    ServerHealth,
)

BAR_LENGTH = 14  # fits one line of a phone
SENTENCE_LENGTH = 300
_LINE_LENGTH = 160
_VALUE = 200

_STATES = {
    ConnectionState.UNKNOWN: "not read yet",
    ConnectionState.CONNECTED: "connected",
    ConnectionState.RETRYING: "not read, trying again",
    ConnectionState.REFUSED: "refused, waits for an admin",
    ConnectionState.NO_LOGS: "connected, no logs to read, looking again",
    ConnectionState.PAUSED: "paused, over the premium limit (`/premium status`)",
}


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server in ``/killfeed status``: its name, its killfeed channel, and how reading it goes."""

    name: str
    channel_id: ChannelId | None
    health: ServerHealth


def build_status_embed(
    theme: Theme,
    servers: Sequence[ServerStatus],
    *,
    connections: ConnectionCount,
    limit: int,
    posting_problem: str | None = None,
) -> discord.Embed:
    """Return the state of reading, a field for each server; ``limit`` is of the guild's connections."""
    is_well = posting_problem is None and all(status.health.is_well for status in servers)
    embed = discord.Embed(title="📡 Killfeed status", colour=theme.success if is_well else theme.warning)
    if posting_problem is not None:
        embed.description = f"⚠️ {escape_text(hide_ids(posting_problem), SENTENCE_LENGTH)}"
    for status in servers[:MAX_FIELDS]:
        name = f"{_mark_state(theme, status.health.state)} {escape_name(status.name)}"
        embed.add_field(name=name, value=_write_health(status), inline=False)
    if not servers:
        embed.description = "This Discord server has no game server yet. `/admin server add` adds one."
    return embed.set_footer(
        text=f"Connections to game hosts: {connections.opened} of {limit} open, {connections.waiting} waiting"
    )


def build_server_list_embed(
    theme: Theme, servers: Sequence[GameServer], *, states: Mapping[ServerScope, ServerHealth]
) -> discord.Embed:
    """Return a guild's servers and how they are reached, for admins."""
    embed = discord.Embed(title="🖥️ Game servers", colour=theme.neutral)
    for server in servers[:MAX_FIELDS]:
        health = states.get(server.scope, ServerHealth(server.scope))
        state = ConnectionState.PAUSED if server.is_paused else health.state
        name = f"{_mark_state(theme, state)} {escape_name(server.name)}"
        embed.add_field(name=name, value=_write_server(server, state), inline=False)
    if not servers:
        embed.description = "No game server yet. `/admin server add` adds one."
    return embed


def build_steps_embed(theme: Theme, server_name: str, steps: Sequence[CheckStep]) -> discord.Embed:
    """Return the test of a server, one line a step."""
    is_well = all(step.ok for step in steps)
    lines = []
    for step in steps:
        detail = escape_text(hide_ids(str(step.detail)), SENTENCE_LENGTH)
        lines.append(
            f"{theme.good if step.ok else theme.bad} **{escape_text(str(step.name.say()))}** — {detail}"
        )
    title = f"{theme.good} Everything works" if is_well else f"{theme.bad} Something is in the way"
    return discord.Embed(
        title=f"{title}: {escape_name(server_name)}",
        description="\n".join(lines),
        colour=theme.success if is_well else theme.error,
    )


def build_edited_embed(
    theme: Theme, server_name: str, changes: Sequence[FieldChange], *, steps: Sequence[CheckStep]
) -> discord.Embed:
    """Return what an edit changed, and the test of the login where one was made."""
    lines = [
        f"**{name}**: {escape_text(old, _VALUE)} → {escape_text(new, _VALUE)}"
        for name, old, new in map(write_change, changes)
    ]
    if any(change.name == "timezone" for change in changes):
        lines.append(
            "New deaths are read in the new zone. `/admin server import` corrects the times that are "
            "stored already."
        )
    embed = discord.Embed(
        title=f"{theme.good} {escape_name(server_name)} is changed",
        description="\n".join(lines),
        colour=theme.success,
    )
    if steps:
        embed.add_field(
            name="Tested before", value=", ".join(str(step.name.say()) for step in steps), inline=False
        )
    return embed


def build_host_keys_embed(theme: Theme, server_name: str, keys: HostKeys) -> discord.Embed:
    """Return the pinned key of a server and the one its host shows, with what to do about it."""
    embed = discord.Embed(
        title=f"🔑 Host key: {escape_name(server_name)}",
        description=_write_key_advice(keys),
        colour=theme.warning if keys.is_changed or keys.problem else theme.success,
    )
    if keys.pinned:
        name = "Pinned (old)" if keys.is_changed else "Pinned"
        embed.add_field(name=name, value=_write_key(keys.pinned), inline=False)
    if keys.is_changed and keys.shown:
        embed.add_field(name="Shown now (new)", value=_write_key(keys.shown), inline=False)
    return embed


def _write_key_advice(keys: HostKeys) -> str:
    if keys.problem:
        return f"The host cannot be asked: {escape_text(hide_ids(str(keys.problem)), SENTENCE_LENGTH)}"
    if not keys.is_changed:
        return "The host shows the key it was pinned to."
    return (
        "The host shows another key than the pinned one. Either the hoster moved the server, or somebody is "
        "in between. Ask the hoster for the fingerprint, and accept the new key only if it is the same."
    )


def _write_key(key: HostKey) -> str:
    return f"`{key.fingerprint}` ({escape_text(key.text.split(maxsplit=1)[0])})"


def build_rejected_embed(
    theme: Theme, server_name: str, lines: Sequence[RejectedLine], *, total: int
) -> discord.Embed:
    """Return lines of a log that could not be read, the newest first; ``total`` counts all there are."""
    embed = discord.Embed(title=f"🧩 Rejected lines: {escape_name(server_name)}", colour=theme.neutral)
    if not lines:
        embed.description = "Every line so far could be read."
        return embed
    embed.description = "\n".join(_write_rejected(line) for line in lines)
    return embed.set_footer(text=f"{write_count(total)} in all; none of them counts in any figure")


def build_import_embed(theme: Theme, server_name: str, progress: ImportProgress) -> discord.Embed:
    """Return where an import of history stands, or that it is done."""
    if progress.is_removed:
        return discord.Embed(
            title=f"{theme.paused} The history of {escape_name(server_name)} is no longer read",
            description="This game server was removed while its history was being read.",
            colour=theme.neutral,
        )
    if progress.is_done:
        return _build_import_end(theme, server_name, progress)
    total = progress.bytes_total
    share = progress.bytes_done / total if total else float(progress.is_counting)
    full = int(BAR_LENGTH * share)
    bar = theme.bar_full * full + theme.bar_empty * (BAR_LENGTH - full)
    lines = (
        f"{bar} {share:.0%}",
        f"{write_count(progress.files_done)} of {write_quantity(progress.files_total, 'file')}",
        _write_pace(progress),
    )
    return discord.Embed(
        title=f"{theme.waiting} Reading the history of {escape_name(server_name)}",
        description="\n".join(lines),
        colour=theme.neutral,
    )


def _build_import_end(theme: Theme, server_name: str, progress: ImportProgress) -> discord.Embed:
    took = write_duration(timedelta(seconds=progress.elapsed_seconds))
    lines = write_quantity(progress.rows, "line")
    return discord.Embed(
        title=f"{theme.good} The history of {escape_name(server_name)} is read",
        description=(
            f"{lines} from {write_quantity(progress.files_total, 'file')} in {took}.\n"
            "From now on new deaths count and are posted."
        ),
        colour=theme.success,
    )


def _write_pace(progress: ImportProgress) -> str:
    parts = [write_quantity(progress.rows, "line"), f"{write_count(progress.rows_per_second)} per second"]
    if progress.is_counting:
        parts.append("counting")
    elif progress.seconds_left is not None:
        parts.append(f"{write_duration(timedelta(seconds=progress.seconds_left))} left")
    return " · ".join(parts)


def _mark_state(theme: Theme, state: ConnectionState) -> str:
    marks = {
        ConnectionState.CONNECTED: theme.good,
        ConnectionState.PAUSED: theme.paused,
        ConnectionState.REFUSED: theme.bad,
        ConnectionState.NO_LOGS: theme.bad,
    }
    return marks.get(state, theme.waiting)


def _write_health(status: ServerStatus) -> str:
    health = status.health
    channel = f"<#{status.channel_id}>" if status.channel_id else "no killfeed channel: `/admin channel set`"
    lag = "" if health.lag_seconds is None else f" · lag {health.lag_seconds:.1f} s"
    last_kill, last_read = _write_moment(health.last_kill_at), _write_moment(health.last_read_at)
    lines = [
        f"{_STATES[health.state]}{_write_next_try(health)} · {channel}",
        f"Last kill {last_kill} · last read {last_read}{lag}",
        f"{write_quantity(health.lines_read, 'line')} read · {write_count(health.lines_rejected)} rejected",
    ]
    if health.problem:
        lines.append(f"⚠️ {escape_text(hide_ids(str(health.problem)), SENTENCE_LENGTH)}")
    for other in health.others:
        if other.problem:
            problem = f"{other.log}: {other.problem}"
            lines.append(f"⚠️ {escape_text(hide_ids(problem), SENTENCE_LENGTH)}")
    return "\n".join(lines)


def _write_next_try(health: ServerHealth) -> str:
    """Return when a failing server is tried next; a state that waits for a person has no such time."""
    if health.state not in (ConnectionState.RETRYING, ConnectionState.NO_LOGS):
        return ""
    return f" {write_time(health.next_try_at)}" if health.next_try_at else " now"


def _write_server(server: GameServer, state: ConnectionState) -> str:
    silent = [KINDS[kind] for kind in DeathKind if kind in server.silenced]
    parts = [
        f"{escape_text(server.host, 100)} port {server.port}",
        f"times in {escape_text(server.timezone)}",
    ]
    if server.number is not None:
        parts.insert(1, f"number {server.number}")
    if server.legacy:
        parts.append("old SSH algorithms allowed")
    lines = [_STATES[state], " · ".join(parts)]
    if silent:
        lines.append(f"Not posted: {', '.join(silent)}")
    return "\n".join(lines)


def _write_rejected(line: RejectedLine) -> str:
    place = escape_text(f"{line.file.world}/{line.file.name}")
    text = escape_text(hide_ids(line.line), _LINE_LENGTH) or "(empty)"
    reason = escape_text(hide_ids(str(line.reason)), _LINE_LENGTH)
    return f"**{reason}** · {place}, byte {write_count(line.offset)} · {write_time(line.seen_at)}\n> {text}"


def _write_moment(at: datetime | None) -> str:
    return write_time(at) if at else NONE_YET
