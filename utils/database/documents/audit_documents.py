"""Documents of the audit."""

from typing import Any

from utils.models.audit import AuditEntry
from utils.models.scope import MemberId

Document = dict[str, Any]


def build_audit_document(entry: AuditEntry) -> Document:
    """Return what is stored of a change."""
    return {
        "at": entry.at,
        "actor_id": None if entry.actor_id is None else int(entry.actor_id),
        "action": str(entry.action),
        "detail": entry.detail,
    }


def read_audit(document: Document) -> AuditEntry:
    """Return the change that a document holds."""
    actor_id = document["actor_id"]
    return AuditEntry(
        at=document["at"],
        actor_id=None if actor_id is None else MemberId(actor_id),
        action=document["action"],
        detail=document["detail"],
    )
