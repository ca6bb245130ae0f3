"""Documents of the audit."""

from typing import Any

from utils.models.audit import AuditEntry, AuditFacts, FieldChange
from utils.models.scope import MemberId

Document = dict[str, Any]


def build_audit_document(entry: AuditEntry) -> Document:
    """Return the document of a change."""
    return {
        "at": entry.at,
        "actor_id": None if entry.actor_id is None else int(entry.actor_id),
        "action": str(entry.action),
        "facts": entry.facts.list_fields(),
    }


def read_audit(document: Document) -> AuditEntry:
    """Return the change of a stored document."""
    actor_id, facts = document["actor_id"], document["facts"]
    changes = tuple(FieldChange(**change) for change in facts.get("changes", ()))
    return AuditEntry(
        at=document["at"],
        actor_id=None if actor_id is None else MemberId(actor_id),
        action=document["action"],
        facts=AuditFacts(**{**facts, "changes": changes}),
    )
