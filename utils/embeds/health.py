"""The answer of ``/admin health``: how the bot is, for the admins of a guild and for its owners."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import discord

from utils.embeds.servers import STATES
from utils.embeds.style import Style
from utils.embeds.values import frame, join_facts, show_name
from utils.models.backups import BackupState
from utils.models.health import (
    BotHealth,
    CheckReport,
    CommandShare,
    GuildHealth,
    LeaseState,
    ServerReading,
)
from utils.models.incident_kinds import KINDS, IncidentKind
from utils.models.incidents import CheckState, Incident
from utils.models.texts import Code, Moment, Number, Share, Span, Text, join, plural, text, text_in

MOST_LINES = 10
NOT_YET = text("Not checked yet: the first check comes within a minute.")

_DATABASE = (IncidentKind.DATABASE_AWAY, IncidentKind.DATABASE_SLOW)
_OWNERS_CHECKS = (
    (text_in("health", "Memory"), IncidentKind.MEMORY),
    (text_in("health", "Event loop"), IncidentKind.EVENT_LOOP),
    (text_in("health", "Disk"), IncidentKind.DISK_SPACE),
    (text_in("health", "Rate limits"), IncidentKind.DISCORD_LIMITED),
    (text_in("health", "Data check"), IncidentKind.DATA_DIFFERS),
)


def build_health_embeds(
    style: Style, guild: GuildHealth, bot: BotHealth | None = None, *, now: datetime
) -> list[discord.Embed]:
    """Return the health for the admins of a guild, and a second embed for the owners of the bot."""
    embeds = [_build_guild_embed(style, guild)]
    return embeds if bot is None else [*embeds, _build_bot_embed(style, bot, now=now)]


def _build_guild_embed(style: Style, health: GuildHealth) -> discord.Embed:
    worst = max((one.state for one in health.checks.values()), default=CheckState.OK)
    is_well = worst is CheckState.OK and not health.troubles
    colour = style.theme.success if is_well else style.theme.warning
    embed = style.build(text("🩺 Health"), colour=colour)
    style.add_field(embed, text_in("health", "Database"), _show_checks(health.checks, _DATABASE))
    discord_checks = _show_checks(health.checks, (IncidentKind.GATEWAY_DOWN,))
    style.add_field(embed, text_in("health", "Discord"), discord_checks)
    style.add_field(embed, text_in("health", "Servers"), _list_servers(health.servers))
    style.add_field(embed, text_in("health", "Queue"), _show_queue(health.waiting, health.oldest_seconds))
    style.add_field(embed, text_in("health", "Commands"), _show_commands(health.commands))
    if health.backups is not None:
        style.add_field(embed, text_in("health", "Last backup"), _show_backup(health.backups))
    style.add_field(embed, text_in("health", "Troubles"), _list_troubles(health.troubles))
    if health.checked_at is not None:
        embed.timestamp = health.checked_at
    return embed


def _build_bot_embed(style: Style, health: BotHealth, *, now: datetime) -> discord.Embed:
    worst = max((one.state for one in health.checks.values()), default=CheckState.OK)
    colour = style.theme.success if worst is CheckState.OK else style.theme.warning
    embed = style.build(text("⚙️ The whole bot"), colour=colour)
    style.add_field(embed, text_in("health", "Queue"), _show_queue(health.waiting, health.oldest_seconds))
    style.add_field(embed, text_in("health", "Commands"), _show_commands(health.commands))
    for name, kind in _OWNERS_CHECKS:
        style.add_field(embed, name, _show_checks(health.checks, (kind,)))
    style.add_field(embed, text_in("health", "Tasks"), _show_tasks(*health.tasks))
    style.add_field(embed, text_in("health", "Processes"), _list_leases(health.leases, now))
    style.add_field(embed, text_in("health", "Errors"), _count_errors(health.errors))
    style.add_field(embed, text_in("health", "Languages this month"), _show_locales(health.locales))
    style.add_field(embed, text_in("health", "Troubles"), _list_troubles(health.troubles))
    return embed


def _show_checks(checks: Mapping[IncidentKind, CheckReport], kinds: Sequence[IncidentKind]) -> Text:
    """Return the sentence of each check that is known; of several, the bad ones, else the first."""
    known = [checks[kind] for kind in kinds if kind in checks]
    bad = [one for one in known if one.state]
    return join([_mark(one.state, one.said) for one in bad or known[:1]] or [NOT_YET], "\n")


def _mark(state: CheckState, said: Text) -> Text:
    match state:
        case CheckState.OK:
            return text("✅ {said}", said=said)
        case CheckState.WARN:
            return text("⚠️ {said}", said=said)
        case CheckState.CRITICAL:
            return text("❌ {said}", said=said)


def _list_servers(servers: Sequence[ServerReading]) -> Text:
    lines = [_describe_server(one) for one in servers[:MOST_LINES]]
    if len(servers) > MOST_LINES:
        lines.append(plural("{count} more", "{count} more", len(servers) - MOST_LINES))
    return join(lines or [text("No game server is set up yet.")], "\n")


def _describe_server(server: ServerReading) -> Text:
    facts = [text("**{server}**: {state}", server=show_name(server.name), state=STATES[server.state])]
    if server.last_read_at is not None:
        facts.append(text("last read {moment}", moment=Moment(server.last_read_at)))
    if server.lag_seconds is not None:
        facts.append(text("lag {seconds} s", seconds=Number(server.lag_seconds, 1)))
    return join_facts(facts)


def _show_queue(waiting: int, oldest_seconds: float) -> Text:
    count = plural("{count} post waits", "{count} posts wait", waiting)
    if not oldest_seconds:
        return count
    return join_facts([count, text("the oldest for {span}", span=_measure(oldest_seconds))])


def _show_commands(commands: CommandShare) -> Text:
    if not commands.used:
        return text("None in 24 hours")
    share = Share(commands.answered, commands.used)
    return plural(
        "{share} of {count} command answered in 24 hours",
        "{share} of {count} commands answered in 24 hours",
        commands.used,
        share=share,
    )


def _show_backup(backups: BackupState) -> Text:
    if backups.newest_at is None:
        return text("None yet")
    when = Moment(backups.newest_at)
    if backups.is_newest_proven:
        return text("{moment}, and a restore on trial has shown that it works", moment=when)
    return text("{moment}, not restored on trial yet", moment=when)


def _show_tasks(known: int, failing: int) -> Text:
    count = plural("{count} runs", "{count} run", known)
    if not failing:
        return count
    return join_facts([count, plural("{count} keeps failing", "{count} keep failing", failing)])


def _count_errors(errors: tuple[int, int] | None) -> Text:
    if errors is None:
        return text("The database isn't answering.")
    known, fresh = errors
    return text("{open} open, {new} of them new in 24 hours", open=Number(known), new=Number(fresh))


def _show_locales(locales: Mapping[str, int] | None) -> Text:
    """Return the locales that were used most, in one line."""
    if locales is None:
        return text("The database isn't answering.")
    most = sorted(locales.items(), key=lambda one: (-one[1], one[0]))[:MOST_LINES]
    shown = [frame("{locale} {count}", locale=Code(locale), count=Number(count)) for locale, count in most]
    return join_facts(shown or [text("None")])


def _list_leases(leases: Sequence[LeaseState] | None, now: datetime) -> Text:
    if leases is None:
        return text("The database isn't answering.")
    return join([_describe_lease(one, now) for one in leases[:MOST_LINES]], "\n")


def _describe_lease(lease: LeaseState, now: datetime) -> Text:
    shard = str(lease.shard)
    if lease.expires_at <= now:
        return text("❌ Shard {shard}: no process serves it", shard=shard)
    if lease.is_own:
        return text("✅ Shard {shard}: this process", shard=shard)
    return text("✅ Shard {shard}: another process", shard=shard)


def _list_troubles(troubles: Sequence[Incident]) -> Text:
    lines = [_describe_trouble(one) for one in troubles[:MOST_LINES]]
    if len(troubles) > MOST_LINES:
        lines.append(plural("{count} more", "{count} more", len(troubles) - MOST_LINES))
    return join(lines or [text("None")], "\n")


def _describe_trouble(incident: Incident) -> Text:
    said = text(
        "{title} ({name}). It began {moment}.",
        title=KINDS[incident.key.kind].title,
        moment=Moment(incident.opened_at),
        name=Code(incident.key.kind.value),
    )
    return _mark(incident.state, said)


def _measure(seconds: float) -> Span:
    return Span(timedelta(seconds=seconds))
