"""Embeds about errors, for admins and for the owners of the bot."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import discord

from utils.embeds.audit import name_task
from utils.embeds.style import Style
from utils.embeds.values import join_facts
from utils.models.error_groups import ErrorCategory, ErrorGroup, GroupState, TopCount, TroubleCount
from utils.models.error_guides import Guide, Mender
from utils.models.error_reports import AlertKind, ErrorAlert, GroupPage, GroupReport, ListedGroup
from utils.models.texts import Code, Command, Moment, Names, Number, Text, Value, join, plural, text, text_in

STATES: Mapping[GroupState, Text] = {
    GroupState.OPEN: text_in("an error", "open"),
    GroupState.RESOLVED: text_in("an error", "resolved"),
    GroupState.STALE: text_in("an error", "not seen for a long time"),
}
CATEGORIES: Mapping[ErrorCategory, Text] = {
    ErrorCategory.COMMAND: text_in("an error", "command"),
    ErrorCategory.DATABASE: text_in("an error", "database"),
    ErrorCategory.SFTP: text_in("an error", "game host"),
    ErrorCategory.DELIVERY: text_in("an error", "posting"),
    ErrorCategory.DISCORD: text_in("an error", "Discord"),
    ErrorCategory.RATE_LIMIT: text_in("an error", "limit of Discord"),
    ErrorCategory.TASK: text_in("an error", "background task"),
    ErrorCategory.EVENT: text_in("an error", "event"),
    ErrorCategory.RESOURCES: text_in("an error", "machine"),
    ErrorCategory.CONFIGURATION: text_in("an error", "configuration"),
    ErrorCategory.DATA: text_in("an error", "data"),
}
SHOWN_TOPS = 3


def build_error_list_embed(style: Style, page: GroupPage) -> discord.Embed:
    """Return a page of groups, open ones first, and the troubles of the running hour."""
    lines = [_write_row(style, row) for row in page.rows]
    embed = style.build(text("🧯 Errors"), text("No errors."), lines=lines)
    if page.troubles:
        said = join([_describe_trouble(one) for one in page.troubles], "\n")
        style.add_field(embed, text("Troubles this hour"), said)
    if page.rows:
        style.add_footer(embed, plural("{count} kind of error", "{count} kinds of errors", page.total))
    return embed


def build_error_report_embed(style: Style, report: GroupReport, *, is_owner: bool) -> discord.Embed:
    """Return everything about one group; owners of the bot see its code and its communities as well."""
    group, guide = report.group, report.guide
    embed = style.build(text("🧯 Error {reference}", reference=group.reference), guide.meaning)
    for name, value in _list_fields(report, is_owner=is_owner):
        style.add_field(embed, name, value, inline=False)
    return embed


def build_error_resolved_embed(style: Style, before: ErrorGroup) -> discord.Embed:
    """Return the answer after a group was resolved."""
    said = text(
        "{reference}: {old} → {new}. If it comes back, it opens again.",
        reference=Code(before.reference),
        old=STATES[before.state],
        new=STATES[GroupState.RESOLVED],
    )
    return style.build(text("Error resolved"), said, mark=style.theme.good, colour=style.theme.success)


def build_error_alert_embed(
    style: Style, alerts: Sequence[tuple[ErrorAlert, Guide]], *, more: int, at: datetime
) -> discord.Embed:
    """Return the message to the owners of the bot about errors."""
    lines = [style.write(_describe_alert(alert, guide)) for alert, guide in alerts]
    embed = style.build(text("🧯 Errors of the bot"), lines=lines, colour=style.theme.warning)
    embed.timestamp = at
    if more:
        style.add_footer(
            embed, plural("and {count} more kind of error", "and {count} more kinds of errors", more)
        )
    return embed


def _describe_alert(alert: ErrorAlert, guide: Guide) -> Text:
    shown = Command("admin errors show", f"reference:{alert.group.reference} everywhere:True")
    match alert.kind:
        case AlertKind.NEW:
            return text("**New**: {what} {show}", what=guide.meaning, show=shown)
        case AlertKind.REGRESSED:
            return text("**Back again**: {what} {show}", what=guide.meaning, show=shown)
    count = Number(alert.count)
    return text("**{count} in 5 minutes**: {what} {show}", count=count, what=guide.meaning, show=shown)


def _write_row(style: Style, row: ListedGroup) -> str:
    group = row.group
    where = _describe_where(group)
    facts: list[Value] = [
        text("{day} in 24 h, {all} in all", day=Number(row.day), all=Number(group.count)),
        text("Last seen {at}", at=Moment(group.last_seen_at)),
        *([where] if where is not None else []),
        STATES[group.state],
    ]
    head = text("{reference} {what}", reference=Code(group.reference), what=row.guide.meaning)
    return style.write(join([head, join_facts(facts)], "\n"))


def _list_fields(report: GroupReport, *, is_owner: bool) -> Iterator[tuple[Text, Value]]:
    group, guide = report.group, report.guide
    yield text("What"), text("{error}", error=Code(group.error_type.rpartition(".")[2]))
    yield text("Category"), CATEGORIES[group.category]
    yield text("First seen"), Moment(group.first_seen_at)
    yield text("Last seen"), Moment(group.last_seen_at)
    yield (
        text("Count"),
        text(
            "1 h: {hour}, 24 h: {day}, 14 days: {fortnight}, all: {all}",
            hour=Number(report.hour),
            day=Number(report.day),
            fortnight=Number(report.fortnight),
            all=Number(group.count),
        ),
    )
    if (where := _describe_where(group)) is not None:
        yield text("Where"), where
    if report.pattern is not None:
        yield text("Pattern"), report.pattern
    yield text("What to do"), _describe_steps(guide)
    if guide.runbook is not None:
        yield text("Runbook"), Code(guide.runbook)
    yield text("State"), _describe_state(group)
    if is_owner:
        yield from _list_inner_fields(group)


def _list_inner_fields(group: ErrorGroup) -> Iterator[tuple[Text, Value]]:
    if group.guilds:
        yield text("Communities"), Names(tuple(Code(f"{one.id}: {one.count}") for one in group.guilds))
    if group.frames:
        yield text("Frames"), join([text("{frame}", frame=Code(frame)) for frame in group.frames], "\n")
    ids = [one.correlation_id for one in group.samples if one.correlation_id]
    if ids:
        yield text("Correlation ids"), Names(tuple(map(Code, ids)))


def _describe_steps(guide: Guide) -> Text:
    if guide.mender is Mender.NOBODY:
        return text("{who}. {steps}", who=guide.mender.value, steps=guide.steps)
    return text("{steps}\nWho can mend it: {who}", steps=guide.steps, who=guide.mender.value)


def _describe_state(group: ErrorGroup) -> Text:
    if group.state is GroupState.RESOLVED and group.resolved_at is not None:
        return text("resolved {at}", at=Moment(group.resolved_at))
    if group.regressions:
        return plural("open, came back {count} time", "open, came back {count} times", group.regressions)
    return STATES[group.state]


def _describe_where(group: ErrorGroup) -> Text | None:
    """Return the most frequent commands, else the most frequent tasks; None if neither is known."""
    if group.commands:
        return join([_describe_command(one) for one in group.commands[:SHOWN_TOPS]], ", ")
    if group.tasks:
        return join([text("{task}", task=name_task(str(one.id))) for one in group.tasks[:SHOWN_TOPS]], ", ")
    return None


def _describe_command(one: TopCount) -> Text:
    return text("{name}", name=Code(f"/{one.id}"))


def _describe_trouble(one: TroubleCount) -> Text:
    return text(
        "{error}: {count} ({host})", error=one.error_type, count=Number(one.count), host=Code(one.host)
    )
