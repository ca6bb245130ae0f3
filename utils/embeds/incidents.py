"""The messages about incidents."""

import discord

from utils.embeds.style import Style
from utils.models.incident_kinds import KINDS
from utils.models.incidents import CheckState, Incident, Stage
from utils.models.texts import Code, Moment, Span, Text, join, text


def build_incident_embed(
    style: Style, incident: Incident, stage: Stage, said: Text | None = None
) -> discord.Embed:
    """Return the message about an incident: the trouble, since when, its effect, and what to do first."""
    row, theme = KINDS[incident.key.kind], style.theme
    if stage is Stage.ENDED:
        about = [said] if row.is_edited and said is not None else []
        lines = [*about, _describe_end(incident)]
        return style.build(row.title, join(lines, "\n"), mark=theme.good, colour=theme.success)
    is_critical = incident.state is CheckState.CRITICAL
    lines = [
        *([] if said is None else [said]),
        _describe_begin(incident, stage),
        row.meaning,
        text("**What to do first:** {step}", step=row.first_step),
        text("Runbook: {name}", name=Code(incident.key.kind.value)),
    ]
    mark = theme.bad if is_critical else "⚠️"
    colour = theme.error if is_critical else theme.warning
    return style.build(row.title, join(lines, "\n"), mark=mark, colour=colour)


def _describe_begin(incident: Incident, stage: Stage) -> Text:
    since = Moment(incident.opened_at)
    if stage is Stage.ESCALATED:
        return text("It got worse. It began {moment}.", moment=since)
    if stage is Stage.REMINDED:
        return text("It isn't over yet. It began {moment}.", moment=since)
    return text("It began {moment}.", moment=since)


def _describe_end(incident: Incident) -> Text:
    ended_at = incident.resolved_at or incident.opened_at
    if KINDS[incident.key.kind].is_edited:
        span = Span(ended_at - incident.opened_at)
        return text("Back after {span}. It began {moment}.", span=span, moment=Moment(incident.opened_at))
    return text(
        "It's over. It began {moment} and ended {end}.",
        moment=Moment(incident.opened_at),
        end=Moment(ended_at),
    )
