"""Embeds for admins and owners: the audit of a community, and the bot's background tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import discord

from utils.embeds.audit_wording import describe_facts, describe_member
from utils.embeds.style import Style
from utils.embeds.values import join_facts
from utils.localization.escape import hide_ids
from utils.models.audit import AuditEntry
from utils.models.texts import Moment, Number, Text, Value, join, plural, text, text_in
from utils.models.visible_text import clean_text
from utils.tasks import TaskReport, TaskState

_PROBLEM_LENGTH = 160
_STATES: Mapping[TaskState, Text] = {
    TaskState.RUNNING: text_in("a task", "running"),
    TaskState.WAITING: text_in("a task", "waiting"),
    TaskState.FINISHED: text_in("a task", "finished"),
    TaskState.FAILED: text_in("a task", "failed"),
    TaskState.CANCELLED: text_in("a task", "cancelled"),
}

TASK_NAMES: Mapping[str, Text] = {
    "alert": text_in("a task", "sending an alert"),
    "alerts:tell": text_in("a task", "sending alerts"),
    "backup:schedule": text_in("a task", "backing up"),
    "backup:restored": text_in("a task", "telling how a restore went"),
    "boards:live": text_in("a task", "updating boards about game servers"),
    "boards:refresh": text_in("a task", "updating boards"),
    "bounties:board": text_in("a task", "updating boards of bounties"),
    "bounties:expire": text_in("a task", "ending bounties"),
    "roles:edit": text_in("a task", "giving and taking roles"),
    "roles:look": text_in("a task", "looking at roles"),
    "restarts:warn": text_in("a task", "announcing restarts"),
    "bounties:withdraw": text_in("a task", "withdrawing bounties"),
    "charts:warm-up": text_in("a task", "preparing charts"),
    "counters:look": text_in("a task", "looking at counters"),
    "counters:rename": text_in("a task", "renaming a counter"),
    "deliver": text_in("a task", "posting"),
    "events": text_in("a task", "editing posts of events"),
    "errors:alert": text_in("a task", "reporting errors"),
    "errors:write": text_in("a task", "storing errors"),
    "verify:stored": text_in("a task", "reading back what was stored"),
    "health:lag": text_in("a task", "measuring delays"),
    "health:round": text_in("a task", "checking the bot's health"),
    "health:stored": text_in("a task", "reading what an answer about health shows"),
    "health:status": text_in("a task", "writing the status"),
    "health:tell": text_in("a task", "reporting incidents"),
    "catch-up:report": text_in("a task", "reporting restores"),
    "guild:leave": text_in("a task", "leaving a Discord server"),
    "guild:welcome": text_in("a task", "greeting a Discord server"),
    "guilds:look": text_in("a task", "updating levels and roles"),
    "guilds:follow": text_in("a task", "following Discord servers"),
    "links:proofs": text_in("a task", "proving links"),
    "message": text_in("a task", "updating a message"),
    "locales:store": text_in("a task", "counting uses by language"),
    "mongod": text_in("a task", "watching the database"),
    "names": text_in("a task", "reading names"),
    "names:learn": text_in("a task", "learning names"),
    "notifications:send": text_in("a task", "sending direct messages"),
    "premium:ends": text_in("a task", "ending premium"),
    "premium:pause": text_in("a task", "pausing servers"),
    "proof": text_in("a task", "showing a proof"),
    "read:deaths": text_in("a task", "reading deaths"),
    "read:game": text_in("a task", "reading who plays"),
    "recaps:tell": text_in("a task", "posting recaps"),
    "seasons:move": text_in("a task", "beginning and ending seasons"),
    "sftp:idle": text_in("a task", "closing connections"),
    "storage:prune": text_in("a task", "deleting old data"),
}
"""The purposes of background tasks, by the beginning of their name; the rest names the object."""


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A background task and its name for people."""

    label: Value
    report: TaskReport


def name_task(name: str) -> Value:
    """Return what a task does; its own name where nobody named that."""
    first, _, rest = name.partition(":")
    return TASK_NAMES.get(f"{first}:{rest.partition(':')[0]}") or TASK_NAMES.get(first) or name


def build_audit_embed(style: Style, entries: Sequence[AuditEntry], *, total: int) -> discord.Embed:
    """Return a page of changes, newest first."""
    lines = [style.write(_describe_entry(entry)) for entry in entries]
    embed = style.build(text("📝 Changes"), text("No matching changes."), lines=lines)
    return style.add_footer(embed, _count(total)) if entries else embed


def build_tasks_embed(style: Style, tasks: Sequence[ListedTask], *, total: int) -> discord.Embed:
    """Return a page of background tasks."""
    is_well = all(task.report.last_error is None for task in tasks)
    lines = [_write_task(style, task) for task in tasks]
    colour = style.theme.neutral if is_well else style.theme.warning
    embed = style.build(text("⚙️ Background tasks"), text("Nothing is running."), lines=lines, colour=colour)
    return style.add_footer(embed, _count(total))


def _count(total: int) -> Text:
    return text("{total} in total", total=Number(total))


def _describe_entry(entry: AuditEntry) -> Text:
    return text(
        "{at} · {actor} · **{action}**\n> {facts}",
        at=Moment(entry.at, "f"),
        actor=text("the bot") if entry.actor_id is None else describe_member(entry.actor_id),
        action=entry.action,
        facts=describe_facts(entry),
    )


def _write_task(style: Style, task: ListedTask) -> str:
    report = task.report
    mark = style.theme.bad if report.state is TaskState.FAILED else style.theme.good
    facts = [text("**{task}**", task=task.label), _STATES[report.state], _count_runs(report)]
    if report.next_run_at is not None:
        facts.append(text("next {moment}", moment=Moment(report.next_run_at)))
    line = f"{mark} {style.write(join_facts(facts))}"
    if not report.last_error:
        return line
    return f"{line}\n> {style.write(clean_text(hide_ids(report.last_error), _PROBLEM_LENGTH))}"


def _count_runs(report: TaskReport) -> Text:
    runs = plural("{count} run", "{count} runs", report.runs)
    errors = plural("{count} error", "{count} errors", report.errors)
    return join([runs, errors], ", ") if report.errors else runs
