"""Findings: a measured value against the limits of its kind."""

from collections.abc import Sequence

from utils.models.incident_kinds import KINDS, IncidentKind
from utils.models.incidents import WHOLE_BOT, CheckState, Finding, IncidentKey
from utils.models.scope import GuildId
from utils.models.texts import Text


def judge(
    kind: IncidentKind,
    said: Text,
    *,
    subject: str = "",
    guild_id: GuildId = WHOLE_BOT,
    **values: float,
) -> Finding:
    """Return the finding about measured values; the worst of them decides."""
    return Finding(IncidentKey(guild_id, kind, subject), rate(kind, **values), said)


def rate(kind: IncidentKind, **values: float) -> CheckState:
    """Return the state that measured values mean; the worst of them decides."""
    limits = KINDS[kind].limits
    if any(limits[name].is_critical(value) for name, value in values.items()):
        return CheckState.CRITICAL
    is_warned = any(limits[name].is_warned(value) for name, value in values.items())
    return CheckState.WARN if is_warned else CheckState.OK


def say_well(kind: IncidentKind, said: Text) -> Sequence[Finding]:
    """Return the finding that nothing is wrong."""
    return (Finding(IncidentKey(WHOLE_BOT, kind), CheckState.OK, said),)
