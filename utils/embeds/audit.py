"""For admins and owners: the audit of a community, and the bot's background tasks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import discord

from utils.embeds.audit_wording import write_facts, write_member
from utils.embeds.figures import write_count, write_time
from utils.embeds.theme import Theme
from utils.localization.escape import escape_text, hide_ids
from utils.models.audit import AuditEntry
from utils.models.quantities import write_quantity
from utils.tasks import TaskReport, TaskState

_DETAIL_LENGTH = 300
_PROBLEM_LENGTH = 160
_MENTION = re.compile(r"(<(?:#|@|@&)[0-9]{1,20}>)")


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A background task and what people call it."""

    label: str
    report: TaskReport


def build_audit_embed(theme: Theme, entries: Sequence[AuditEntry], *, total: int) -> discord.Embed:
    """Return a page of changes, newest first."""
    embed = discord.Embed(title="📜 Changes", colour=theme.neutral)
    if not entries:
        embed.description = "Nothing of the kind was changed yet."
        return embed
    embed.description = "\n".join(_write_entry(entry) for entry in entries)
    return embed.set_footer(text=f"{write_count(total)} in all")


def build_tasks_embed(theme: Theme, tasks: Sequence[ListedTask], *, total: int) -> discord.Embed:
    """Return a page of background tasks."""
    is_well = all(task.report.last_error is None for task in tasks)
    embed = discord.Embed(title="⚙️ Tasks", colour=theme.neutral if is_well else theme.warning)
    embed.description = "\n".join(_write_task(theme, task) for task in tasks) or "No task is known."
    return embed.set_footer(text=f"{write_count(total)} in all")


def _write_entry(entry: AuditEntry) -> str:
    who = "the bot" if entry.actor_id is None else write_member(entry.actor_id)
    head = f"{write_time(entry.at, 'f')} · {who} · **{escape_text(entry.action)}**"
    return f"{head}\n> {_write_detail(write_facts(entry))}"


def _write_detail(detail: str) -> str:
    """Escape everything but mentions of channels, roles and members, which show as their names."""
    parts = _MENTION.split(detail[:_DETAIL_LENGTH])
    written = [
        part if _MENTION.fullmatch(part) else _keep_edges(part, escape_text(hide_ids(part), _DETAIL_LENGTH))
        for part in parts
    ]
    return "".join(written)


def _keep_edges(before: str, after: str) -> str:
    """Return an escaped part with the blanks at its edges, which separate it from a mention."""
    if not after:
        return " " if before else ""
    return f"{' ' * before[:1].isspace()}{after}{' ' * before[-1:].isspace()}"


def _write_task(theme: Theme, task: ListedTask) -> str:
    report = task.report
    mark = theme.bad if report.state is TaskState.FAILED else theme.good
    line = (
        f"{mark} **{escape_text(task.label, 100)}** · {report.state} · {write_quantity(report.runs, 'run')}"
    )
    if report.errors:
        line += f", {write_quantity(report.errors, 'error')}"
    if report.next_run_at is not None:
        line += f" · next {write_time(report.next_run_at)}"
    if report.last_error:
        line += f"\n> {escape_text(hide_ids(report.last_error), _PROBLEM_LENGTH)}"
    return line
