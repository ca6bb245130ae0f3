"""Game servers: their state, their list, the test of one, its rejected lines, an import."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import discord

from utils.embeds.audit_wording import describe_change
from utils.embeds.limits import MAX_FIELDS
from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.embeds.values import count_deaths, frame, join_facts, show_name
from utils.embeds.wording import FEED_SWITCHES
from utils.localization.escape import hide_ids
from utils.models.audit import FieldChange
from utils.models.reading import ImportProgress, RejectedLine
from utils.models.scope import ServerScope
from utils.models.servers import (
    CheckStep,
    ConnectionState,
    GameServer,
    HostKey,
    HostKeys,
    ServerHealth,
    WayStep,
)
from utils.models.texts import (
    Code,
    Command,
    Moment,
    Names,
    Number,
    Span,
    Text,
    join,
    plural,
    text,
    text_in,
)
from utils.models.visible_text import clean_text

BAR_LENGTH = 14  # fits one line of a phone
_LINE_LENGTH = 160
_ADD = Command("admin server add")

STATES: Mapping[ConnectionState, Text] = {
    ConnectionState.UNKNOWN: text_in("a connection", "Not read yet"),
    ConnectionState.CONNECTED: text_in("a connection", "Connected"),
    ConnectionState.RETRYING: text_in("a connection", "Offline, retrying"),
    ConnectionState.REFUSED: text_in(
        "a connection", "Can't log in: {test} shows why", test=Command("admin server test")
    ),
    ConnectionState.NO_LOGS: text_in("a connection", "Connected, no logs yet"),
    ConnectionState.PAUSED: text_in(
        "a connection", "Paused, over the premium limit ({status})", status=Command("premium status")
    ),
}
"""The states of a connection in words."""


def build_server_list_embed(
    style: Style, servers: Sequence[GameServer], *, states: Mapping[ServerScope, ServerHealth]
) -> discord.Embed:
    """Return a guild's servers and their addresses, for admins."""
    none = text("No game server yet. {add} adds one.", add=_ADD)
    embed = style.build(text("🖥️ Game servers"), None if servers else none)
    for server in servers[:MAX_FIELDS]:
        health = states.get(server.scope, ServerHealth(server.scope))
        state = ConnectionState.PAUSED if server.is_paused else health.state
        name = show_state(style, server.name, state)
        style.add_field(embed, name, _describe_server(server, state))
    return embed


def build_steps_embed(
    style: Style, server_name: str, steps: Sequence[CheckStep], *, next_step: Text | None = None
) -> discord.Embed:
    """Return the test of a server, with a line for each step, and what to do next."""
    theme, failed = style.theme, next((step for step in steps if not step.ok), None)
    is_well = failed is None
    lines = [_write_step(style, step) for step in steps]
    if next_step is not None:
        lines += ["", style.write(next_step)]
    return style.build(
        _title_steps(show_name(server_name), failed),
        lines=lines,
        mark=theme.good if is_well else theme.bad,
        colour=theme.success if is_well else theme.error,
    )


def build_added_embed(
    style: Style, server_name: str, steps: Sequence[CheckStep], *, next_steps: Sequence[Text]
) -> discord.Embed:
    """Return the answer about a new server: the steps of its test, and what happens next."""
    lines = [_write_step(style, step) for step in steps]
    lines += ["", *map(style.write, next_steps)]
    title = text("{server} added", server=show_name(server_name))
    return style.build(title, lines=lines, mark=style.theme.good, colour=style.theme.success)


def _title_steps(server: Text | str, failed: CheckStep | None) -> Text:
    if failed is None:
        return text("Everything works: {server}", server=server)
    if failed.name is WayStep.LOGIN:
        return text("Couldn't log in to {server}", server=server)
    if failed.name in (WayStep.FIND_LOGS, WayStep.READ_NEWEST):
        return text("Couldn't read the logs of {server}", server=server)
    if failed.name is WayStep.OTHER_SERVERS:
        return text("Another server already uses the logs of {server}", server=server)
    return text("Couldn't connect to {server}", server=server)


def _write_step(style: Style, step: CheckStep) -> str:
    return style.write(_mark_step(style, step))


def _mark_step(style: Style, step: CheckStep) -> Text:
    return frame(f"{style.theme.good if step.ok else style.theme.bad} {{detail}}", detail=step.detail)


def build_edited_embed(
    style: Style,
    server_name: str,
    changes: Sequence[FieldChange],
    *,
    steps: Sequence[CheckStep],
    next_step: Text | None = None,
) -> discord.Embed:
    """Return the changes of an edit, the test of the login if there was one, and what happens next."""
    lines = [
        text("**{setting}**: {old} → {new}", setting=name, old=old, new=new)
        for name, old, new in map(describe_change, changes)
    ]
    if any(change.name == "timezone" for change in changes):
        lines.append(
            text(
                "New deaths use the new time zone. Run {corrects} to correct the older ones.",
                corrects=Command("admin server import"),
            )
        )
    lines += [_mark_step(style, step) for step in steps]
    if next_step is not None:
        lines.append(next_step)
    title = text("{server} changed", server=show_name(server_name))
    return build_success_embed(style, title, join(lines, "\n"))


def build_host_keys_embed(style: Style, server_name: str, keys: HostKeys) -> discord.Embed:
    """Return the pinned key of a server and the one its host shows, and what to do."""
    title = text("🔑 Host key: {server}", server=show_name(server_name))
    colour = style.theme.warning if keys.is_changed or keys.problem else style.theme.success
    embed = style.build(title, _advise(keys), colour=colour)
    if keys.pinned:
        name = text("Saved (old)") if keys.is_changed else text("Saved")
        style.add_field(embed, name, _describe_key(keys.pinned))
    if keys.is_changed and keys.shown:
        style.add_field(embed, text("Shown now (new)"), _describe_key(keys.shown))
    return embed


def _advise(keys: HostKeys) -> Text:
    if keys.problem:
        return text("I couldn't ask the host: {problem}", problem=keys.problem)
    if not keys.is_changed:
        return text("The host shows the key that I saved. All is well.")
    return text(
        "The host shows a new key. Either your hosting company moved the server, or someone is intercepting "
        "the connection. Ask the company for the fingerprint, and accept the new key only if it's the same."
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
    embed = style.build(title, text("I could read every line so far."), lines=listed)
    counted = plural("{count} line, not counted", "{count} lines, none counted", total)
    return style.add_footer(embed, counted) if lines else embed


def build_import_embed(
    style: Style, server_name: str, progress: ImportProgress, *, next_step: Text | None = None
) -> discord.Embed:
    """Return the progress of an import of history, or its end and what follows."""
    theme, server = style.theme, show_name(server_name)
    if progress.is_removed:
        title = text("Import of {server} stopped", server=server)
        said = text("The server was removed during the import.")
        return style.build(title, said, mark=theme.paused)
    if progress.is_done:
        title = text("History of {server} imported", server=server)
        sentences = [_describe_end(progress), *([] if next_step is None else [next_step])]
        return build_success_embed(style, title, join(sentences, "\n"))
    title = text("Importing the history of {server}", server=server)
    return style.build(title, lines=_list_progress(style, progress), mark=theme.waiting)


def _describe_end(progress: ImportProgress) -> Text:
    if not progress.deaths:
        return text("No deaths in its logs yet.")
    return text(
        "{deaths} in {days}.",
        deaths=count_deaths(progress.deaths),
        days=plural("{count} day", "{count} days", progress.days),
    )


def _list_progress(style: Style, progress: ImportProgress) -> list[str]:
    if not progress.files_total and not progress.is_counting:
        return [style.write(text("Looking for logs …"))]
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


def show_state(style: Style, name: str, state: ConnectionState) -> Text:
    """Return a mark of the state and the server's name."""
    theme = style.theme
    marks = {
        ConnectionState.CONNECTED: theme.good,
        ConnectionState.PAUSED: theme.paused,
        ConnectionState.REFUSED: theme.bad,
        ConnectionState.NO_LOGS: theme.bad,
    }
    return frame(f"{marks.get(state, theme.waiting)} {{name}}", name=show_name(name))


def _describe_server(server: GameServer, state: ConnectionState) -> Text:
    place = text("{host} port {port}", host=clean_text(server.host, 100), port=str(server.port))
    parts = [place, text("time zone {zone}", zone=server.timezone)]
    if server.number is not None:
        parts.insert(1, text("server number {number}", number=str(server.number)))
    if server.legacy:
        parts.append(text("old SSH encryption allowed"))
    lines = [STATES[state], join_facts(parts)]
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


def warn(problem: Text) -> Text:
    """Return a problem behind its mark."""
    return text("⚠️ {problem}", problem=problem)
