"""Game servers: their state, their list, the test of one, its rejected lines, an import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import discord

from utils.embeds.audit_wording import describe_change
from utils.embeds.limits import MAX_FIELDS
from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.embeds.values import NONE_YET, frame, join_facts, show_name
from utils.embeds.wording import FEED_SWITCHES
from utils.localization.escape import hide_ids
from utils.models.audit import FieldChange
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
from utils.models.texts import (
    Code,
    Command,
    Mention,
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
from utils.models.visible_text import clean_text

BAR_LENGTH = 14  # fits one line of a phone
_LINE_LENGTH = 160
_ADD = Command("admin server add")

_STATES: Mapping[ConnectionState, Text] = {
    ConnectionState.UNKNOWN: text_in("a connection", "not read yet"),
    ConnectionState.CONNECTED: text_in("a connection", "connected"),
    ConnectionState.RETRYING: text_in("a connection", "not read, trying again"),
    ConnectionState.REFUSED: text_in("a connection", "refused, waits for an admin"),
    ConnectionState.NO_LOGS: text_in("a connection", "connected, no logs to read, looking again"),
    ConnectionState.PAUSED: text_in(
        "a connection", "paused, over the premium limit ({status})", status=Command("premium status")
    ),
}


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server in ``/killfeed status``: its name, its killfeed channel, and its health."""

    name: str
    channel_id: ChannelId | None
    health: ServerHealth


def build_status_embed(
    style: Style,
    servers: Sequence[ServerStatus],
    *,
    connections: ConnectionCount,
    limit: int,
    posting_problem: Text | None = None,
) -> discord.Embed:
    """Return the state of reading, a field for each server; ``limit`` is the guild's limit of connections."""
    is_well = posting_problem is None and all(status.health.is_well for status in servers)
    none = text("This Discord server has no game server yet. {add} adds one.", add=_ADD)
    said = None if posting_problem is None else _warn(posting_problem)
    colour = style.theme.success if is_well else style.theme.warning
    embed = style.build(text("📡 Killfeed status"), said if servers else none, colour=colour)
    for status in servers[:MAX_FIELDS]:
        name = _show_name(style, status.name, status.health.state)
        style.add_field(embed, name, _describe_health(status))
    opened = text(
        "Connections to game hosts: {opened} of {limit} open, {waiting} waiting",
        opened=Number(connections.opened),
        limit=Number(limit),
        waiting=Number(connections.waiting),
    )
    return style.add_footer(embed, opened)


def build_server_list_embed(
    style: Style, servers: Sequence[GameServer], *, states: Mapping[ServerScope, ServerHealth]
) -> discord.Embed:
    """Return a guild's servers and their addresses, for admins."""
    none = text("No game server yet. {add} adds one.", add=_ADD)
    embed = style.build(text("🖥️ Game servers"), None if servers else none)
    for server in servers[:MAX_FIELDS]:
        health = states.get(server.scope, ServerHealth(server.scope))
        state = ConnectionState.PAUSED if server.is_paused else health.state
        name = _show_name(style, server.name, state)
        style.add_field(embed, name, _describe_server(server, state))
    return embed


def build_steps_embed(style: Style, server_name: str, steps: Sequence[CheckStep]) -> discord.Embed:
    """Return the test of a server, with a line for each step."""
    theme, server = style.theme, show_name(server_name)
    is_well = all(step.ok for step in steps)
    title = text("Something is in the way: {server}", server=server)
    if is_well:
        title = text("Everything works: {server}", server=server)
    return style.build(
        title,
        lines=[_write_step(style, step) for step in steps],
        mark=theme.good if is_well else theme.bad,
        colour=theme.success if is_well else theme.error,
    )


def _write_step(style: Style, step: CheckStep) -> str:
    mark = style.theme.good if step.ok else style.theme.bad
    said = text("**{step}** — {detail}", step=step.name.say(), detail=step.detail)
    return f"{mark} {style.write(said)}"


def build_edited_embed(
    style: Style, server_name: str, changes: Sequence[FieldChange], *, steps: Sequence[CheckStep]
) -> discord.Embed:
    """Return the changes of an edit, and the test of the login if there was one."""
    lines = [
        text("**{setting}**: {old} → {new}", setting=name, old=old, new=new)
        for name, old, new in map(describe_change, changes)
    ]
    if any(change.name == "timezone" for change in changes):
        lines.append(
            text(
                "New deaths are read in the new zone. {corrects} corrects the times that are stored already.",
                corrects=Command("admin server import"),
            )
        )
    title = text("{server} is changed", server=show_name(server_name))
    embed = build_success_embed(style, title, join(lines, "\n"))
    if steps:
        style.add_field(embed, text("Tested before"), Names(tuple(step.name.say() for step in steps)))
    return embed


def build_host_keys_embed(style: Style, server_name: str, keys: HostKeys) -> discord.Embed:
    """Return the pinned key of a server and the one its host shows, and what to do."""
    title = text("🔑 Host key: {server}", server=show_name(server_name))
    colour = style.theme.warning if keys.is_changed or keys.problem else style.theme.success
    embed = style.build(title, _advise(keys), colour=colour)
    if keys.pinned:
        name = text("Pinned (old)") if keys.is_changed else text("Pinned")
        style.add_field(embed, name, _describe_key(keys.pinned))
    if keys.is_changed and keys.shown:
        style.add_field(embed, text("Shown now (new)"), _describe_key(keys.shown))
    return embed


def _advise(keys: HostKeys) -> Text:
    if keys.problem:
        return text("The host cannot be asked: {problem}", problem=keys.problem)
    if not keys.is_changed:
        return text("The host shows the key it was pinned to.")
    return text(
        "The host shows another key than the pinned one. Either the hoster moved the server, or somebody is "
        "in between. Ask the hoster for the fingerprint, and accept the new key only if it is the same."
    )


def _describe_key(key: HostKey) -> Text:
    algorithm, _, _ = key.text.partition(" ")
    return text(
        "{fingerprint} ({algorithm})", fingerprint=Code(key.fingerprint), algorithm=clean_text(algorithm)
    )


def build_rejected_embed(
    style: Style, server_name: str, lines: Sequence[RejectedLine], *, total: int
) -> discord.Embed:
    """Return rejected lines of a log, the newest first; ``total`` counts all of them."""
    title = text("🧩 Rejected lines: {server}", server=show_name(server_name))
    listed = [style.write(_describe_rejected(line)) for line in lines]
    embed = style.build(title, text("Every line so far could be read."), lines=listed)
    counted = text("{total} in all; none of them counts in any figure", total=Number(total))
    return style.add_footer(embed, counted) if lines else embed


def build_import_embed(style: Style, server_name: str, progress: ImportProgress) -> discord.Embed:
    """Return the progress of an import of history, or that it is done."""
    theme, server = style.theme, show_name(server_name)
    if progress.is_removed:
        title = text("The history of {server} is no longer read", server=server)
        said = text("This game server was removed while its history was being read.")
        return style.build(title, said, mark=theme.paused)
    if progress.is_done:
        title = text("The history of {server} is read", server=server)
        return build_success_embed(style, title, _describe_end(progress))
    title = text("Reading the history of {server}", server=server)
    return style.build(title, lines=_list_progress(style, progress), mark=theme.waiting)


def _describe_end(progress: ImportProgress) -> Text:
    """Return the numbers of read rows; the first sentence has two numbers, each with its own noun."""
    read = text(
        "{lines} from {files} in {span}.",
        lines=_count_lines(progress.rows),
        files=plural("{count} file", "{count} files", progress.files_total),
        span=Span(timedelta(seconds=progress.elapsed_seconds)),
    )
    return join([read, text("From now on new deaths count and are posted.")], "\n")


def _list_progress(style: Style, progress: ImportProgress) -> list[str]:
    total = progress.bytes_total
    share = progress.bytes_done / total if total else float(progress.is_counting)
    full = int(BAR_LENGTH * share)
    bar = style.theme.bar_full * full + style.theme.bar_empty * (BAR_LENGTH - full)
    files = plural(
        "{done} of {count} file",
        "{done} of {count} files",
        progress.files_total,
        done=Number(progress.files_done),
    )
    percent = text_in("how far it is", "{number}%", number=Number(100 * share))
    pace = join_facts(_list_pace(progress))
    return [f"{bar} {style.write(percent)}", style.write(files), style.write(pace)]


def _list_pace(progress: ImportProgress) -> list[Text]:
    pace = [
        _count_lines(progress.rows),
        text("{number} per second", number=Number(progress.rows_per_second)),
    ]
    if progress.is_counting:
        pace.append(text("counting"))
    elif progress.seconds_left is not None:
        pace.append(text("{span} left", span=Span(timedelta(seconds=progress.seconds_left))))
    return pace


def _count_lines(lines: int) -> Text:
    return plural("{count} line", "{count} lines", lines)


def _show_name(style: Style, name: str, state: ConnectionState) -> Text:
    """Return a mark of the state and the server's name."""
    theme = style.theme
    marks = {
        ConnectionState.CONNECTED: theme.good,
        ConnectionState.PAUSED: theme.paused,
        ConnectionState.REFUSED: theme.bad,
        ConnectionState.NO_LOGS: theme.bad,
    }
    return frame(f"{marks.get(state, theme.waiting)} {{name}}", name=show_name(name))


def _describe_health(status: ServerStatus) -> Text:
    health = status.health
    lines = [
        join_facts([_describe_state(health), _describe_place(status.channel_id)]),
        join_facts(_list_moments(health)),
        join_facts(_list_counts(health)),
    ]
    if health.problem:
        lines.append(_warn(health.problem))
    for other in health.others:
        if other.problem:
            problem = text("{log}: {problem}", log=other.log, problem=other.problem)
            lines.append(_warn(problem))
    return join(lines, "\n")


def _describe_place(channel_id: ChannelId | None) -> Text:
    if channel_id is None:
        return text("no killfeed channel: {set}", set=Command("admin channel set"))
    return text("{channel}", channel=Mention("#", channel_id))


def _list_moments(health: ServerHealth) -> list[Text]:
    moments = [
        text("Last kill {moment}", moment=_show_moment(health.last_kill_at)),
        text("last read {moment}", moment=_show_moment(health.last_read_at)),
    ]
    if health.lag_seconds is not None:
        moments.append(text("lag {seconds} s", seconds=Number(health.lag_seconds, 1)))
    return moments


def _list_counts(health: ServerHealth) -> list[Text]:
    return [
        plural("{count} line read", "{count} lines read", health.lines_read),
        plural("{count} rejected", "{count} rejected", health.lines_rejected),
    ]


def _describe_state(health: ServerHealth) -> Text:
    """Return a state, and the time of the next try of a failing server, unless it waits for a person."""
    state = _STATES[health.state]
    if health.state not in (ConnectionState.RETRYING, ConnectionState.NO_LOGS):
        return state
    if health.next_try_at is None:
        return text_in("a connection and when it is tried", "{state} now", state=state)
    moment = Moment(health.next_try_at)
    return text_in("a connection and when it is tried", "{state} {moment}", state=state, moment=moment)


def _describe_server(server: GameServer, state: ConnectionState) -> Text:
    place = text("{host} port {port}", host=clean_text(server.host, 100), port=str(server.port))
    parts = [place, text("times in {zone}", zone=server.timezone)]
    if server.number is not None:
        parts.insert(1, text("number {number}", number=str(server.number)))
    if server.legacy:
        parts.append(text("old SSH algorithms allowed"))
    lines = [_STATES[state], join_facts(parts)]
    if silent := tuple(name for kind, name in FEED_SWITCHES.items() if kind in server.silenced):
        lines.append(text("Not posted: {kinds}", kinds=Names(silent)))
    return join(lines, "\n")


def _describe_rejected(line: RejectedLine) -> Text:
    return text(
        "**{reason}** · {file}, byte {offset} · {moment}\n> {line}",
        reason=line.reason,
        file=clean_text(f"{line.file.world}/{line.file.name}"),
        offset=Number(line.offset),
        moment=Moment(line.seen_at),
        line=clean_text(hide_ids(line.line), _LINE_LENGTH) or text("(empty)"),
    )


def _warn(problem: Text) -> Text:
    return text("⚠️ {problem}", problem=problem)


def _show_moment(at: datetime | None) -> Value:
    return Moment(at) if at else NONE_YET
