"""Documents of incidents."""

from datetime import datetime

from utils.database.documents.codec import Document
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState, Incident, IncidentKey, IncidentMessage
from utils.models.scope import ChannelId, GuildId, ServerId

KINDS_READ = frozenset(IncidentKind)
"""A newer bot may have stored kinds that this one does not know; they are passed over."""


def build_incident_document(incident: Incident) -> Document:
    """Return the document of an incident."""
    return {
        "kind": incident.key.kind.value,
        "subject": incident.key.subject,
        "state": incident.state.code,
        "opened_at": incident.opened_at,
        "told_state": incident.told_state.code,
        "told_at": incident.told_at,
        "escalated_at": incident.escalated_at,
        "resolved_at": incident.resolved_at,
        "servers": sorted(incident.servers),
        "is_open": incident.is_open,
        "message": None
        if incident.message is None
        else {"channel_id": int(incident.message.channel_id), "message_id": incident.message.message_id},
    }


def read_incident(guild_id: GuildId, document: Document) -> Incident:
    """Return the incident of a document."""
    return Incident(
        IncidentKey(guild_id, IncidentKind(document["kind"]), document["subject"]),
        _read_state(document["state"]),
        document["opened_at"],
        told_state=_read_state(document["told_state"]),
        told_at=_read_time(document["told_at"]),
        escalated_at=_read_time(document["escalated_at"]),
        resolved_at=_read_time(document["resolved_at"]),
        servers=frozenset(ServerId(one) for one in document["servers"]),
        message=_read_message(document.get("message")),
    )


def _read_message(stored: Document | None) -> IncidentMessage | None:
    if stored is None:
        return None
    return IncidentMessage(ChannelId(stored["channel_id"]), stored["message_id"])


def _read_state(code: str) -> CheckState:
    return next(state for state in CheckState if state.code == code)


def _read_time(stored: object) -> datetime | None:
    return stored if isinstance(stored, datetime) else None
