"""Levels: the answer of ``/rank``, and the times of more XP."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import discord

from utils.embeds.charts.cards import LEVEL, count_xp, describe_missing, describe_place
from utils.embeds.style import Style
from utils.embeds.values import join_facts, show_name
from utils.models.levels import RankReport, find_title
from utils.models.roles import RULE_PERIOD_CHOICES
from utils.models.rule_plans import MemberRoles
from utils.models.texts import Mention, Moment, Names, Number, Text, Value, join, text
from utils.models.xp import XpEvent

SHOWN_XP_EVENTS = 10


def build_rank_embed(style: Style, report: RankReport) -> discord.Embed:
    """Return the level of a player, or of several players of one person."""
    lines = []
    if len(report.players) > 1:
        others = Names(tuple(show_name(one.name) for one in report.players[1:]))
        lines.append(style.write(text("together with {players}", players=others)))
    embed = style.build(text("🎖️ {player}", player=show_name(report.players[0].name)), lines=lines)
    for name, value in _list_fields(report):
        style.add_field(embed, name, value, inline=True)
    return embed


def build_xp_events_embed(style: Style, events: Sequence[XpEvent], *, now: datetime) -> discord.Embed:
    """Return the times of more XP, the newest first."""
    running = [event for event in events if event.holds_at(now)]
    lines = [style.write(_describe_running(running))]
    if events:
        lines += ["", style.write(text("**The last ones**"))]
        lines += [style.write(_describe_event(event)) for event in events[:SHOWN_XP_EVENTS]]
    colour = style.theme.success if running else style.theme.neutral
    return style.build(text("⚡ Extra XP"), lines=lines, colour=colour)


def _list_fields(report: RankReport) -> Iterator[tuple[Text, Value]]:
    yield (
        LEVEL,
        text("{level} · {title}", level=Number(report.level), title=find_title(report.level)),
    )
    yield text("XP"), Number(report.xp)
    yield text("Next level"), describe_missing(report)
    yield text("Place"), describe_place(report.place)
    if report.season:
        season = report.season_place
        figures = [count_xp(season.value), describe_place(season)]
        shown = join_facts(figures if season.rank else figures[:1])
        yield text("Season"), text("{season}: {shown}", season=show_name(report.season), shown=shown)
    if lines := [*_list_roles(report.roles)]:
        yield text("Roles"), join(lines, "\n")


def _list_roles(roles: MemberRoles) -> Iterator[Value]:
    """Yield the roles that a member has by rules, and the next one with what lacks for it."""
    if roles.held:
        yield Names(tuple(Mention("@&", role_id) for role_id in roles.held))
    if (following := roles.following) is not None:
        facts: list[Value] = [following.lacking]
        facts += [] if following.where is None else [following.where]
        facts += [] if following.period is None else [RULE_PERIOD_CHOICES[following.period]]
        role = Mention("@&", following.role_id)
        yield text("next: {role} (needs {lacking})", role=role, lacking=join_facts(facts))


def _describe_running(running: Sequence[XpEvent]) -> Text:
    """Return what a kill gives now."""
    if not running:
        return text("Each kill gives its usual XP right now.")
    best = max(running, key=lambda event: (event.factor, event.ends_at))
    return text(
        "Each kill gives {factor} times its XP until {end}.",
        factor=Number(best.factor),
        end=Moment(best.ends_at, "f"),
    )


def _describe_event(event: XpEvent) -> Text:
    return text(
        "{factor} times: {start} to {end}",
        factor=Number(event.factor),
        start=Moment(event.starts_at, "f"),
        end=Moment(event.ends_at, "f"),
    )
